"""The store's promises about data sets that wait, lists with faults, and rehearsals."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from harvester.openbis.destination.dangling import dangling
from shared.model.kinds import ENTITY_KINDS, DataSetKind, Kind, Relation
from shared.store.changes import (
    ORIGINAL_STAMPS,
    Action,
    admit_data_sets,
    apply_kind,
    compare,
    counts,
    delete,
    drop_from_plan,
    hold_back_data_sets,
    planned,
    settle_data_sets,
    waiting_data_sets,
)
from shared.store.engine import Transaction, rehearsal, work
from shared.store.incoming import Incoming, data_set_files
from tests.contract.passes import WORLD, harvest, harvesting
from tests.support.instances.builders import (
    a_data_set,
    a_sample,
    a_space,
    perm_id,
)
from tests.support.instances.full_instance import connected
from tests.support.instances.instance import Instance, a_file


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


def test_of_a_record_that_comes_twice_nothing_counts(instance: Instance) -> None:
    first = a_data_set(
        5,
        files=(a_file("a", b"first"), a_file("b", b"b")),
        connections=connected(Relation.CHILD, perm_id(6)),
    )
    last = a_data_set(5, files=(a_file("a", b"last"),))
    with harvesting(instance, first, a_data_set(6), last) as connection:
        assert data_set_files(connection, first.code) == ()
        assert list(dangling(connection)) == []
        apply_kind(connection, Kind.DATA_SET, "DS1", ORIGINAL_STAMPS)
    assert instance.codes(Kind.DATA_SET) == {perm_id(6)}


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
