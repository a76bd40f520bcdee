"""The store's promise: what a list changes, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from shared.model.entities import Entity
from shared.model.kinds import ENTITY_KINDS, DataSetKind, Frozen, Kind, Relation
from shared.store.changes import (
    ORIGINAL_STAMPS,
    Action,
    Stamps,
    admit_data_sets,
    apply_kind,
    compare,
    copy_flags,
    copy_stamps,
    counts,
    delete,
    drop_from_plan,
    hold_back_data_sets,
    planned,
    settle_data_sets,
    users,
    waiting_data_sets,
)
from shared.store.engine import Transaction, rehearsal, work
from shared.store.incoming import Incoming, dangling, data_set_files
from tests.builders import (
    a_data_set,
    a_material,
    a_project,
    a_sample,
    a_space,
    an_experiment,
    perm_id,
)
from tests.instances import Instance, a_file, stored_in
from tests.kitchen import a_kitchen, connected

Plan = dict[str, set[str]]
WORLD = (
    a_space(),
    a_project(2),
    an_experiment(3),
    a_sample(4, project="KITCHEN"),
    a_data_set(5, experiment="/ALPHA/KITCHEN/EXPERIMENT-3"),
    a_material(6),
)


@contextmanager
def harvesting(instance: Instance, *listed: Entity, source: str = "DS1") -> Iterator[Connection]:
    """A connection with a filled list and a plan, in a transaction that stays."""
    with instance.engine.connect() as connection:
        with connection.begin():
            incoming = Incoming(connection)
            for entity in listed:
                incoming.add(entity)
            incoming.finish()
        with work(connection) as transaction, transaction():
            compare(connection, source)
            yield connection


def harvest(
    instance: Instance, *listed: Entity, source: str = "DS1", stamps: Stamps = ORIGINAL_STAMPS
) -> None:
    """A whole pass without files."""
    with harvesting(instance, *listed, source=source) as connection:
        delete(connection)
        for kind in ENTITY_KINDS:
            apply_kind(connection, kind, source, stamps)
        if stamps is ORIGINAL_STAMPS:
            copy_stamps(connection, source)
        copy_flags(connection, source)


def plan(instance: Instance, *listed: Entity, source: str = "DS1") -> Plan:
    """Perm ids by action."""
    with harvesting(instance, *listed, source=source) as connection:
        found = {a.value: {p.perm_id for p in planned(connection, a)} for a in Action}
        assert sum(counts(connection).values()) == sum(map(len, found.values()))
    return {action: perm_ids for action, perm_ids in found.items() if perm_ids}


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
    kitchen = a_kitchen(instance)
    instance.execute("UPDATE entity SET source = 'DS1'")
    assert plan(instance) == {"gone": {e.perm_id for e in kitchen.everything}}
    harvest(instance)
    for table in ("entity", "link", "data_set_file", "content_copy", "attachment"):
        assert instance.rows(f"SELECT * FROM {table}") == []  # noqa: S608
    removals = instance.rows("SELECT area, name FROM file_removal ORDER BY 1, 2")
    plan_versions = kitchen.project.attachments[0].versions
    assert {name for area, name in removals if area == "DATA_SET"} == {
        kitchen.raw.code,
        kitchen.of_well.code,
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
        assert [p.perm_id for p in planned(connection, Action.GONE)] == ["ALPHA"]


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
    new = a_sample(105, project="KITCHEN")
    assert plan(instance, *same, *taken, new) == {
        "foreign": {"ALPHA", WORLD[5].perm_id},
        "taken": {entity.perm_id for entity in taken},
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


def test_data_sets_wait_for_files_that_are_not_here_yet(instance: Instance) -> None:
    one = a_data_set(7, files=(a_file("a", b"a"), a_file("b", b"b")))
    two = a_data_set(8, files=(a_file("a", b"a"),))
    empty, link = a_data_set(9), a_data_set(10, data_set_kind=DataSetKind.LINK, files=one.files)
    with harvesting(instance, one, two, empty, link) as connection:
        hold_back_data_sets(connection)
        assert waiting_data_sets(connection) == [one.code, two.code]
        assert data_set_files(connection, one.code) == one.files
        admit_data_sets(connection, [one.code])
        apply_kind(connection, Kind.DATA_SET, "DS1", ORIGINAL_STAMPS)
        settle_data_sets(connection)
        assert {p.perm_id for p in planned(connection, Action.DONE)} == {
            one.code,
            empty.code,
            link.code,
        }
    assert instance.codes(Kind.DATA_SET) == {one.code, empty.code, link.code}
    other = replace(one, properties={"NOTES": "new"})
    fewer = replace(one, files=one.files[:1])
    changed = replace(one, files=(a_file("a", b"x"), one.files[1]))
    for version, waits in ((other, False), (fewer, True), (changed, True)):
        with harvesting(instance, version, empty, link) as connection:
            hold_back_data_sets(connection)
            assert waiting_data_sets(connection) == [one.code] * waits


def test_what_is_dropped_from_the_plan_is_left_alone(instance: Instance) -> None:
    with harvesting(instance, *WORLD) as connection:
        drop_from_plan(connection, Kind.DATA_SET, [WORLD[4].perm_id, "other"])
        drop_from_plan(connection, Kind.SAMPLE, [])
        assert (Kind.DATA_SET, Action.NEW) not in counts(connection)
        assert counts(connection)[Kind.SAMPLE, Action.NEW] == 1


def test_references_that_lead_out_of_the_list_are_told(instance: Instance) -> None:
    listed = [
        a_sample(4, connections=connected(Relation.CHILD, perm_id(44)), experiment="/A/B/C"),
        a_data_set(5, sample="/ALPHA/GONE"),
        a_data_set(6, sample="/ALPHA/SAMPLE-4"),
    ]
    with harvesting(instance, *listed) as connection:
        found = [(d.kind, d.perm_id, d.reference, d.target) for d in dangling(connection)]
    assert found == [
        ("SAMPLE", perm_id(4), "Child", perm_id(44)),
        ("SAMPLE", perm_id(4), "experiment", "/A/B/C"),
        ("DATA_SET", perm_id(5), "sample", "/ALPHA/GONE"),
    ]


def test_of_a_record_that_comes_twice_the_last_one_counts_with_all_that_it_has(
    instance: Instance,
) -> None:
    first = a_data_set(
        5,
        files=(a_file("a", b"first"), a_file("b", b"b")),
        connections=connected(Relation.CHILD, perm_id(6)),
    )
    last = a_data_set(5, files=(a_file("a", b"last"),))
    with harvesting(instance, first, a_data_set(6), last) as connection:
        assert data_set_files(connection, first.code) == last.files
        assert list(dangling(connection)) == []
        apply_kind(connection, Kind.DATA_SET, "DS1", ORIGINAL_STAMPS)
    assert instance.entities()[Kind.DATA_SET, last.perm_id] == last


def test_a_rehearsal_leaves_nothing_behind(instance: Instance) -> None:
    harvest(instance, *WORLD)
    before = instance.tables()
    with instance.engine.connect() as connection:
        with connection.begin():
            incoming = Incoming(connection)
            incoming.add(a_space(description="changed"))
            incoming.add(a_sample(77))
            incoming.finish()
        for fails in (False, True):
            try:
                with rehearsal(connection) as transaction:
                    _rehearse(connection, transaction, fails=fails)
            except ZeroDivisionError:
                assert fails
        assert instance.tables() == before
        with work(connection) as transaction:
            _rehearse(connection, transaction, fails=False)
    assert set(instance.entities()) == {(Kind.SPACE, "ALPHA"), (Kind.SAMPLE, perm_id(77))}


def _rehearse(connection: Connection, transaction: Transaction, *, fails: bool) -> None:
    with transaction():
        compare(connection, "DS1")
        delete(connection)
    with transaction():
        for kind in ENTITY_KINDS:
            apply_kind(connection, kind, "DS1", ORIGINAL_STAMPS)
        assert connection.exec_driver_sql("SELECT count(*) FROM entity").scalar() == 2
        assert not fails or 1 / 0
