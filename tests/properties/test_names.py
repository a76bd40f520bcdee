"""Laws of the translation of names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harvester.openbis.definition_codes import Defined
from harvester.openbis.names import Names
from shared.errors import ConflictError
from shared.model.entities import Entity
from shared.model.ids import Code, Identifier
from shared.model.kinds import FACTS, Kind
from shared.model.master_data import DataType, MasterData, PropertyType, Vocabulary
from tests.support.instances.builders import an_entity

CODES = st.text("ABZ019_-.", min_size=1, max_size=6).map(Code)
PREFIXES = st.sampled_from([None, "DS1_", "ds1_"])
USERS = st.sampled_from(["system", "mira", None])


@st.composite
def lists(draw: st.DrawFn) -> MasterData:
    internal = st.booleans()
    vocabularies = {
        code: Vocabulary(code=code, internal=code.startswith("$"), registrator=draw(USERS))
        for code in draw(st.lists(_with_dollar(internal), max_size=5))
    }
    kinds = st.sampled_from([DataType.VARCHAR, DataType.MATERIAL])
    properties = {
        code: PropertyType(
            code=code,
            label="",
            data_type=draw(kinds),
            internal=code.startswith("$"),
            registrator=draw(USERS),
            vocabulary=draw(st.sampled_from([None, *vocabularies])),
        )
        for code in draw(st.lists(_with_dollar(internal), max_size=5))
    }
    return MasterData(
        property_types=tuple(properties.values()), vocabularies=tuple(vocabularies.values())
    )


def _with_dollar(internal: st.SearchStrategy[bool]) -> st.SearchStrategy[Code]:
    return st.builds(lambda code, dollar: Code("$" + code if dollar else code), CODES, internal)


@st.composite
def entities(draw: st.DrawFn, master_data: MasterData) -> Entity:
    kind = draw(st.sampled_from(list(FACTS)))
    fields: dict[str, object] = {"code": draw(CODES)}
    if FACTS[kind].has_type:
        fields["type"] = draw(CODES)
    if FACTS[kind].has_properties and master_data.property_types:
        defined = st.sampled_from([p.code for p in master_data.property_types])
        values = st.text("AB ()", max_size=6)
        fields["properties"] = draw(st.dictionaries(defined, values, max_size=3))
    if kind is Kind.SAMPLE:
        fields["space"] = draw(st.none() | CODES)
    if kind is Kind.DATA_SET:
        del fields["code"]
        fields["sample"] = draw(st.lists(CODES, min_size=1, max_size=3).map(_identifier))
    return an_entity(kind, draw(st.integers(1, 99)), **fields)


def _identifier(codes: list[Code]) -> Identifier:
    return Identifier("/" + "/".join(codes))


def names_of(master_data: MasterData, prefix: str | None) -> Names | None:
    try:
        return Names.of(master_data, prefix)
    except ConflictError:
        return None


@given(lists(), PREFIXES)
def test_different_things_keep_different_codes(master_data: MasterData, prefix: str | None) -> None:
    names = names_of(master_data, prefix)
    if names is None:
        return
    translated = names.translate_master_data(master_data)
    for before, after in (
        (master_data.property_types, translated.property_types),
        (master_data.vocabularies, translated.vocabularies),
    ):
        assert len({one.code for one in after}) == len(before) == len(after)


@given(lists(), PREFIXES)
def test_after_the_translation_internal_means_shipped(
    master_data: MasterData, prefix: str | None
) -> None:
    names = names_of(master_data, prefix)
    if names is None:
        return
    translated = names.translate_master_data(master_data)
    definitions: list[Defined] = [*translated.property_types, *translated.vocabularies]
    for one in definitions:
        assert one.internal == one.code.startswith("$")
        assert not one.internal or one.registrator == "system"
        assert one.internal or one.code.startswith((prefix or "").upper())


@given(lists(), PREFIXES)
def test_references_lead_to_definitions(master_data: MasterData, prefix: str | None) -> None:
    names = names_of(master_data, prefix)
    if names is None:
        return
    translated = names.translate_master_data(master_data)
    known = {vocabulary.code for vocabulary in translated.vocabularies}
    assert {p.vocabulary for p in translated.property_types} <= known | {None}


@given(st.data(), lists(), PREFIXES)
def test_identity_stays_where_it_does_not_consist_of_codes(
    data: st.DataObject, master_data: MasterData, prefix: str | None
) -> None:
    names = names_of(master_data, prefix)
    if names is None:
        return
    entity = data.draw(entities(master_data))
    translated = names.translate_entity(entity)
    assert translated.kind == entity.kind
    assert translated.connections == entity.connections
    assert len(translated.properties) == len(entity.properties)
    if entity.kind not in {Kind.SPACE, Kind.MATERIAL}:
        assert translated.perm_id == entity.perm_id
    if entity.kind not in {Kind.SPACE, Kind.MATERIAL, Kind.SAMPLE}:
        assert translated.code == entity.code


@given(st.data(), lists(), PREFIXES)
def test_an_identifier_leads_to_the_translated_sample(
    data: st.DataObject, master_data: MasterData, prefix: str | None
) -> None:
    names = names_of(master_data, prefix)
    if names is None:
        return
    space = data.draw(st.none() | CODES)
    sample = an_entity(Kind.SAMPLE, code=data.draw(CODES), space=space)
    assert names.identifier(sample.identifier) == names.translate_entity(sample).identifier


@given(st.data(), lists())
def test_without_prefix_and_without_renamed_properties_nothing_changes(
    data: st.DataObject, master_data: MasterData
) -> None:
    names = names_of(master_data, None)
    if names is None:
        return
    entity = data.draw(entities(master_data))
    renamed = any(code != names.properties[code] for code in entity.properties)
    assert (names.translate_entity(entity) is entity) == (not renamed)
