"""Whole master data, as the model can hold them and the wire can carry them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.master_data import (
    SYSTEM_USER,
    AddressType,
    DataType,
    EntityType,
    ExternalDms,
    FileFormatType,
    MasterData,
    PatternType,
    Plugin,
    PluginType,
    PropertyAssignment,
    PropertyType,
    Term,
    TypeGroup,
    TypeGroupMember,
    Vocabulary,
)
from tests.properties.texts import (
    codes,
    optional_codes,
    optional_moments,
    optional_texts,
    optional_words,
    ordinals,
    texts,
    tuples_of,
    words,
)

_T = TypeVar("_T")
_Registered = TypeVar("_Registered", Vocabulary, Term, PropertyType)

meta_data = st.none() | st.dictionaries(texts, texts, max_size=3)

file_format_types = st.builds(FileFormatType, code=codes, description=optional_texts)

plugins = st.builds(
    Plugin,
    name=words,
    type=st.sampled_from(PluginType),
    entity_kinds=st.lists(
        st.sampled_from([Kind.SAMPLE, Kind.EXPERIMENT, Kind.DATA_SET, Kind.MATERIAL]),
        max_size=3,
        unique=True,
    ).map(tuple),
    description=optional_texts,
    script=optional_texts | st.sampled_from(["a]]>b", "]]>", "]]]]>>", "a\r\nb]]>"]),
    available=st.booleans(),
    registered=optional_moments,
)

terms = st.builds(
    Term,
    code=codes,
    ordinal=ordinals,
    label=optional_texts,
    description=optional_texts,
    registrator=optional_words,
    registered=optional_moments,
    internal=st.booleans(),
)


@st.composite
def vocabularies(draw: st.DrawFn) -> Vocabulary:
    internal = draw(st.booleans())
    return Vocabulary(
        code=Code(f"${draw(codes)}") if internal else draw(codes),
        description=draw(optional_texts),
        internal=internal,
        chosen_from_list=draw(st.booleans()),
        url_template=draw(optional_words | st.just("https://chem.example.org/${term}")),
        registrator=draw(optional_words),
        registered=draw(optional_moments),
        modified=draw(optional_moments),
        terms=draw(tuples_of(terms, lambda each: each.code)),
    )


@st.composite
def property_types(draw: st.DrawFn) -> PropertyType:
    internal = draw(st.booleans())
    data_type = draw(st.sampled_from(DataType))
    of_vocabulary = data_type is DataType.CONTROLLEDVOCABULARY
    return PropertyType(
        code=Code(f"${draw(codes)}") if internal else draw(codes),
        label=draw(texts),
        data_type=data_type,
        description=draw(optional_texts),
        internal=internal,
        vocabulary=draw(codes) if of_vocabulary else None,
        material_type=draw(optional_codes) if data_type is DataType.MATERIAL else None,
        sample_type=draw(optional_codes) if data_type is DataType.SAMPLE else None,
        schema=draw(optional_texts),
        transformation=draw(optional_texts),
        registrator=draw(optional_words),
        registered=draw(optional_moments),
        multi_value=draw(st.none() | st.booleans()),
        meta_data=draw(meta_data),
    )


assignments = st.builds(
    PropertyAssignment,
    property_type=codes,
    ordinal=ordinals,
    mandatory=st.booleans(),
    section=optional_texts,
    show_in_edit=st.booleans(),
    show_raw_value=st.booleans(),
    unique=st.booleans(),
    plugin=optional_words,
    plugin_type=st.none() | st.sampled_from(PluginType),
    registered=optional_moments,
    pattern=st.none() | texts,
    pattern_type=st.none() | st.sampled_from(PatternType),
    internal=st.booleans(),
)

_type_fields = {
    "code": codes,
    "description": optional_texts,
    "validation_plugin": optional_words,
    "modified": optional_moments,
    "assignments": tuples_of(assignments, lambda each: each.property_type),
    "internal": st.booleans(),
    "meta_data": meta_data,
}
entity_types = st.one_of(
    st.builds(
        EntityType,
        kind=st.just(Kind.SAMPLE),
        auto_generated_code=st.booleans(),
        generated_code_prefix=optional_words,
        listable=st.booleans(),
        show_container=st.booleans(),
        show_parent_metadata=st.booleans(),
        show_parents=st.booleans(),
        subcode_unique=st.booleans(),
        **_type_fields,
    ),
    st.builds(
        EntityType,
        kind=st.just(Kind.DATA_SET),
        deletion_disallowed=st.booleans(),
        main_data_set_path=optional_texts,
        main_data_set_pattern=optional_texts,
        **_type_fields,
    ),
    st.builds(EntityType, kind=st.sampled_from([Kind.EXPERIMENT, Kind.MATERIAL]), **_type_fields),
)

external_dms = st.builds(
    ExternalDms,
    code=codes,
    address=texts,
    address_type=st.sampled_from(AddressType),
    label=optional_texts,
)

members = st.builds(TypeGroupMember, sample_type=codes, internal=st.booleans())

type_groups = st.builds(
    TypeGroup,
    code=codes,
    internal=st.booleans(),
    meta_data=meta_data,
    registrator=optional_words,
    registered=optional_moments,
    modified=optional_moments,
    members=tuples_of(members, lambda each: each.sample_type),
)

master_data = st.builds(
    MasterData,
    file_format_types=tuples_of(file_format_types, lambda each: each.code),
    plugins=tuples_of(plugins, lambda each: each.name),
    vocabularies=tuples_of(vocabularies(), lambda each: each.code),
    property_types=tuples_of(property_types(), lambda each: each.code),
    entity_types=tuples_of(entity_types, lambda each: (each.kind, each.code)),
    external_dms=tuples_of(external_dms, lambda each: each.code),
    type_groups=tuples_of(type_groups, lambda each: each.code),
    type_groups_are_whole=st.booleans(),
)


def as_read_master_data(written: MasterData) -> MasterData:
    """With registrators, and sorted, as the wire has an order of its own: use it on both sides."""
    return replace(
        written,
        file_format_types=_sorted(written.file_format_types, lambda each: each.code),
        plugins=_sorted(written.plugins, lambda each: each.name),
        vocabularies=_sorted(map(_vocabulary_as_read, written.vocabularies), lambda v: v.code),
        property_types=_sorted(map(_registered_by, written.property_types), lambda p: p.code),
        entity_types=_sorted(
            map(_entity_type_as_read, written.entity_types), lambda each: (each.kind, each.code)
        ),
        external_dms=written.external_dms,
        type_groups=_sorted(map(_type_group_as_read, written.type_groups), lambda g: g.code),
        type_groups_are_whole=written.type_groups_are_whole or not written.type_groups,
    )


def _sorted(items: Iterable[_T], key: Callable[[_T], Any]) -> tuple[_T, ...]:
    return tuple(sorted(items, key=key))


def _registered_by(item: _Registered) -> _Registered:
    return replace(item, registrator=item.registrator or SYSTEM_USER)


def _vocabulary_as_read(vocabulary: Vocabulary) -> Vocabulary:
    in_order = _sorted(map(_registered_by, vocabulary.terms), lambda term: term.code)
    return replace(_registered_by(vocabulary), terms=in_order)


def _entity_type_as_read(entity_type: EntityType) -> EntityType:
    in_order = _sorted(entity_type.assignments, lambda each: (each.ordinal, each.property_type))
    return replace(entity_type, assignments=in_order)


def _type_group_as_read(group: TypeGroup) -> TypeGroup:
    return replace(group, members=_sorted(group.members, lambda each: each.sample_type))
