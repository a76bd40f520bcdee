"""The manual's rules for master data (harvester-semantics.md, 3.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harvester.openbis.steps.master_data import (
    MasterDataPlan,
    Rules,
    listed,
    plan_master_data,
    undefined,
    unlisted,
)
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
    TypeGroupMember,
)
from shared.store.master_data import Definition, Key, Stored, assemble, flatten
from tests.support.instances.builders import (
    a_plugin,
    a_property_type,
    a_term,
    a_type_group,
    a_vocabulary,
    an_assignment,
    an_entity_type,
)
from tests.support.instances.full_instance import full_master_data

SHIPPED_TYPE = a_property_type("$NAME", registrator=SYSTEM_USER)
SHIPPED_VOCABULARY = a_vocabulary(
    "$GEOMETRY", a_term("ROUND", registrator=SYSTEM_USER), registrator=SYSTEM_USER
)
ORDINARY: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "file format type": (
        {"file_format_types": (FileFormatType(code=Code("TXT")),)},
        {"file_format_types": (FileFormatType(code=Code("TXT"), description="text"),)},
    ),
    "plugin": ({"plugins": (a_plugin(),)}, {"plugins": (a_plugin(script="new"),)}),
    "vocabulary": (
        {"vocabularies": (a_vocabulary(),)},
        {"vocabularies": (a_vocabulary(chosen_from_list=False),)},
    ),
    "term": (
        {"vocabularies": (a_vocabulary("V", a_term()),)},
        {"vocabularies": (a_vocabulary("V", a_term(label="Water")),)},
    ),
    "order of terms": (
        {"vocabularies": (a_vocabulary("V", a_term()),)},
        {"vocabularies": (a_vocabulary("V", a_term(ordinal=2)),)},
    ),
    "property type": (
        {"property_types": (a_property_type(),)},
        {"property_types": (a_property_type(data_type=DataType.REAL),)},
    ),
    "internal property type of somebody": (
        {"property_types": (a_property_type("$OURS"),)},
        {"property_types": (a_property_type("$OURS", label="other"),)},
    ),
    "sample type": (
        {"entity_types": (an_entity_type(Kind.SAMPLE),)},
        {"entity_types": (an_entity_type(Kind.SAMPLE, subcode_unique=True),)},
    ),
    "data set type": (
        {"entity_types": (an_entity_type(Kind.DATA_SET),)},
        {"entity_types": (an_entity_type(Kind.DATA_SET, deletion_disallowed=True),)},
    ),
    "assignment": (
        {"entity_types": (an_entity_type(Kind.SAMPLE, an_assignment()),)},
        {"entity_types": (an_entity_type(Kind.SAMPLE, an_assignment(mandatory=True)),)},
    ),
    "pattern": (
        {"entity_types": (an_entity_type(Kind.SAMPLE, an_assignment()),)},
        {
            "entity_types": (
                an_entity_type(
                    Kind.SAMPLE, an_assignment(pattern="1-9", pattern_type=PatternType.RANGES)
                ),
            )
        },
    ),
    "internal type": (
        {"entity_types": (an_entity_type(Kind.SAMPLE),)},
        {"entity_types": (an_entity_type(Kind.SAMPLE, internal=True),)},
    ),
    "several values": (
        {"property_types": (a_property_type(),)},
        {"property_types": (a_property_type(multi_value=True),)},
    ),
    "one value again": (
        {"property_types": (a_property_type(multi_value=True),)},
        {"property_types": (a_property_type(multi_value=False),)},
    ),
    "meta data of a property type": (
        {"property_types": (a_property_type(meta_data={"k": "v"}),)},
        {"property_types": (a_property_type(meta_data={}),)},
    ),
    "meta data of a type": (
        {"entity_types": (an_entity_type(Kind.SAMPLE),)},
        {"entity_types": (an_entity_type(Kind.SAMPLE, meta_data={"k": "v"}),)},
    ),
    "type group": (
        {"type_groups": (a_type_group("G", meta_data={"k": "v"}),)},
        {"type_groups": (a_type_group("G", meta_data={"k": "w"}),)},
    ),
    "member of a type group": (
        {"type_groups": (a_type_group("G", "BREW"),)},
        {
            "type_groups": (
                a_type_group(
                    "G", members=(TypeGroupMember(sample_type=Code("BREW"), internal=True),)
                ),
            )
        },
    ),
    "external data management system": (
        {
            "external_dms": (
                ExternalDms(code=Code("GIT"), address="a", address_type=AddressType.URL),
            )
        },
        {
            "external_dms": (
                ExternalDms(code=Code("GIT"), address="b", address_type=AddressType.URL),
            )
        },
    ),
}


def of(*property_types: Any, **fields: Any) -> MasterData:
    return MasterData(property_types=property_types, **fields)


def plan_of(
    incoming: MasterData,
    stored: MasterData,
    *,
    owner: str = "DS1",
    update_allowed: bool = False,
    unassignment_allowed: bool = False,
    removals_unsafe: str | None = None,
) -> MasterDataPlan:
    here = {key: Stored(value=value, source=owner) for key, value in flatten(stored).items()}
    rules = Rules(
        source="DS1",
        update_allowed=update_allowed,
        unassignment_allowed=unassignment_allowed,
        groups_are_whole=incoming.type_groups_are_whole,
        removals_unsafe=removals_unsafe,
    )
    return plan_master_data(listed(incoming, here), here, rules)


def only(planned: dict[Key, Definition]) -> Key:
    (key,) = planned
    return key


def is_idle(plan: MasterDataPlan) -> bool:
    return not (plan.create or plan.update or plan.remove or plan.skipped or plan.conflicts)


def test_everything_that_is_missing_is_registered() -> None:
    incoming = replace(full_master_data(), property_types=(a_property_type(),))
    plan = plan_of(incoming, MasterData(vocabularies=(a_vocabulary("$STORAGE_FORMAT"),)))
    shipped = Key(kind="VOCABULARY", owner="", code="$STORAGE_FORMAT")
    assert plan.create.keys() == flatten(incoming).keys() - {shipped}
    assert plan.conflicts == []


def test_what_is_the_same_on_both_sides_needs_nothing() -> None:
    assert is_idle(plan_of(full_master_data(), full_master_data(), update_allowed=True))


def test_who_defined_something_and_when_makes_no_difference() -> None:
    other = of(a_property_type(registrator="otto", registered=None))
    assert is_idle(plan_of(of(a_property_type()), other, update_allowed=True))


@pytest.mark.parametrize("kind", ORDINARY)
def test_what_differs_is_updated_only_if_updates_are_allowed(kind: str) -> None:
    before, after = (MasterData(**fields) for fields in ORDINARY[kind])
    plan = plan_of(after, before, update_allowed=True)
    key = only(plan.update)
    assert plan.update[key] == flatten(after)[key]
    refused = plan_of(after, before)
    assert refused.update == {}
    assert refused.skipped == [(key, "master-data-update-allowed is false")]


@pytest.mark.parametrize(("owner", "named"), [("DS2", "section DS2"), ("", "this instance")])
@pytest.mark.parametrize("kind", ORDINARY)
def test_what_belongs_to_somebody_else_is_never_updated(kind: str, owner: str, named: str) -> None:
    before, after = (MasterData(**fields) for fields in ORDINARY[kind])
    plan = plan_of(after, before, owner=owner, update_allowed=True)
    assert plan.update == {}
    assert [reason for _, reason in plan.skipped] == [f"it belongs to {named}"]


def test_what_openbis_ships_is_neither_created_nor_updated() -> None:
    incoming = of(
        replace(SHIPPED_TYPE, label="other"),
        vocabularies=(replace(SHIPPED_VOCABULARY, description="other"),),
    )
    stored = of(SHIPPED_TYPE, vocabularies=(SHIPPED_VOCABULARY,))
    assert is_idle(plan_of(incoming, stored, update_allowed=True))


def test_all_internal_definitions_that_are_missing_are_told_together() -> None:
    other = replace(SHIPPED_TYPE, code=Code("$OTHER"), data_type=DataType.REAL)
    incoming = of(SHIPPED_TYPE, other, vocabularies=(SHIPPED_VOCABULARY,))
    plan = plan_of(incoming, of(replace(other, data_type=DataType.DATE)))
    assert len(plan.conflicts) == 3
    missing = "\n".join(plan.conflicts)
    assert "The internal property type $NAME of the data source does not exist here" in missing
    assert "The internal vocabulary $GEOMETRY of the data source does not exist here" in missing
    assert (
        "The internal property type $OTHER has the data type REAL on the data source and DATE here"
        in missing
    )


def test_an_internal_definition_of_somebody_is_an_ordinary_one() -> None:
    plan = plan_of(of(a_property_type("$OURS", registrator="mira")), MasterData())
    assert only(plan.create).code == "$OURS"


def test_an_ordinary_definition_registered_by_system_is_an_ordinary_one() -> None:
    plan = plan_of(of(a_property_type(registrator=SYSTEM_USER)), MasterData())
    assert only(plan.create).code == "NOTES"


@pytest.mark.parametrize("allowed", [True, False])
def test_terms_of_internal_vocabularies_are_added_and_never_updated(*, allowed: bool) -> None:
    extended = replace(SHIPPED_VOCABULARY, terms=(a_term("ROUND", label="Rund"), a_term("FLAT", 2)))
    plan = plan_of(
        MasterData(vocabularies=(extended,)),
        MasterData(vocabularies=(SHIPPED_VOCABULARY,)),
        owner="",
        update_allowed=allowed,
    )
    assert only(plan.create) == Key(kind="TERM", owner="$GEOMETRY", code="FLAT")
    assert plan.update == {}
    assert plan.skipped == []


def test_terms_and_assignments_are_added_to_what_belongs_to_somebody_else() -> None:
    stored = MasterData(vocabularies=(a_vocabulary(),), entity_types=(an_entity_type(Kind.SAMPLE),))
    incoming = MasterData(
        vocabularies=(a_vocabulary("SOLVENT", a_term()),),
        entity_types=(an_entity_type(Kind.SAMPLE, an_assignment()),),
    )
    plan = plan_of(incoming, stored, owner="")
    assert {key.kind for key in plan.create} == {"TERM", "PROPERTY_ASSIGNMENT"}


@pytest.mark.parametrize("allowed", [True, False])
def test_an_assignment_that_is_gone_is_removed_only_if_that_is_allowed(*, allowed: bool) -> None:
    stored = MasterData(entity_types=(an_entity_type(Kind.SAMPLE, an_assignment()),))
    incoming = MasterData(entity_types=(an_entity_type(Kind.SAMPLE),))
    plan = plan_of(incoming, stored, unassignment_allowed=allowed)
    key = Key(kind="PROPERTY_ASSIGNMENT", owner="SAMPLE_TYPE A_SAMPLE_TYPE", code="NOTES")
    assert plan.remove == ([key] if allowed else [])
    assert [skipped for skipped, _ in plan.skipped] == ([] if allowed else [key])


def test_assignments_of_somebody_else_and_of_types_that_are_gone_stay() -> None:
    stored = MasterData(entity_types=(an_entity_type(Kind.SAMPLE, an_assignment()),))
    gone = MasterData(entity_types=(an_entity_type(Kind.EXPERIMENT),))
    assert plan_of(gone, stored, unassignment_allowed=True).remove == []
    kept = MasterData(entity_types=(an_entity_type(Kind.SAMPLE),))
    assert plan_of(kept, stored, owner="DS2", unassignment_allowed=True).remove == []


@pytest.mark.parametrize("allowed", [True, False])
def test_a_member_that_is_gone_is_removed_only_if_that_is_allowed(*, allowed: bool) -> None:
    stored = MasterData(type_groups=(a_type_group("G", "BREW", "WELL"),))
    incoming = MasterData(type_groups=(a_type_group("G", "WELL", "PLATE"),))
    plan = plan_of(incoming, stored, unassignment_allowed=allowed)
    key = Key(kind="TYPE_GROUP_MEMBER", owner="G", code="BREW")
    assert only(plan.create) == replace(key, code="PLATE")
    assert plan.remove == ([key] if allowed else [])
    assert [skipped for skipped, _ in plan.skipped] == ([] if allowed else [key])


def test_a_member_stays_if_the_list_may_not_name_all_of_a_group() -> None:
    stored = MasterData(type_groups=(a_type_group("G", "BREW", "WELL"),))
    incoming = MasterData(type_groups=(a_type_group("G", "WELL"),), type_groups_are_whole=False)
    assert is_idle(plan_of(incoming, stored, unassignment_allowed=True))


def test_members_of_somebody_else_and_of_groups_that_are_gone_stay() -> None:
    stored = MasterData(type_groups=(a_type_group("G", "BREW"),))
    gone = MasterData(type_groups=(a_type_group("H"),))
    assert plan_of(gone, stored, unassignment_allowed=True).remove == []
    kept = MasterData(type_groups=(a_type_group("G"),))
    assert plan_of(kept, stored, owner="DS2", unassignment_allowed=True).remove == []


def test_members_are_added_to_a_group_of_somebody_else() -> None:
    stored = MasterData(type_groups=(a_type_group("G"),))
    incoming = MasterData(type_groups=(a_type_group("G", "BREW"),))
    assert only(plan_of(incoming, stored, owner="DS2").create).kind == "TYPE_GROUP_MEMBER"


def test_after_a_list_with_definitions_that_cannot_be_read_nothing_is_removed() -> None:
    stored = MasterData(
        entity_types=(an_entity_type(Kind.SAMPLE, an_assignment()),),
        type_groups=(a_type_group("G", "BREW"),),
    )
    incoming = MasterData(
        entity_types=(an_entity_type(Kind.SAMPLE),), type_groups=(a_type_group("G"),)
    )
    plan = plan_of(
        incoming, stored, unassignment_allowed=True, removals_unsafe="2 records could not be read"
    )
    assert plan.remove == []
    assert {reason for _, reason in plan.skipped} == {
        "not listed; it is not removed: 2 records could not be read"
    }


@pytest.mark.parametrize("known", [{"multi_value": True, "meta_data": {"k": "v"}}, {}])
def test_what_the_source_does_not_know_stays_as_it_is(known: dict[str, Any]) -> None:
    here = a_property_type(**known)
    assert is_idle(plan_of(of(a_property_type()), of(here), update_allowed=True))
    plan = plan_of(of(a_property_type(label="other")), of(here), update_allowed=True)
    assert plan.update[only(plan.update)] == a_property_type(label="other", **known)


def test_what_the_source_does_not_know_of_types_and_groups_stays_as_it_is() -> None:
    here = MasterData(
        entity_types=(an_entity_type(Kind.SAMPLE, meta_data={"k": "v"}),),
        type_groups=(a_type_group("G", meta_data={"k": "v"}),),
    )
    unknown = MasterData(
        entity_types=(an_entity_type(Kind.SAMPLE, description="d"),),
        type_groups=(a_type_group("G", internal=True),),
    )
    plan = plan_of(unknown, here, update_allowed=True)
    assert {getattr(value, "meta_data", None) == {"k": "v"} for value in plan.update.values()} == {
        True
    }
    assert len(plan.update) == 2


DETAILS: dict[str, tuple[MasterData, MasterData]] = {
    "property type": (
        of(a_property_type(sample_type=Code("BREW"), schema="s", transformation="t")),
        of(a_property_type()),
    ),
    "assignment": (
        MasterData(
            entity_types=(
                an_entity_type(
                    Kind.SAMPLE,
                    an_assignment(pattern="1-9", pattern_type=PatternType.RANGES, internal=True),
                ),
            )
        ),
        MasterData(entity_types=(an_entity_type(Kind.SAMPLE, an_assignment()),)),
    ),
    "type": (
        MasterData(entity_types=(an_entity_type(Kind.SAMPLE, internal=True),)),
        MasterData(entity_types=(an_entity_type(Kind.SAMPLE),)),
    ),
    "term": (
        MasterData(vocabularies=(a_vocabulary("V", a_term(internal=True)),)),
        MasterData(vocabularies=(a_vocabulary("V", a_term()),)),
    ),
}


@pytest.mark.parametrize("what", DETAILS)
def test_a_detail_of_which_a_list_says_nothing_stays_as_it_is(what: str) -> None:
    here, without = DETAILS[what]
    assert plan_of(without, here, update_allowed=True).update != {}
    silent = replace(without, is_detailed=False)
    assert is_idle(plan_of(silent, here, update_allowed=True))
    assert plan_of(silent, MasterData()).create == flatten(without)


def test_what_else_a_list_without_details_says_is_updated() -> None:
    here = of(a_property_type(sample_type=Code("BREW")))
    incoming = replace(of(a_property_type(label="other")), is_detailed=False)
    plan = plan_of(incoming, here, update_allowed=True)
    assert plan.update[only(plan.update)] == a_property_type(
        label="other", sample_type=Code("BREW")
    )


def test_that_there_is_nothing_of_what_was_not_known_is_no_difference() -> None:
    """Otherwise each definition would differ once the source is a newer one."""
    nothing = a_property_type(multi_value=False, meta_data={})
    assert is_idle(plan_of(of(nothing), of(a_property_type())))
    plan = plan_of(of(replace(nothing, label="other")), of(a_property_type()), update_allowed=True)
    assert plan.update[only(plan.update)] == replace(nothing, label="other")


def test_definitions_that_the_source_lists_no_more_are_counted_by_kind() -> None:
    stored = replace(
        full_master_data(),
        entity_types=(
            an_entity_type(Kind.MATERIAL, an_assignment()),
            an_entity_type(Kind.SAMPLE, an_assignment()),
        ),
        type_groups=(a_type_group("G", "BREW"), a_type_group("H", "BREW")),
    )
    incoming = replace(
        stored,
        file_format_types=(),
        entity_types=(an_entity_type(Kind.SAMPLE),),
        type_groups=(a_type_group("G"),),
    )
    here = {key: Stored(value=value, source="DS1") for key, value in flatten(stored).items()}
    assert list(unlisted(flatten(incoming), here, "DS1")) == [
        "FILE_FORMAT_TYPE: 1",
        "MATERIAL_TYPE: 1",
        "PROPERTY_ASSIGNMENT: 1",
        "TYPE_GROUP: 1",
        "TYPE_GROUP_MEMBER: 1",
    ]
    assert list(unlisted(flatten(incoming), here, "DS2")) == []


def test_nothing_but_assignments_and_members_is_ever_removed() -> None:
    plan = plan_of(MasterData(), full_master_data(), update_allowed=True, unassignment_allowed=True)
    assert plan.remove == []


def test_flattened_definitions_make_the_same_master_data_again() -> None:
    flat = flatten(full_master_data())
    assert flatten(assemble(flat)) == flat


@pytest.mark.parametrize("allowed", [False, True])
def test_a_type_that_the_list_uses_and_does_not_define_is_as_it_is_here(*, allowed: bool) -> None:
    afs = an_entity_type(
        Kind.DATA_SET, an_assignment(), code="AFS_DATA", description="files", internal=True
    )
    here = {
        key: Stored(value=value, source="DS1")
        for key, value in flatten(MasterData(entity_types=(afs,))).items()
    }
    rules = Rules(source="DS1", update_allowed=allowed, unassignment_allowed=allowed)
    incoming = undefined({afs.code}, here)
    assert plan_master_data(incoming, here, rules) == MasterDataPlan()
    assert list(unlisted(incoming, here, "DS1")) == []

    (created,) = plan_master_data(undefined({afs.code}, {}), {}, rules).create.values()
    assert created == EntityType(kind=Kind.DATA_SET, code=afs.code)
