"""Whole values as the model can hold them and the wire can carry them.

Texts have every character that XML has. Optional texts are not blank, and codes and user ids have
no blanks around them, since a blank attribute means an absent one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeVar

from hypothesis import strategies as st

from shared.model.entities import (
    Attachment,
    AttachmentVersion,
    Connection,
    ContentCopy,
    Entity,
    FileNode,
    ServiceFile,
)
from shared.model.ids import Code, PermId, identifier, material_perm_id
from shared.model.kinds import ENTITY_KINDS, FACTS, NOT_FROZEN, DataSetKind, Frozen, Kind, Relation
from shared.model.master_data import (
    SYSTEM_USER,
    AddressType,
    DataType,
    EntityType,
    ExternalDms,
    FileFormatType,
    MasterData,
    Plugin,
    PluginType,
    PropertyAssignment,
    PropertyType,
    Term,
    Vocabulary,
)

_T = TypeVar("_T")
_Registered = TypeVar("_Registered", Vocabulary, Term, PropertyType)

BLANKS = " \t\r\n"
_characters = st.one_of(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
    st.characters(min_codepoint=0x7F, max_codepoint=0x9F),
    st.sampled_from("\t\n\r &<>\"'$]/?%"),
)

texts = st.text(_characters, max_size=30)
filled_texts = texts.filter(lambda text: bool(text.strip(BLANKS)))
optional_texts = st.none() | filled_texts
words = texts.map(lambda text: text.strip(BLANKS)).filter(bool)
optional_words = st.none() | words
codes = st.text("ABCXYZ0129_-.&<'\"ü", min_size=1, max_size=8).map(Code)
optional_codes = st.none() | codes
numbers = st.integers(min_value=0, max_value=2**63 - 1)
ordinals = st.integers(min_value=1, max_value=2**31 - 1)
digests = st.binary(max_size=4).map(lambda content: sha256(content).hexdigest())
moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001 - hypothesis wants the bounds naive
    lambda moment: moment.replace(microsecond=0)
)
optional_moments = st.none() | moments
perm_ids = st.one_of(
    st.builds("{:017d}-{}".format, st.integers(0, 10**17 - 1), st.integers(1, 10**6)),
    st.uuids().map(str),
    codes,
).map(PermId)


def tuples_of(
    of: st.SearchStrategy[_T], unique_by: Callable[[_T], Any] | None = None, *, least: int = 0
) -> st.SearchStrategy[tuple[_T, ...]]:
    """Short tuples; no two members have the same key."""
    return st.lists(of, min_size=least, max_size=least + 2, unique_by=unique_by).map(tuple)


attachment_versions = st.builds(
    AttachmentVersion,
    version=ordinals,
    title=optional_texts,
    description=optional_texts,
    registrator=optional_words,
    registered=optional_moments,
    length=st.none() | numbers,
    sha256=st.none() | digests,
)


@st.composite
def attachments(draw: st.DrawFn) -> Attachment:
    versions = draw(tuples_of(attachment_versions, lambda each: each.version, least=1))
    in_order = tuple(sorted(versions, key=lambda each: each.version))
    return Attachment(file_name=draw(filled_texts), versions=in_order)


file_nodes = st.builds(
    FileNode,
    path=texts,
    length=numbers,
    crc32=st.none() | st.integers(0, 2**32 - 1),
    checksum=st.none() | digests.map("SHA256:{}".format),
)

content_copies = st.builds(
    ContentCopy,
    external_dms=codes,
    external_code=optional_words,
    path=optional_texts,
    git_commit_hash=optional_words,
    git_repository_id=optional_words,
    id=optional_words,
)

properties: st.SearchStrategy[Mapping[str, str]] = st.dictionaries(codes, texts, max_size=4)


@st.composite
def entities(draw: st.DrawFn, kinds: Sequence[Kind] = ENTITY_KINDS) -> Entity:
    """With all that its kind can have; connections are in the order in which they are written."""
    kind = draw(st.sampled_from(kinds))
    facts = FACTS[kind]
    names = facts.attributes
    code = draw(codes)
    type_code = draw(codes) if facts.has_type else None
    entity = Entity(
        kind=kind,
        perm_id=_perm_id(kind, code, type_code, draw(perm_ids)),
        code=code,
        registered=draw(moments),
        modified=draw(moments),
        registrator=draw(optional_words),
        modifier=draw(optional_words) if "modifier" in names else None,
        type=type_code,
        experiment=draw(_identifiers) if "experiment" in names else None,
        sample=draw(_identifiers) if "sample" in names else None,
        description=draw(optional_texts) if "desc" in names else None,
        frozen=_union(draw(st.sets(st.sampled_from(facts.flags)))) if facts.flags else NOT_FROZEN,
        properties=draw(properties) if facts.has_properties else {},
        connections=_in_order(draw(tuples_of(_connections))) if facts.relations else (),
        attachments=draw(_attachments) if facts.has_attachments else (),
    )
    return draw(_located(entity)) if kind is not Kind.DATA_SET else draw(_filled(entity))


_identifiers = st.none() | st.lists(codes, min_size=1, max_size=3).map(
    lambda parts: identifier(*parts)
)
_connections = st.builds(Connection, relation=st.sampled_from(Relation), to=perm_ids)
_attachments = tuples_of(attachments(), lambda each: each.file_name)


def _perm_id(kind: Kind, code: Code, type_code: Code | None, other: PermId) -> PermId:
    if kind is Kind.MATERIAL:
        return material_perm_id(code, type_code or "")
    return PermId(code) if FACTS[kind].perm_id_is_code else other


def _union(flags: set[Frozen]) -> Frozen:
    return Frozen(sum(flags))


def _in_order(connections: tuple[Connection, ...]) -> tuple[Connection, ...]:
    return tuple(sorted(connections, key=lambda each: list(Relation).index(each.relation)))


@st.composite
def _located(draw: st.DrawFn, entity: Entity) -> Entity:
    """A sample may be shared, lie in a space, or in a project."""
    space = project = None
    if entity.kind in {Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE}:
        space = draw(optional_codes if entity.kind is Kind.SAMPLE else codes)
    if entity.kind is Kind.EXPERIMENT or (entity.kind is Kind.SAMPLE and space):
        project = draw(codes if entity.kind is Kind.EXPERIMENT else optional_codes)
    return replace(entity, space=space, project=project)


@st.composite
def _filled(draw: st.DrawFn, entity: Entity) -> Entity:
    """With what this kind of data set consists of."""
    kind = draw(st.sampled_from(DataSetKind))
    files = () if kind is DataSetKind.CONTAINER else draw(tuples_of(file_nodes))
    copies = draw(tuples_of(content_copies)) if kind is DataSetKind.LINK else ()
    return replace(entity, data_set_kind=kind, files=files, content_copies=copies)


@st.composite
def service_files(draw: st.DrawFn) -> ServiceFile:
    content = draw(st.binary(max_size=50))
    inline = draw(st.booleans())
    return ServiceFile(
        path=draw(filled_texts),
        modified=draw(moments),
        length=len(content) if inline else draw(numbers),
        sha256=sha256(content).hexdigest(),
        content=content if inline else None,
    )


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
)

_type_fields = {
    "code": codes,
    "description": optional_texts,
    "validation_plugin": optional_words,
    "modified": optional_moments,
    "assignments": tuples_of(assignments, lambda each: each.property_type),
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

master_data = st.builds(
    MasterData,
    file_format_types=tuples_of(file_format_types, lambda each: each.code),
    plugins=tuples_of(plugins, lambda each: each.name),
    vocabularies=tuples_of(vocabularies(), lambda each: each.code),
    property_types=tuples_of(property_types(), lambda each: each.code),
    entity_types=tuples_of(entity_types, lambda each: (each.kind, each.code)),
    external_dms=tuples_of(external_dms, lambda each: each.code),
)


def as_read_entity(entity: Entity) -> Entity:
    """What the wire makes of it: openBIS never leaves the registrator out."""
    return replace(entity, registrator=entity.registrator or SYSTEM_USER)


def as_read_master_data(written: MasterData) -> MasterData:
    """With registrators, and sorted, since the wire has an order of its own: use it on both sides."""
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
