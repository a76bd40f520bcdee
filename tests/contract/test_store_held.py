"""The store's promises about deletions that are held back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Connection

from harvester.memory.held import HeldDeletion, held_back, held_back_count, release
from harvester.openbis.destination.held_deletions import (
    VanishedSpace,
    brought_count,
    forget_done,
    forget_returned,
    hold,
    new_count,
    vanished_spaces,
)
from harvester.openbis.destination.losses import find_losses
from harvester.openbis.destination.unknown_parts import complete_unknown
from shared.model.entities import Entity
from shared.model.ids import Code, Identifier
from shared.model.kinds import Kind
from shared.store.changes import Action, counts, delete, plan_files, planned
from shared.store.sources import start_source
from tests.contract.passes import WORLD, harvest, harvesting
from tests.support.instances.builders import (
    MODIFIED,
    a_data_set,
    a_material,
    a_project,
    a_sample,
    a_space,
    an_experiment,
    perm_id,
)
from tests.support.instances.instance import Instance, a_file

TRIAL = Identifier("/ALPHA/KITCHEN/EXPERIMENT-3")
SAMPLES = [a_sample(100 + n) for n in range(6)]


@contextmanager
def judging(instance: Instance, *listed: Entity, source: str = "DS1") -> Iterator[Connection]:
    """A pass that has planned its deletions."""
    with harvesting(instance, *listed, source=source) as connection:
        complete_unknown(connection, source)
        find_losses(connection, source)
        plan_files(connection, source)
        forget_returned(connection, source)
        yield connection


def held_in(instance: Instance, run: int, *listed: Entity, new: bool = True) -> set[str]:
    """Perm ids that a pass holds back; the rest of what is gone is deleted."""
    with judging(instance, *listed) as connection:
        number = hold(connection, "DS1", run, new=new)
        found = {p.perm_id for p in planned(connection, Action.HELD)}
        assert number == len(found)
        forget_done(connection, "DS1")
        delete(connection)
    return found


def waiting(instance: Instance) -> dict[str, tuple[int, bool]]:
    with instance.engine.connect() as connection:
        return {held.perm_id: (held.run, held.released) for held in held_back(connection, "DS1")}


def here(instance: Instance) -> set[str]:
    return {str(perm_id) for (perm_id,) in instance.rows("SELECT perm_id FROM entity")}


def ids(entities: Iterable[Entity]) -> set[str]:
    return {entity.perm_id for entity in entities}


def put_service_file(instance: Instance, path: str, source: str = "DS1") -> None:
    instance.execute(f"INSERT INTO service_file VALUES ('{path}', '{source}', 1, 2, 'ab')")  # noqa: S608


def test_what_is_held_back_stays_and_is_remembered_with_its_run(instance: Instance) -> None:
    harvest(instance, *WORLD)
    put_service_file(instance, "notes/a.txt")
    gone = {WORLD[3].perm_id, WORLD[5].perm_id, "notes/a.txt"}
    listed = [e for e in WORLD if e.perm_id not in gone]
    assert held_in(instance, 7, *listed) == gone
    assert set(instance.entities()) == {(e.kind, e.perm_id) for e in WORLD}
    with instance.engine.connect() as connection:
        assert held_back_count(connection, "DS1") == 3
        assert held_back_count(connection, "DS2") == 0
        assert held_back(connection, "DS1") == [
            HeldDeletion(
                kind="FILE", perm_id="notes/a.txt", identifier="notes/a.txt", run=7, released=False
            ),
            HeldDeletion(
                kind="MATERIAL",
                perm_id=WORLD[5].perm_id,
                identifier=WORLD[5].identifier,
                run=7,
                released=False,
            ),
            HeldDeletion(
                kind="SAMPLE",
                perm_id=WORLD[3].perm_id,
                identifier="/ALPHA/KITCHEN/SAMPLE-4",
                run=7,
                released=False,
            ),
        ]
        assert len(held_back(connection, "DS1", most=2)) == 2
        assert held_back(connection, "DS1", run=6) == []
        assert len(held_back(connection, "DS1", run=8)) == 3


def test_what_was_held_back_stays_so_though_nothing_new_is(instance: Instance) -> None:
    harvest(instance, *SAMPLES)
    assert held_in(instance, 1, *SAMPLES[2:]) == ids(SAMPLES[:2])
    assert held_in(instance, 2, *SAMPLES[3:], new=False) == ids(SAMPLES[:2])
    assert here(instance) == ids([*SAMPLES[:2], *SAMPLES[3:]])
    assert set(waiting(instance).values()) == {(1, False)}


def test_only_what_is_new_is_judged_and_counted(instance: Instance) -> None:
    harvest(instance, *SAMPLES)
    put_service_file(instance, "a")
    put_service_file(instance, "b", source="DS2")
    with judging(instance, *SAMPLES[2:]) as connection:
        assert (new_count(connection, "DS1"), brought_count(connection, "DS1")) == (3, 7)
        hold(connection, "DS1", 1, new=True)
    with judging(instance, *SAMPLES[3:]) as connection:
        assert (new_count(connection, "DS1"), brought_count(connection, "DS1")) == (1, 4)
        release(connection, "DS1", 1)
        assert (new_count(connection, "DS1"), brought_count(connection, "DS1")) == (1, 4)


def test_what_is_unknown_now_has_not_returned(instance: Instance) -> None:
    """Else it would be judged anew when it is known again, as if it alone were gone."""
    project, raw = a_project(2), a_data_set(5, files=(a_file("a", b"a"),))
    lost = {"a.png", project.perm_id, raw.perm_id}
    harvest(instance, a_space(), project, raw)
    put_service_file(instance, "a.png")
    instance.execute(
        "INSERT INTO attachment (kind, perm_id, file_name, version, length, sha256)"  # noqa: S608
        f" VALUES ('PROJECT', '{project.perm_id}', 'plan.txt', 1, 1, '{'1' * 64}')"
    )
    unknown = (
        ("FILE", "", "file-service"),
        ("PROJECT", project.perm_id, "attachments"),
        ("DATA_SET", raw.perm_id, "files"),
    )
    for run, marks in enumerate(((), unknown, ()), 1):
        with harvesting(instance, a_space(), project, replace(raw, files=())) as connection:
            for kind, perm_id, part in marks:
                connection.exec_driver_sql(
                    "INSERT INTO incoming_unknown (kind, perm_id, part, reason)"  # noqa: S608
                    f" VALUES ('{kind}', '{perm_id}', '{part}', 'not-mounted')"
                )
            complete_unknown(connection, "DS1")
            find_losses(connection, "DS1")
            plan_files(connection, "DS1")
            forget_returned(connection, "DS1")
            assert hold(connection, "DS1", run, new=run == 1) == (0 if marks else 3)
        assert waiting(instance) == dict.fromkeys(lost, (1, False))


def test_released_deletions_are_done_and_new_ones_wait_in_the_same_run(
    instance: Instance,
) -> None:
    harvest(instance, *SAMPLES)
    held_in(instance, 1, *SAMPLES[1:])
    held_in(instance, 2, *SAMPLES[2:])
    with instance.engine.begin() as connection:
        assert release(connection, "DS2", 2) == {}
        assert release(connection, "DS1", 1) == {"SAMPLE": 1}
        assert release(connection, "DS1", 1) == {}
        assert held_back_count(connection, "DS1") == 1
    assert waiting(instance) == {SAMPLES[0].perm_id: (1, True), SAMPLES[1].perm_id: (2, False)}
    assert held_in(instance, 3, *SAMPLES[3:]) == ids(SAMPLES[1:3])
    assert here(instance) == ids(SAMPLES[1:])
    assert waiting(instance) == {SAMPLES[1].perm_id: (2, False), SAMPLES[2].perm_id: (3, False)}
    with instance.engine.begin() as connection:
        assert release(connection, "DS1", 3) == {"SAMPLE": 2}
    assert held_in(instance, 4, *SAMPLES[3:]) == set()
    assert here(instance) == ids(SAMPLES[3:])
    assert waiting(instance) == {}


def test_what_the_source_has_again_waits_no_longer_and_is_judged_anew(instance: Instance) -> None:
    harvest(instance, *SAMPLES)
    held_in(instance, 1, *SAMPLES[2:])
    with instance.engine.begin() as connection:
        release(connection, "DS1", 1)
    assert held_in(instance, 2, *SAMPLES) == set()
    assert waiting(instance) == {}
    assert held_in(instance, 3, *SAMPLES[1:]) == ids(SAMPLES[:1])
    assert waiting(instance) == {SAMPLES[0].perm_id: (3, False)}


def test_the_place_in_which_something_waits_is_not_deleted(instance: Instance) -> None:
    sample = a_sample(4, project="KITCHEN", experiment=TRIAL)
    lists = [a_space(), a_project(2), an_experiment(3), sample]
    data_set = a_data_set(5, sample=sample.identifier)
    other = a_project(12, code="OTHER")
    harvest(instance, *lists, data_set, other)
    assert held_in(instance, 1, *lists, other) == {data_set.perm_id}
    assert held_in(instance, 2, new=False) == ids([*lists, data_set])
    assert here(instance) == ids([*lists, data_set])
    with instance.engine.begin() as connection:  # released, but what lies in it is not
        connection.exec_driver_sql("UPDATE held_deletion SET released = TRUE WHERE run = 2")
    assert held_in(instance, 3, new=False) == ids([*lists, data_set])
    with instance.engine.begin() as connection:
        assert release(connection, "DS1", 1) == {"DATA_SET": 1}
    assert held_in(instance, 4, new=False) == set()
    assert here(instance) == set()


def test_only_spaces_that_go_with_all_that_was_in_them_vanished(instance: Instance) -> None:
    spaces = {code: a_space(code) for code in ("EMPTY", "WHOLE", "MOVED", "PARTLY", "FOREIGN")}
    inside = {
        code: [a_sample(number, space=code), a_sample(number + 1, space=code)]
        for code, number in (("WHOLE", 10), ("MOVED", 20), ("PARTLY", 30), ("FOREIGN", 40))
    }
    harvest(instance, *spaces.values(), *(s for found in inside.values() for s in found))
    harvest(instance, a_material(9), a_sample(50, space="FOREIGN"), source="DS2")
    moved = [replace(s, space=Code("HOME")) for s in inside["MOVED"]]
    listed = [a_space("HOME"), *moved, replace(inside["PARTLY"][0], space=Code("HOME"))]
    with judging(instance, *listed) as connection:
        assert vanished_spaces(connection, "DS1") == [VanishedSpace(code="WHOLE", inside=2)]
        hold(connection, "DS1", 1, new=True)
        assert counts(connection)[Kind.SPACE, Action.HELD] == 4
    with judging(instance, *listed) as connection:  # told once; then it waits
        assert vanished_spaces(connection, "DS1") == []


def test_a_space_whose_content_was_released_before_has_not_vanished(instance: Instance) -> None:
    harvest(instance, a_space(), *SAMPLES)
    held_in(instance, 1, a_space())
    with judging(instance) as connection:
        assert vanished_spaces(connection, "DS1") == [VanishedSpace(code="ALPHA", inside=6)]
        release(connection, "DS1", 1)
        assert vanished_spaces(connection, "DS1") == []


def test_held_back_deletions_are_those_of_one_source(instance: Instance) -> None:
    harvest(instance, *SAMPLES)
    harvest(instance, a_sample(1), a_material(9), source="DS2")
    with instance.engine.begin() as connection:
        start_source(connection, "DS1", "http://one", MODIFIED)
    held_in(instance, 1, *SAMPLES[1:])
    with judging(instance, a_material(9), source="DS2") as connection:
        assert hold(connection, "DS2", 2, new=True) == 1
    with instance.engine.begin() as connection:
        assert [h.perm_id for h in held_back(connection, "DS2")] == [perm_id(1)]
        assert release(connection, "DS2", 2) == {"SAMPLE": 1}
    assert waiting(instance) == {SAMPLES[0].perm_id: (1, False)}
