"""Stores of earlier versions, with data, are brought to this one when they are opened."""

from __future__ import annotations

import pytest

from harvester.memory.failures import failed_items, remember_failures, retry_now
from harvester.memory.held import held_back, release
from harvester.memory.next_run import next_run, remember_next_run
from harvester.memory.notices import Notice, last_notice, remember_notice
from harvester.memory.runs import (
    RunBegin,
    RunEnd,
    Verdict,
    abandon_runs,
    begin_run,
    counts_of,
    end_run,
    failures_of,
    find_runs,
)
from harvester.openbis.destination.restoring import Wish
from harvester.openbis.destination.trash import deletions, items
from shared.errors import ItemError
from shared.model.entities import Entity
from shared.model.kinds import Kind
from shared.store.engine import open_store
from shared.store.memory_tables import held_deletion, unconfirmed_deletion
from shared.store.operation_tables import trash_part
from shared.store.upgrade import OF_HARVESTERS
from tests.contract.passes import harvest, plan
from tests.contract.trash_passes import NOW, deletes, restores
from tests.support.instances.builders import (
    a_data_set,
    a_material,
    a_project,
    a_sample,
    a_space,
    an_experiment,
    perm_id,
)
from tests.support.instances.instance import Instance

LATER = ("project_perm_id", "experiment_perm_id", "sample_perm_id", "unknown")
# Columns of version 4.
LATEST = ("meta_data", "immutable_since", "afs")
TRIAL, CUP = "/ALPHA/KITCHEN/TRIAL", "/ALPHA/KITCHEN/CUP"
STAYS: tuple[Entity, ...] = (
    a_space(),
    a_project(2),
    an_experiment(3, code="TRIAL"),
    a_sample(4, code="BOWL", project="KITCHEN", experiment=TRIAL),
    a_sample(5, code="SPOON", experiment=TRIAL),  # lies in the project by its experiment
    a_sample(6, code="CUP", project="KITCHEN"),
    a_data_set(7, experiment=TRIAL),
    a_data_set(8, sample=CUP),
    a_data_set(9, sample="/ALPHA/SPOON"),
    a_material(10),
)
OLD, ON_OLD = a_sample(14, code="TUBE"), a_data_set(17, sample="/ALPHA/TUBE")
IN_TRIAL = a_data_set(18, experiment=TRIAL)


def references(instance: Instance) -> list[tuple[object, ...]]:
    return instance.rows(
        "SELECT kind, perm_id, project_perm_id, experiment_perm_id, sample_perm_id FROM entity"
        " ORDER BY kind, perm_id"
    )


def become(instance: Instance, version: str) -> None:
    """As that version has written it; 3 was written without references for a while."""
    instance.execute("DROP INDEX entity_sample_perm_id")
    later = (*(LATER if version < "3" else LATER[:3]), *LATEST)
    for name in later:
        instance.execute(f"ALTER TABLE entity DROP COLUMN {name}")
    instance.execute("ALTER TABLE data_set_file DROP COLUMN modified")
    if version == "1":
        with instance.engine.begin() as connection:
            for table in reversed(OF_HARVESTERS):
                table.drop(connection)
    else:
        for name in later:
            instance.execute(f"ALTER TABLE trash_entity DROP COLUMN {name}")
        instance.execute("ALTER TABLE trash_data_set_file DROP COLUMN modified")
        for table in (trash_part, unconfirmed_deletion):
            instance.execute(f"DROP TABLE {table.name}")
    instance.execute("CREATE INDEX entity_sample ON entity (kind, sample)")
    instance.execute(f"UPDATE meta SET value = '{version}' WHERE key = 'schema_version'")  # noqa: S608
    instance.engine.dispose()


def opened(instance: Instance) -> None:
    open_store(instance.engine.url.render_as_string(hide_password=False)).dispose()


def a_day_is_remembered(instance: Instance) -> None:
    """A run that deleted something, held a deletion back, and failed in part."""
    deletes(instance, *STAYS)
    failed = [ItemError("SAMPLE", "2024-7", "its type is not defined")]
    with instance.engine.begin() as connection:
        begin = RunBegin(source="DS1", section="first", started=NOW, worker="7 on host")
        number = begin_run(connection, begin)
        counts = {("SAMPLE", "deleted"): 1, ("SAMPLE", "held back"): 1}
        end = RunEnd(
            ended=NOW,
            at=NOW,
            verdict=Verdict.PARTIAL,
            exit_code=7,
            message="one item failed",
            counts=counts,
            failures=failed,
        )
        end_run(connection, number, end)
        begin_run(connection, begin)
        remember_failures(connection, "DS1", failed, NOW)
        remember_notice(connection, "DS1", Notice(fingerprint="PARTIAL", sent=NOW))
        remember_next_run(connection, NOW)
        held = {"source": "DS1", "kind": "SAMPLE", "perm_id": STAYS[5].perm_id, "run": number}
        connection.execute(held_deletion.insert().values(held))


