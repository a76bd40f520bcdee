"""The translation of names, case by case (harvester-semantics.md, 3.3.2 and 3.10)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harvester.openbis.names import Names
from shared.errors import ConflictError, ItemError
from shared.model.entities import Connection, ContentCopy, Entity
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import DataSetKind, Kind, Relation
from shared.model.master_data import (
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
    TypeGroup,
    TypeGroupMember,
    Vocabulary,
)
from tests.support.instances.builders import (
    a_data_set,
    a_material,
    a_project,
    a_sample,
    a_space,
    a_type_group,
    an_experiment,
)


def a_property_type(code: str, **fields: object) -> PropertyType:
    values = {"code": Code(code), "label": code, "data_type": DataType.VARCHAR} | fields
    return PropertyType(**values)  # type: ignore[arg-type]


def an_internal(code: str, registrator: str | None = "system") -> PropertyType:
    return a_property_type(code, internal=True, registrator=registrator)


NAME = an_internal("$NAME")
STATE = an_internal("$STATE", "mira")
PH = a_property_type("PH")
MADE_FROM = a_property_type("MADE_FROM", data_type=DataType.MATERIAL, material_type=Code("REAGENT"))
PARENT = a_property_type("PARENT", data_type=DataType.SAMPLE, sample_type=Code("BREW"))
SOLVENTS = Vocabulary(code=Code("SOLVENT"), terms=(Term(code=Code("WATER"), ordinal=1),))
UNITS = Vocabulary(code=Code("$UNITS"), internal=True, registrator="system")
OWN_UNITS = Vocabulary(code=Code("$OWN_UNITS"), internal=True, registrator="mira")
SOLVENT = a_property_type(
    "SOLVENT_USED", data_type=DataType.CONTROLLEDVOCABULARY, vocabulary=SOLVENTS.code
)
UNIT = a_property_type("UNIT", data_type=DataType.CONTROLLEDVOCABULARY, vocabulary=OWN_UNITS.code)

MASTER_DATA = MasterData(
    file_format_types=(FileFormatType(code=Code("HDF5")),),
    plugins=(Plugin(name="check_ph", type=PluginType.ENTITY_VALIDATION),),
    vocabularies=(SOLVENTS, UNITS, OWN_UNITS),
    property_types=(NAME, STATE, PH, MADE_FROM, PARENT, SOLVENT, UNIT),
    entity_types=(
        EntityType(
            kind=Kind.SAMPLE,
            code=Code("BREW"),
            validation_plugin="check_ph",
            generated_code_prefix="BRW",
            assignments=(
                PropertyAssignment(property_type=NAME.code, ordinal=1),
                PropertyAssignment(property_type=STATE.code, ordinal=2),
                PropertyAssignment(property_type=PH.code, ordinal=3, plugin="check_ph"),
            ),
        ),
        EntityType(kind=Kind.MATERIAL, code=Code("UNKNOWN")),
    ),
    external_dms=(
        ExternalDms(code=Code("GIT"), address="host:/", address_type=AddressType.FILE_SYSTEM),
    ),
)

PREFIXED = Names.of(MASTER_DATA, "DS1_")
PLAIN = Names.of(MASTER_DATA, None)


def codes(master_data: MasterData) -> list[str]:
    return [p.code for p in master_data.property_types]


def test_property_types_get_the_prefix_unless_openbis_ships_them() -> None:
    assert codes(PREFIXED.translate_master_data(MASTER_DATA)) == [
        *("$NAME", "DS1_STATE", "DS1_PH", "DS1_MADE_FROM", "DS1_PARENT"),
        *("DS1_SOLVENT_USED", "DS1_UNIT"),
    ]


def test_something_internal_of_a_user_becomes_ordinary_with_and_without_prefix() -> None:
    for names, code in ((PREFIXED, "DS1_STATE"), (PLAIN, "STATE")):
        state = names.translate_master_data(MASTER_DATA).property_types[1]
        assert (state.code, state.internal) == (code, False)
        units = names.translate_master_data(MASTER_DATA).vocabularies[2]
        assert (units.code, units.internal) == (f"{names.prefix}OWN_UNITS", False)


def test_what_openbis_ships_stays_internal() -> None:
    translated = PREFIXED.translate_master_data(MASTER_DATA)
    assert translated.property_types[0] == NAME
    assert translated.vocabularies[1] == UNITS


def test_something_internal_without_a_registrator_becomes_ordinary() -> None:
    list_of_version_1 = MasterData(property_types=(an_internal("$NAME", None),))
    translated = Names.of(list_of_version_1, None).translate_master_data(list_of_version_1)
    assert (codes(translated), translated.property_types[0].internal) == (["NAME"], False)


def test_an_ordinary_code_with_a_dollar_gets_the_prefix_behind_it() -> None:
    master_data = MasterData(property_types=(a_property_type("$ODD"),))
    assert codes(Names.of(master_data, "DS1_").translate_master_data(master_data)) == ["$DS1_ODD"]


def test_vocabularies_get_the_prefix_and_their_terms_do_not() -> None:
    solvents = PREFIXED.translate_master_data(MASTER_DATA).vocabularies[0]
    assert solvents.code == "DS1_SOLVENT"
    assert solvents.terms == SOLVENTS.terms


def test_type_groups_and_their_sample_types_get_the_prefix() -> None:
    master_data = MasterData(type_groups=(a_type_group("FERMENTS", "BREW", meta_data={"k": "v"}),))
    (plain,) = Names.of(master_data, None).translate_master_data(master_data).type_groups
    (prefixed,) = Names.of(master_data, "DS1_").translate_master_data(master_data).type_groups
    assert plain == master_data.type_groups[0]
    assert prefixed == a_type_group("DS1_FERMENTS", "DS1_BREW", meta_data={"k": "v"})


@pytest.mark.parametrize("prefix", [None, "DS1_"])
def test_an_internal_type_or_group_with_a_prefix_is_an_ordinary_one(prefix: str | None) -> None:
    brew = EntityType(
        kind=Kind.SAMPLE,
        code=Code("BREW"),
        internal=True,
        assignments=(PropertyAssignment(property_type=STATE.code, ordinal=1, internal=True),),
    )
    member = TypeGroupMember(sample_type=Code("BREW"), internal=True)
    group = TypeGroup(code=Code("G"), internal=True, members=(member,))
    master_data = MasterData(property_types=(STATE,), entity_types=(brew,), type_groups=(group,))
    translated = Names.of(master_data, prefix).translate_master_data(master_data)
    (named,), (group_here,) = translated.entity_types, translated.type_groups
    flags = (
        *(named.internal, named.assignments[0].internal),
        *(group_here.internal, group_here.members[0].internal),
    )
    assert set(flags) == {prefix is None}


def test_terms_of_openbis_itself_stay_so_in_a_vocabulary_that_does() -> None:
    term = Term(code=Code("DRAFT"), ordinal=1, internal=True)
    shipped, own = (replace(each, terms=(term,)) for each in (UNITS, OWN_UNITS))
    master_data = MasterData(vocabularies=(shipped, own))
    for prefix in (None, "DS1_"):
        translated = Names.of(master_data, prefix).translate_master_data(master_data)
        assert [each.terms[0].internal for each in translated.vocabularies] == [True, False]


@pytest.mark.parametrize("prefix", [None, "DS1_"])
def test_an_internal_definition_can_be_referred_to_without_its_sign(prefix: str | None) -> None:
    """The lists of newer versions of openBIS may do so."""
    unit = replace(UNIT, vocabulary=Code("UNITS"))
    bare = PropertyAssignment(property_type=Code("NAME"), ordinal=1)
    master_data = MasterData(
        vocabularies=(UNITS,),
        property_types=(NAME, unit),
        entity_types=(EntityType(kind=Kind.SAMPLE, code=Code("BREW"), assignments=(bare,)),),
    )
    names = Names.of(master_data, prefix)
    translated = names.translate_master_data(master_data)
    assert translated.property_types[1].vocabulary == "$UNITS"
    assert translated.entity_types[0].assignments[0].property_type == "$NAME"
    assert names.translate_entity(a_sample(properties={"NAME": "a"})).properties == {"$NAME": "a"}


def test_a_reference_without_sign_means_the_definition_without_sign_if_there_is_one() -> None:
    both = MasterData(
        property_types=(NAME, a_property_type("NAME")),
        entity_types=(
            EntityType(
                kind=Kind.SAMPLE,
                code=Code("BREW"),
                assignments=(PropertyAssignment(property_type=Code("NAME"), ordinal=1),),
            ),
        ),
    )
    (brew,) = Names.of(both, "DS1_").translate_master_data(both).entity_types
    assert brew.assignments[0].property_type == "DS1_NAME"


def test_references_of_property_types_are_translated() -> None:
    by_code = {p.code: p for p in PREFIXED.translate_master_data(MASTER_DATA).property_types}
    assert by_code[Code("DS1_SOLVENT_USED")].vocabulary == "DS1_SOLVENT"
    assert by_code[Code("DS1_UNIT")].vocabulary == "DS1_OWN_UNITS"
    assert by_code[Code("DS1_MADE_FROM")].material_type == "DS1_REAGENT"
    assert by_code[Code("DS1_PARENT")].sample_type == "DS1_BREW"
    assert by_code[Code("DS1_PH")].vocabulary is None


def test_types_plugins_and_external_systems_get_the_prefix_also_where_they_are_named() -> None:
    translated = PREFIXED.translate_master_data(MASTER_DATA)
    brew, unknown = translated.entity_types
    assert (brew.code, brew.validation_plugin) == ("DS1_BREW", "DS1_check_ph")
    assert brew.generated_code_prefix == "BRW"
    assert [a.property_type for a in brew.assignments] == ["$NAME", "DS1_STATE", "DS1_PH"]
    assert [a.plugin for a in brew.assignments] == [None, None, "DS1_check_ph"]
    assert unknown.code == "DS1_UNKNOWN"
    assert [plugin.name for plugin in translated.plugins] == ["DS1_check_ph"]
    assert [dms.code for dms in translated.external_dms] == ["DS1_GIT"]
    assert translated.file_format_types == MASTER_DATA.file_format_types


def test_a_prefix_is_used_in_upper_case() -> None:
    names = Names.of(MASTER_DATA, "Lab.one_")
    assert names.prefix == "LAB.ONE_"
    assert names.translate_entity(a_space("ALPHA")).code == "LAB.ONE_ALPHA"


def test_without_prefix_ordinary_master_data_and_entities_stay_the_same_objects() -> None:
    master_data = replace(
        MASTER_DATA,
        vocabularies=(SOLVENTS, UNITS),
        property_types=(NAME, PH, MADE_FROM, SOLVENT),
        entity_types=(),
    )
    names = Names.of(master_data, None)
    sample = a_sample(properties={"$NAME": "x", "MADE_FROM": "SUGAR (REAGENT)"})
    assert names.translate_master_data(master_data) is master_data
    assert names.translate_entity(sample) is sample


def test_without_prefix_only_what_has_a_renamed_property_changes() -> None:
    untouched = a_sample(properties={"$NAME": "x", "PH": "4"})
    assert PLAIN.translate_entity(untouched) is untouched
    state = a_sample(properties={"$STATE": "fine", "PH": "4"})
    assert PLAIN.translate_entity(state) == replace(state, properties={"STATE": "fine", "PH": "4"})


@pytest.mark.parametrize(
    ("entity", "changes"),
    [
        (a_space("ALPHA"), {"code": "DS1_ALPHA", "perm_id": "DS1_ALPHA"}),
        (a_project(), {"space": "DS1_ALPHA"}),
        (an_experiment(type=Code("TRIAL")), {"space": "DS1_ALPHA", "type": "DS1_TRIAL"}),
        (
            a_sample(type=Code("BREW"), experiment=Identifier("/ALPHA/KITCHEN/TRIAL-1")),
            {"space": "DS1_ALPHA", "type": "DS1_BREW", "experiment": "/DS1_ALPHA/KITCHEN/TRIAL-1"},
        ),
        (a_sample(type=None, space=None, code="SHARED"), {"code": "DS1_SHARED"}),
        (
            a_sample(type=Code("BREW"), space=None, code="PLATE:A1"),
            {"type": "DS1_BREW", "code": "DS1_PLATE:DS1_A1"},
        ),
        (
            a_data_set(type=Code("RAW"), sample=Identifier("/ALPHA/KITCHEN/PLATE:A1")),
            {"type": "DS1_RAW", "sample": "/DS1_ALPHA/KITCHEN/PLATE:A1"},
        ),
        (
            a_data_set(type=Code("RAW"), sample=Identifier("/PLATE")),
            {"type": "DS1_RAW", "sample": "/DS1_PLATE"},
        ),
        (
            a_data_set(type=Code("RAW"), sample=Identifier("/PLATE:A1")),
            {"type": "DS1_RAW", "sample": "/DS1_PLATE:DS1_A1"},
        ),
        (
            a_material(code="SALT", type=Code("REAGENT")),
            {"code": "DS1_SALT", "type": "DS1_REAGENT", "perm_id": "DS1_SALT (DS1_REAGENT)"},
        ),
    ],
    ids=lambda value: value.identifier if isinstance(value, Entity) else "",
)
def test_an_entity_gets_the_prefix_where_it_must_be_unique(
    entity: Entity, changes: dict[str, str]
) -> None:
    assert PREFIXED.translate_entity(entity) == replace(entity, **changes)  # type: ignore[arg-type]


def test_perm_ids_connections_users_and_places_of_content_stay() -> None:
    data_set = a_data_set(
        type=Code("LINKED"),
        data_set_kind=DataSetKind.LINK,
        connections=(Connection(relation=Relation.CHILD, to=PermId("20240101-1")),),
        content_copies=(ContentCopy(external_dms=Code("GIT"), path="/srv", id="4"),),
    )
    assert PREFIXED.translate_entity(data_set) == replace(
        data_set,
        type=Code("DS1_LINKED"),
        content_copies=(ContentCopy(external_dms=Code("DS1_GIT"), path="/srv", id="4"),),
    )


@pytest.mark.parametrize(
    ("value", "translated"),
    [
        ("SUGAR (REAGENT)", "DS1_SUGAR (DS1_REAGENT)"),
        ("ODD (1) (REAGENT)", "DS1_ODD (1) (DS1_REAGENT)"),
        ("SUGAR", "SUGAR"),
        ("SUGAR(REAGENT)", "SUGAR(REAGENT)"),
        ("SUGAR (REAGENT", "SUGAR (REAGENT"),
        (" (REAGENT)", " (REAGENT)"),
        ("SUGAR ()", "SUGAR ()"),
        ("", ""),
    ],
)
def test_a_value_that_names_a_material_is_translated_and_anything_else_kept(
    value: str, translated: str
) -> None:
    sample = a_sample(properties={"MADE_FROM": value})
    assert PREFIXED.translate_entity(sample).properties == {"DS1_MADE_FROM": translated}
    assert PLAIN.translate_entity(sample).properties == {"MADE_FROM": value}


def test_values_of_all_other_types_are_kept() -> None:
    properties = {"$NAME": "SUGAR (REAGENT)", "PARENT": "20240110-4", "SOLVENT_USED": "WATER"}
    translated = PREFIXED.translate_entity(a_sample(properties=properties))
    assert translated.properties == {
        "$NAME": "SUGAR (REAGENT)",
        "DS1_PARENT": "20240110-4",
        "DS1_SOLVENT_USED": "WATER",
    }


@pytest.mark.parametrize("names", [PREFIXED, PLAIN, Names.of(MasterData(), None)])
def test_an_unknown_property_fails_its_entity_only(names: Names) -> None:
    sample = a_sample(properties={"NAME": "x"})
    reason = "property NAME is not defined in the list's master data"
    with pytest.raises(ItemError, match=f"SAMPLE {sample.perm_id}: {reason}"):
        names.translate_entity(sample)


def test_definitions_that_get_the_same_code_are_a_conflict_that_lists_all() -> None:
    master_data = MasterData(
        property_types=(PH, STATE, a_property_type("STATE"), PH),
        vocabularies=(OWN_UNITS, Vocabulary(code=Code("OWN_UNITS"), registrator="otto")),
    )
    with pytest.raises(ConflictError) as caught:
        Names.of(master_data, "DS1_")
    advice = "get the same code; rename one of them on the source"
    assert caught.value.reasons == (
        f"property type DS1_PH: PH of an unknown user, PH of an unknown user {advice}",
        f"property type DS1_STATE: $STATE of mira, STATE of an unknown user {advice}",
        f"vocabulary DS1_OWN_UNITS: $OWN_UNITS of mira, OWN_UNITS of otto {advice}",
    )


def test_the_same_code_may_be_shipped_and_ordinary() -> None:
    master_data = MasterData(property_types=(NAME, a_property_type("NAME")))
    for prefix, expected in ((None, ["$NAME", "NAME"]), ("DS1_", ["$NAME", "DS1_NAME"])):
        names = Names.of(master_data, prefix)
        assert codes(names.translate_master_data(master_data)) == expected


def test_a_property_type_is_renamed_even_if_a_shipped_vocabulary_has_its_code() -> None:
    shipped = Vocabulary(code=STATE.code, internal=True, registrator="system")
    master_data = MasterData(property_types=(STATE,), vocabularies=(shipped,))
    translated = Names.of(master_data, None).translate_master_data(master_data)
    assert (codes(translated), translated.vocabularies) == (["STATE"], (shipped,))


def test_references_to_what_is_not_defined_are_conflicts() -> None:
    master_data = MasterData(property_types=(SOLVENT,), entity_types=(MASTER_DATA.entity_types[0],))
    with pytest.raises(ConflictError) as caught:
        Names.of(master_data, None)
    assert len(caught.value.reasons) == 4
    assert "its vocabulary SOLVENT is not defined" in caught.value.reasons[0]
    assert "SAMPLE type BREW: its property type $NAME is not" in caught.value.reasons[1]
