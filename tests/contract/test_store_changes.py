"""The store's promise: what a list changes, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.entities import Entity
from shared.model.kinds import ENTITY_KINDS, DataSetKind, Frozen, Relation
from shared.store.changes import (
    Action,
    Stamps,
    compare,
    copy_flags,
    copy_stamps,
    counts,
    planned,
    users,
)
from shared.store.incoming import Incoming
from tests.contract.passes import WORLD, harvest, harvesting, plan
from tests.support.instances.builders import (
    a_data_set,
    a_project,
    a_sample,
    a_space,
    an_experiment,
    perm_id,
)
from tests.support.instances.full_instance import a_full_instance, connected
from tests.support.instances.instance import Instance, a_file, stored_in


def test_what_is_not_here_is_new(instance: Instance) -> None:
    assert plan(instance, *WORLD) == {"new": {entity.perm_id for entity in WORLD}}


def test_what_is_here_as_the_list_says_is_in_no_plan(instance: Instance) -> None:
    harvest(instance, *WORLD)
    assert plan(instance, *reversed(WORLD)) == {}
    assert list(instance.entities().values()) == sorted(
        WORLD, key=lambda entity: ENTITY_KINDS.index(entity.kind)
    )


CHANGES = {
    "code": a_sample(4, project="KITCHEN", code="OTHER"),
    "space": a_sample(4, project="KITCHEN", space="BETA"),
    "project": a_sample(4),
    "experiment": a_sample(4, project="KITCHEN", experiment="/ALPHA/KITCHEN/EXPERIMENT-3"),
    "type": a_sample(4, project="KITCHEN", type="OTHER"),
    "properties": a_sample(4, project="KITCHEN", properties={"NOTES": ""}),
    "connections": a_sample(
        4, project="KITCHEN", connections=connected(Relation.CHILD, perm_id(99))
    ),
    "description of a space": a_space(description="other"),
    "files": replace(WORLD[4], files=(a_file("a", b"a"),)),
    "kind of a data set": replace(WORLD[4], data_set_kind=DataSetKind.LINK),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_differs_is_changed_and_then_as_the_list_says(instance: Instance, what: str) -> None:
    harvest(instance, *WORLD)
    changed = CHANGES[what]
    listed = [changed if e.perm_id == changed.perm_id else e for e in WORLD]
    assert plan(instance, *listed) == {"changed": {changed.perm_id}}
    harvest(instance, *listed)
    assert plan(instance, *listed) == {}
    stored = stored_in(instance, ["ALPHA", "BETA"])[changed.kind, changed.perm_id]
    assert replace(stored, connections=()) == replace(changed, connections=())


def test_a_sample_that_gets_a_container_is_changed(instance: Instance) -> None:
    plate, well = a_sample(8, code="PLATE"), a_sample(9, code="A01")
    harvest(instance, a_space(), plate, well)
    filled = replace(plate, connections=connected(Relation.COMPONENT, well.perm_id))
    assert plan(instance, a_space(), filled, well) == {"changed": {plate.perm_id, well.perm_id}}
    harvest(instance, a_space(), filled, well)
    where = f"SELECT identifier FROM entity WHERE perm_id = '{well.perm_id}'"  # noqa: S608
    assert instance.rows(where) == [("/ALPHA/PLATE:A01",)]
    harvest(instance, a_space(), plate, well)
    assert instance.rows(where) == [("/ALPHA/A01",)]


def test_the_order_of_components_means_something_and_that_of_children_does_not(
    instance: Instance,
) -> None:
    def box(relation: Relation, *numbers: int) -> Entity:
        edges = connected(relation, *map(perm_id, numbers))
        return a_data_set(7, data_set_kind=DataSetKind.CONTAINER, connections=edges)

    harvest(instance, box(Relation.CHILD, 1, 2))
    assert plan(instance, box(Relation.CHILD, 2, 1)) == {}
    harvest(instance, box(Relation.COMPONENT, 1, 2))
    assert plan(instance, box(Relation.COMPONENT, 2, 1)) == {"changed": {perm_id(7)}}


def test_stamps_and_flags_are_compared_on_their_own(instance: Instance) -> None:
    harvest(instance, *WORLD)
    sample = replace(WORLD[3], modifier="otto", frozen=Frozen.FROZEN)
    listed = (*WORLD[:3], sample, *WORLD[4:])
    with harvesting(instance, *listed) as connection:
        assert counts(connection) == {}
        assert [p.perm_id for p in copy_stamps(connection, "DS1")] == [sample.perm_id]
        assert [p.perm_id for p in copy_flags(connection, "DS1")] == [sample.perm_id]
        assert copy_stamps(connection, "DS1") == []
        assert copy_flags(connection, "DS1") == []
        assert users(connection) == ["mira", "otto"]
    assert instance.entities()[sample.kind, sample.perm_id] == sample


def test_other_stamps_are_written_where_the_originals_are_not_wanted(instance: Instance) -> None:
    stamps = Stamps(user_id="robot", now=1_000)
    harvest(instance, *WORLD, stamps=stamps)
    columns = "SELECT DISTINCT registrator, modifier, registered, modified FROM entity"
    assert instance.rows(columns) == [("robot", "robot", 1_000, 1_000)]
    later = Stamps(user_id="other", now=2_000)
    harvest(instance, *WORLD, stamps=later)
    assert instance.rows(columns) == [("robot", "robot", 1_000, 1_000)]
    harvest(instance, a_space(description="new"), *WORLD[1:], stamps=later)
    assert instance.rows(f"{columns} WHERE kind = 'SPACE'") == [("robot", "other", 1_000, 2_000)]


def test_what_is_gone_is_deleted_with_all_that_hangs_on_it(instance: Instance) -> None:
    full_instance = a_full_instance(instance)
    instance.execute("UPDATE entity SET source = 'DS1'")
    assert plan(instance) == {"gone": {e.perm_id for e in full_instance.everything}}
    harvest(instance)
    for table in ("entity", "link", "data_set_file", "content_copy", "attachment"):
        assert instance.rows(f"SELECT * FROM {table}") == []  # noqa: S608
    removals = instance.rows("SELECT area, name FROM file_removal ORDER BY 1, 2")
    plan_versions = full_instance.project.attachments[0].versions
    assert {name for area, name in removals if area == "DATA_SET"} == {
        full_instance.raw.code,
        full_instance.of_well.code,
    }
    assert {v.sha256 for v in plan_versions} <= {n for area, n in removals if area == "ATTACHMENT"}


def test_a_record_that_could_not_be_read_is_not_gone(instance: Instance) -> None:
    harvest(instance, *WORLD)
    with instance.engine.connect() as connection, connection.begin():
        incoming = Incoming(connection)
        for entity in WORLD[1:]:
            incoming.add_fault(entity.kind, entity.perm_id)
        incoming.finish()
        compare(connection, "DS1")
        assert list(planned(connection, Action.GONE)) == []
        # what could not be read lies in it
        assert [p.perm_id for p in planned(connection, Action.KEPT)] == ["ALPHA"]


@pytest.mark.parametrize("owner", ["", "DS2"])
def test_what_belongs_to_others_is_foreign_or_taken_and_never_written(
    instance: Instance, owner: str
) -> None:
    harvest(instance, *WORLD, source=owner)
    before = instance.tables()
    same = [a_space(description="mine"), replace(WORLD[5], properties={"NOTES": "mine"})]
    taken = [
        a_project(102),
        an_experiment(103, code="EXPERIMENT-3"),
        a_sample(104, code="SAMPLE-4", project="KITCHEN"),
    ]
    inside, new = a_sample(105, project="KITCHEN"), a_sample(106)
    assert plan(instance, *same, *taken, inside, new) == {
        "foreign": {"ALPHA", WORLD[5].perm_id},
        "taken": {entity.perm_id for entity in taken},
        "stranded": {inside.perm_id},  # it lies in the list's project, not in the one that is here
        "new": {new.perm_id},
    }
    assert plan(instance) == {}
    harvest(instance, *same, *taken)
    assert instance.tables() == before


def test_a_changed_entity_that_moves_onto_that_of_somebody_else_is_taken(
    instance: Instance,
) -> None:
    harvest(instance, a_sample(1, code="OURS", space=None), source="")
    harvest(instance, a_sample(2, code="MINE", space=None))
    assert plan(instance, a_sample(2, code="OURS", space=None)) == {"taken": {perm_id(2)}}


INSIDE: dict[str, tuple[Entity, set[str]]] = {
    "a project in the space": (a_project(90, code="LOCAL"), {"ALPHA"}),
    "a sample in the space": (a_sample(90), {"ALPHA"}),
    "a sample in the project": (a_sample(90, project="KITCHEN"), {"ALPHA", perm_id(2)}),
    "a sample in the experiment": (
        a_sample(90, experiment="/ALPHA/KITCHEN/EXPERIMENT-3"),
        {"ALPHA", perm_id(2), perm_id(3)},
    ),
    "a data set of the experiment": (
        a_data_set(90, experiment="/ALPHA/KITCHEN/EXPERIMENT-3"),
        {"ALPHA", perm_id(2), perm_id(3)},
    ),
    "a data set of the sample": (
        a_data_set(90, sample="/ALPHA/KITCHEN/SAMPLE-4"),
        {"ALPHA", perm_id(2), perm_id(4)},
    ),
}


@pytest.mark.parametrize("what", INSIDE)
def test_what_is_gone_is_kept_while_something_of_others_lies_in_it(
    instance: Instance, what: str
) -> None:
    harvest(instance, *WORLD)
    local, kept = INSIDE[what]
    instance.load(local)
    assert plan(instance).get("kept") == kept
    harvest(instance)
    assert {perm_id for _, perm_id in instance.entities()} == {*kept, local.perm_id}