def remembered(instance: Instance) -> list[object]:
    with instance.engine.connect() as connection:
        return [
            find_runs(connection),
            [counts_of(connection, run.id) for run in find_runs(connection)],
            [[str(error) for error in failures_of(connection, 1)], failed_items(connection)],
            held_back(connection, "DS1"),
            [last_notice(connection, "DS1"), next_run(connection)],
            [(gone, list(items(connection, gone.number))) for gone in deletions(connection)],
        ]


@pytest.mark.parametrize("version", ["1", "2", "3"])
def test_references_are_filled_and_the_next_harvest_has_nothing_to_do(
    instance: Instance, version: str
) -> None:
    harvest(instance, *STAYS)
    before, filled = instance.entities(), references(instance)
    become(instance, version)
    for _ in range(2):
        opened(instance)
    assert references(instance) == filled
    assert instance.entities() == before
    assert plan(instance, *STAYS) == {}
    # identifiers mean what they mean now, as in a new store
    harvest(instance, *STAYS[:-3], a_sample(66, code="SPOON"), *STAYS[-3:])
    assert plan(instance, *STAYS[:-3], a_sample(66, code="SPOON"), *STAYS[-3:]) == {}


@pytest.mark.parametrize("version", ["2", "3"])
def test_what_lies_in_the_trash_comes_back_to_whom_it_belonged(
    instance: Instance, version: str
) -> None:
    harvest(instance, *STAYS, OLD, ON_OLD, IN_TRIAL)
    number = deletes(instance, *STAYS)
    harvest(instance, *STAYS, a_sample(15, code="TUBE"))
    become(instance, version)
    opened(instance)
    restoration = restores(instance, Wish(deletion=number))
    assert restoration.counts == {"DATA_SET": 1}
    assert {refusal.item.perm_id for refusal in restoration.refusals} == {
        OLD.perm_id,
        ON_OLD.perm_id,
    }
    assert instance.entities()[Kind.DATA_SET, IN_TRIAL.perm_id] == IN_TRIAL
    harvest(instance, *STAYS, IN_TRIAL)  # the other tube is gone again
    assert restores(instance, Wish(deletion=number)).counts == {"DATA_SET": 1, "SAMPLE": 1}
    assert instance.entities()[Kind.DATA_SET, ON_OLD.perm_id] == ON_OLD


@pytest.mark.parametrize("version", ["2", "3"])
def test_what_a_harvester_remembers_survives(instance: Instance, version: str) -> None:
    harvest(instance, *STAYS, OLD, ON_OLD)
    a_day_is_remembered(instance)
    before = remembered(instance)
    assert all(before)
    become(instance, version)
    opened(instance)
    assert remembered(instance) == before
    with instance.engine.begin() as connection:
        assert abandon_runs(connection, "DS1", NOW)
        assert release(connection, "DS1", 1) == {"SAMPLE": 1}
        assert retry_now(connection, "DS1") == 1
        assert begin_run(
            connection, RunBegin(source="DS1", section="first", started=NOW, worker="8 on host")
        )


def test_what_two_were_called_means_neither_until_the_list_says_who(instance: Instance) -> None:
    listed = [*STAYS, OLD, ON_OLD]
    harvest(instance, *listed)
    instance.execute(
        "INSERT INTO entity (kind, perm_id, code, identifier, type, space, home_space, registered,"
        " modified, frozen, properties, content_hash, source, source_modified)"
        " SELECT kind, 'OTHER', code, identifier, type, space, home_space, registered, modified,"
        " frozen, properties, content_hash, source, source_modified FROM entity"
        " WHERE identifier = '/ALPHA/TUBE'"
    )
    become(instance, "2")
    opened(instance)
    assert instance.entities()[Kind.DATA_SET, ON_OLD.perm_id].sample is None
    assert plan(instance, *listed) == {"changed": {ON_OLD.perm_id}, "gone": {"OTHER"}}
    harvest(instance, *listed)
    assert instance.entities()[Kind.DATA_SET, ON_OLD.perm_id] == ON_OLD
    assert perm_id(14) in instance.codes(Kind.SAMPLE)
    assert plan(instance, *listed) == {}
