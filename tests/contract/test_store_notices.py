"""What the store promises of notices: the last one of each source, and what went wrong since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from harvester.memory.notices import (
    Notice,
    forget_notice,
    last_notice,
    remember_notice,
    setbacks_before,
)
from harvester.memory.runs import RunBegin, RunEnd, Verdict, begin_run, end_run
from tests.support.instances.instance import Instance

NOON = datetime(2024, 3, 5, 12, tzinfo=UTC)


def ended(
    connection: Connection,
    verdict: Verdict,
    day: int,
    *,
    source: str = "DS1",
    dry_run: bool = False,
) -> int:
    """A run of that day, with its end."""
    started = NOON + timedelta(days=day)
    begin = RunBegin(source=source, section="x", started=started, worker="w", dry_run=dry_run)
    number = begin_run(connection, begin)
    end = RunEnd(
        ended=started + timedelta(hours=1), verdict=verdict, exit_code=0, message="", counts={}
    )
    end_run(connection, number, end)
    return number


def test_a_source_has_one_notice_the_last(instance: Instance) -> None:
    first = Notice(fingerprint="a", sent=NOON)
    second = Notice(fingerprint="b", sent=NOON + timedelta(milliseconds=1))
    with instance.engine.begin() as connection:
        assert last_notice(connection, "DS1") is None
        remember_notice(connection, "DS1", first)
        remember_notice(connection, "DS2", first)
        remember_notice(connection, "DS1", second)
        assert last_notice(connection, "DS1") == second
        assert last_notice(connection, "DS2") == first
        forget_notice(connection, "DS1")
        forget_notice(connection, "DS1")
        assert last_notice(connection, "DS1") is None
        assert last_notice(connection, "DS2") == first


def test_setbacks_are_those_since_the_last_success(instance: Instance) -> None:
    with instance.engine.begin() as connection:
        ended(connection, Verdict.REFUSED, 0)
        ended(connection, Verdict.DONE, 1)
        ended(connection, Verdict.UNREACHABLE, 2, dry_run=True)
        ended(connection, Verdict.KILLED, 3)
        ended(connection, Verdict.CONFLICT, 3, source="DS2")
        ended(connection, Verdict.UNREACHABLE, 4, dry_run=True)
        before = ended(connection, Verdict.DONE, 5, dry_run=True)
        found = setbacks_before(connection, "DS1", before)
        assert found
        assert found.since == NOON + timedelta(days=2)
        assert found.runs == {Verdict.UNREACHABLE: 2}
        assert not found.real
        assert setbacks_before(connection, "DS1", before + 1) is None
        ended(connection, Verdict.HELD_BACK, 6)
        ended(connection, Verdict.PARTIAL, 7, dry_run=True)
        found = setbacks_before(connection, "DS1", 1000)
        assert found
        assert found.runs == {Verdict.HELD_BACK: 1, Verdict.PARTIAL: 1}
        assert found.real
        assert setbacks_before(connection, "DS3", 1000) is None
