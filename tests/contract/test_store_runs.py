"""The destination's memory: runs, and what failed in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from harvester.memory.failures import (
    LONGEST_PAUSE,
    failed_items,
    forget_failure,
    pause_after,
    remember_failures,
    retry_now,
)
from harvester.memory.next_run import next_run, remember_next_run
from harvester.memory.runs import (
    SUCCESSES,
    RunBegin,
    RunEnd,
    Verdict,
    abandon_runs,
    at_work,
    begin_run,
    counts_of,
    end_run,
    failure_count,
    failures_of,
    find_run,
    find_runs,
    forget_runs,
    last_run,
)
from shared.errors import ItemError
from shared.store.engine import open_store
from shared.store.upgrade import OF_HARVESTERS
from tests.support.instances.instance import Instance

NOON = datetime(2024, 3, 5, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SAMPLE = ItemError("SAMPLE", "2024-7", "its type is not defined")
DATA_SET = ItemError("DATA_SET", "2024-8", "file a.txt: 404")


def begun(instance: Instance, started: datetime = NOON, source: str = "DS1", *, dry: bool) -> int:
    with instance.engine.begin() as connection:
        return begin_run(
            connection,
            RunBegin(
                source=source,
                section=f"section {source}",
                started=started,
                worker="process 7 on host",
                dry_run=dry,
            ),
        )


def a_run(
    instance: Instance,
    verdict: Verdict,
    started: datetime = NOON,
    *failures: ItemError,
    dry: bool = False,
) -> int:
    number = begun(instance, started, dry=dry)
    with instance.engine.begin() as connection:
        end_run(
            connection,
            number,
            RunEnd(
                ended=started + timedelta(minutes=5),
                verdict=verdict,
                exit_code=0 if verdict in SUCCESSES else 7,
                message="OK",
                at=started - timedelta(minutes=1),
                bytes=12_345_678_901,
                records=99,
                counts={("SAMPLE", "created"): 3, ("SAMPLE", "deleted"): 1},
                failures=failures,
            ),
        )
    return number


def test_a_run_is_remembered_with_all_that_it_did(instance: Instance) -> None:
    number = a_run(instance, Verdict.PARTIAL, NOON, DATA_SET, SAMPLE, DATA_SET)
    with instance.engine.connect() as connection:
        run = find_run(connection, number)
        assert run is not None
        assert (run.source, run.section, run.worker) == ("DS1", "section DS1", "process 7 on host")
        assert (run.started, run.ended) == (NOON, NOON + timedelta(minutes=5))
        assert (run.verdict, run.exit_code, run.message) == (Verdict.PARTIAL, 7, "OK")
        assert (run.bytes, run.records) == (12_345_678_901, 99)
        assert run.at == NOON - timedelta(minutes=1)
        assert counts_of(connection, number) == {
            ("SAMPLE", "created"): 3,
            ("SAMPLE", "deleted"): 1,
        }
        assert [str(error) for error in failures_of(connection, number)] == [
            str(DATA_SET),
            str(SAMPLE),
        ]
        assert failure_count(connection, number) == 2
        assert find_run(connection, number + 1) is None


def test_a_run_without_an_end_is_at_work_until_somebody_finds_it_abandoned(
    instance: Instance,
) -> None:
    number = begun(instance, dry=False)
    with instance.engine.begin() as connection:
        worker = at_work(connection, "DS1")
        assert worker is not None
        assert worker.id == number
        assert at_work(connection, "DS2") is None
        assert [run.id for run in abandon_runs(connection, "DS1", NOON + DAY)] == [number]
        assert at_work(connection, "DS1") is None
        run = find_run(connection, number)
        assert run is not None
        assert (run.verdict, run.ended) == (Verdict.KILLED, NOON + DAY)
        assert abandon_runs(connection, "DS1", NOON) == []


def test_the_last_run_is_a_real_one_of_the_source(instance: Instance) -> None:
    good = a_run(instance, Verdict.DONE)
    bad = a_run(instance, Verdict.REFUSED, NOON + DAY)
    begun(instance, dry=True)
    begun(instance, source="DS2", dry=False)
    with instance.engine.connect() as connection:
        last = last_run(connection, "DS1")
        success = last_run(connection, "DS1", SUCCESSES)
        assert last is not None
        assert success is not None
        assert (last.id, success.id) == (bad, good)
        assert last_run(connection, "DS3") is None
        assert [run.source for run in find_runs(connection, most=2)] == ["DS2", "DS1"]


def test_old_runs_are_forgotten_but_not_the_last_success(instance: Instance) -> None:
    runs = [a_run(instance, Verdict.NOTHING_TO_DO, NOON + n * DAY) for n in range(3)]
    bad = [a_run(instance, Verdict.REFUSED, NOON + n * DAY, SAMPLE) for n in range(3, 6)]
    with instance.engine.begin() as connection:
        assert forget_runs(connection, "DS1", NOON + 5 * DAY) == 4
        assert [run.id for run in find_runs(connection)] == [bad[-1], runs[-1]]
        assert forget_runs(connection, "DS2", NOON + 99 * DAY) == 0
        left = {failure_count(connection, run) for run in bad[:-1]}
        assert left == {0}


def test_a_dry_run_does_not_take_the_place_of_the_last_success(instance: Instance) -> None:
    real = a_run(instance, Verdict.NOTHING_TO_DO, NOON)
    dry = a_run(instance, Verdict.NOTHING_TO_DO, NOON + DAY, dry=True)
    with instance.engine.begin() as connection:
        assert forget_runs(connection, "DS1", NOON + 5 * DAY) == 1
        assert [run.id for run in find_runs(connection)] == [real]
        assert find_run(connection, dry) is None


def test_pauses_grow_from_nothing_to_a_week() -> None:
    pauses = [pause_after(n) for n in range(1, 40)]
    assert pauses[0] == timedelta(0)
    assert timedelta(0) < pauses[1] < timedelta(hours=12)
    assert all(longer == min(2 * pause, LONGEST_PAUSE) for pause, longer in pairwise(pauses[1:]))
    assert pauses[-1] == LONGEST_PAUSE


def test_what_fails_again_waits_longer_and_what_succeeds_is_forgotten(instance: Instance) -> None:
    with instance.engine.begin() as connection:
        for days in range(3):
            remember_failures(connection, "DS1", [DATA_SET, SAMPLE], NOON + days * DAY)
        item = failed_items(connection, "DS1")[0]
        assert (item.kind, item.perm_id, item.attempts) == ("DATA_SET", "2024-8", 3)
        assert (item.first_failed, item.last_failed) == (NOON, NOON + 2 * DAY)
        assert item.next_try == NOON + 2 * DAY + pause_after(3)
        remember_failures(connection, "DS1", [], NOON + 3 * DAY, waiting=[("DATA_SET", "2024-8")])
        assert failed_items(connection) == [item]
        remember_failures(connection, "DS2", [], NOON)
        assert failed_items(connection) == [item]


def test_a_pause_ends_when_the_operator_says_so(instance: Instance) -> None:
    with instance.engine.begin() as connection:
        for _ in range(2):
            remember_failures(connection, "DS1", [DATA_SET, SAMPLE], NOON)
        assert retry_now(connection, "DS1", ["2024-8"]) == 1
        assert retry_now(connection, "DS2") == 0
        tries = {item.perm_id: item.next_try for item in failed_items(connection)}
        assert tries["2024-8"] < NOON < tries["2024-7"]
        assert retry_now(connection, "DS1") == 2
        forget_failure(connection, "DS1", "SAMPLE", "2024-7")
        assert [item.perm_id for item in failed_items(connection)] == ["2024-8"]


def test_the_next_run_is_remembered_until_the_daemon_ends(instance: Instance) -> None:
    with instance.engine.begin() as connection:
        assert next_run(connection) is None
        remember_next_run(connection, NOON)
        remember_next_run(connection, NOON + DAY)
        assert next_run(connection) == NOON + DAY
        remember_next_run(connection, None)
        assert next_run(connection) is None


@pytest.mark.parametrize("times", [1, 2])
def test_a_store_of_the_first_version_is_upgraded_in_place(instance: Instance, times: int) -> None:
    with instance.engine.begin() as connection:
        for table in reversed(OF_HARVESTERS):
            table.drop(connection)
    instance.execute("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
    url = instance.engine.url.render_as_string(hide_password=False)
    for _ in range(times):
        open_store(url).dispose()
    assert a_run(instance, Verdict.DONE) == 1
    assert instance.rows("SELECT value FROM meta WHERE key = 'schema_version'") == [("4",)]
