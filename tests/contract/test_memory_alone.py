"""What a harvester remembers needs nothing of what is harvested, and so it can lie by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from harvester.memory.failures import failed_items, remember_failures
from harvester.memory.held import earliest_waiting, held_back_count, release
from harvester.memory.next_run import next_run, remember_next_run
from harvester.memory.notices import Notice, last_notice, remember_notice, setbacks_before
from harvester.memory.runs import RunBegin, RunEnd, Verdict, begin_run, end_run, find_run
from harvester.memory.unconfirmed import (
    Unconfirmed,
    forget_unconfirmed,
    note_unconfirmed,
    unconfirmed_since,
)
from shared.errors import ItemError
from shared.store.engine import connect
from shared.store.memory_tables import TABLES, held_deletion
from shared.store.tables import meta, metadata

NOON = datetime(2024, 3, 5, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
FAILURE = ItemError("SAMPLE", "2024-7", "its type is not defined")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{tmp_path}/memory.db")
    with engine.begin() as connection:
        metadata.create_all(connection, tables=(*TABLES, meta))
    yield engine
    engine.dispose()


def a_run(connection: Connection, verdict: Verdict) -> int:
    begin = RunBegin(source="DS1", section="first", started=NOON, worker="7 on host")
    number = begin_run(connection, begin)
    counts = {("SAMPLE", "created"): 3}
    end = RunEnd(ended=NOON, verdict=verdict, exit_code=7, message="", counts=counts)
    end_run(connection, number, end)
    return number


def test_runs_failures_and_notices_are_remembered_without_a_store(engine: Engine) -> None:
    with engine.begin() as connection:
        a_run(connection, Verdict.UNREACHABLE)
        number = a_run(connection, Verdict.PARTIAL)
        remember_failures(connection, "DS1", [FAILURE], NOON)
        remember_notice(connection, "DS1", Notice(fingerprint="PARTIAL", sent=NOON))
        remember_next_run(connection, NOON + DAY)
    with engine.connect() as connection:
        found = find_run(connection, number)
        assert found is not None
        assert found.verdict is Verdict.PARTIAL
        setbacks = setbacks_before(connection, "DS1", number)
        assert setbacks is not None
        assert setbacks.runs == {Verdict.UNREACHABLE: 1}
        assert [item.perm_id for item in failed_items(connection)] == [FAILURE.perm_id]
        assert last_notice(connection, "DS1") == Notice(fingerprint="PARTIAL", sent=NOON)
        assert next_run(connection) == NOON + DAY


def test_deletions_wait_and_are_released_without_a_store(engine: Engine) -> None:
    with engine.begin() as connection:
        rows = [
            {"source": "DS1", "kind": "SAMPLE", "perm_id": str(run), "run": run, "released": False}
            for run in (3, 4)
        ]
        connection.execute(held_deletion.insert(), rows)
        assert earliest_waiting(connection, "DS1") == 3
        assert release(connection, "DS1", 3) == {"SAMPLE": 1}
        assert release(connection, "DS1", 3) == {}
        assert held_back_count(connection, "DS1") == 1
        assert earliest_waiting(connection, "DS1") == 4
        assert earliest_waiting(connection, "DS2") is None


def test_deletions_that_were_not_confirmed_add_up(engine: Engine) -> None:
    with engine.begin() as connection:
        for day, number in enumerate((5, 0, 7)):
            when = NOON + day * DAY
            note_unconfirmed(connection, "DS1", when, number=number, brought=100 - number)
        assert unconfirmed_since(connection, "DS1", NOON) == Unconfirmed(number=12, largest=95)
        forget_unconfirmed(connection, "DS1", NOON + DAY)
        assert unconfirmed_since(connection, "DS1", NOON) == Unconfirmed(number=7, largest=93)
        assert unconfirmed_since(connection, "DS2", NOON) == Unconfirmed(number=0, largest=0)
