"""The memory of runs: beginning and end of each, its counts, its failures, and its verdict."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Select, func, select

from shared.checkpoints import checkpoint
from shared.errors import ItemError
from shared.store.memory_tables import run, run_count, run_failure
from shared.store.rows import milliseconds, moment

# Kept by name for one run; the rest is in the section's log.
_MOST_FAILURES = 10_000


class Verdict(StrEnum):
    """How a run ended."""

    DONE = "done"
    NOTHING_TO_DO = "nothing to do"
    # Some items failed; all else is done.
    PARTIAL = "partial"
    # Deletions wait for the operator; all else is done.
    HELD_BACK = "held back"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    # The source's answer is no whole resource list.
    UNUSABLE = "unusable"
    CONFLICT = "conflict"
    CONFIG = "config"
    STOPPED = "stopped"
    BUSY = "busy"
    # A fault of the program or the machine.
    FAILED = "failed"
    # The run has no end, and no process works on it.
    KILLED = "killed"


# Source and destination agree after these, unless the run was only rehearsed.
SUCCESSES = frozenset({Verdict.DONE, Verdict.NOTHING_TO_DO})
# All steps were done.
HARVESTED = SUCCESSES | {Verdict.PARTIAL, Verdict.HELD_BACK}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBegin:
    """The beginning of a run. ``worker`` is the process and its machine."""

    source: str
    section: str
    started: datetime
    worker: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """The end of a run. ``counts`` are by kind and action; ``message`` is the last line of the
    log."""

    ended: datetime
    verdict: Verdict
    exit_code: int
    message: str
    at: datetime | None = None
    baseline: bool = False
    bytes: int = 0
    records: int | None = None
    counts: Mapping[tuple[str, str], int]
    failures: Iterable[ItemError] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """The record of a run; ``verdict`` is None while it works."""

    id: int
    source: str
    section: str
    dry_run: bool
    baseline: bool
    started: datetime
    ended: datetime | None
    at: datetime | None
    worker: str
    bytes: int
    records: int | None
    verdict: Verdict | None
    exit_code: int | None
    message: str | None


def begin_run(connection: Connection, begin: RunBegin) -> int:
    """Write the beginning of a run; returns its number."""
    values = {
        "source": begin.source,
        "section": begin.section,
        "dry_run": begin.dry_run,
        "started": milliseconds(begin.started),
        "worker": begin.worker,
    }
    result = connection.execute(run.insert().values(values).returning(run.c.id))
    checkpoint("the run is noted, and about to be committed")
    return int(result.scalar_one())


def end_run(connection: Connection, run_id: int, end: RunEnd) -> None:
    """Write the end of a run."""
    checkpoint("the end of the run is about to be noted")
    connection.execute(
        run.update()
        .where(run.c.id == run_id)
        .values(
            ended=milliseconds(end.ended),
            verdict=end.verdict.value,
            exit_code=end.exit_code,
            message=end.message,
            at=milliseconds(end.at) if end.at else None,
            baseline=end.baseline,
            bytes=end.bytes,
            records=end.records,
        )
    )
    counts = [
        {"run": run_id, "kind": kind, "action": action, "number": number}
        for (kind, action), number in sorted(end.counts.items())
    ]
    if counts:
        connection.execute(run_count.insert(), counts)
    # The primary key allows one row for an item, however often it failed in the run.
    failures = {(e.kind, e.perm_id): e.reason for e in end.failures}
    rows = [
        {"run": run_id, "kind": kind, "perm_id": perm_id, "reason": reason}
        for (kind, perm_id), reason in sorted(failures.items())[:_MOST_FAILURES]
    ]
    if rows:
        connection.execute(run_failure.insert(), rows)
    checkpoint("the end of the run is about to be committed")


def abandon_runs(connection: Connection, source: str, now: datetime) -> list[RunRecord]:
    """Write the end of runs that have none: they were killed. Only the holder of the section's lock
    can know that no process works on them."""
    abandoned = [one for one in find_runs(connection, sources=[source]) if one.ended is None]
    for one in abandoned:
        connection.execute(
            run.update()
            .where(run.c.id == one.id)
            .values(
                ended=milliseconds(now),
                verdict=Verdict.KILLED.value,
                message="killed on the way; the next run went on from there",
            )
        )
    return abandoned


def find_runs(
    connection: Connection, *, sources: Collection[str] | None = None, most: int | None = None
) -> list[RunRecord]:
    """The runs, the latest first; those of all sources if none is named."""
    query = select(run).order_by(run.c.id.desc()).limit(most)
    if sources is not None:
        query = query.where(run.c.source.in_(sources))
    return _records(connection, query)


def find_run(connection: Connection, run_id: int) -> RunRecord | None:
    return next(iter(_records(connection, select(run).where(run.c.id == run_id))), None)


def last_run(
    connection: Connection, source: str, verdicts: Iterable[Verdict] | None = None
) -> RunRecord | None:
    """The latest real run of a source; with verdicts, the latest with one of them."""
    query = select(run).where(run.c.source == source, ~run.c.dry_run)
    if verdicts is not None:
        query = query.where(run.c.verdict.in_([verdict.value for verdict in verdicts]))
    latest = query.order_by(run.c.id.desc()).limit(1)
    return next(iter(_records(connection, latest)), None)


def at_work(connection: Connection, source: str) -> RunRecord | None:
    """The run without an end. It works, or was killed: only the section's lock can tell."""
    query = select(run).where(run.c.source == source, run.c.ended.is_(None))
    return next(iter(_records(connection, query.order_by(run.c.id.desc()).limit(1))), None)


def counts_of(connection: Connection, run_id: int) -> dict[tuple[str, str], int]:
    """The counts of a run by kind and action."""
    query = select(run_count).where(run_count.c.run == run_id)
    return {
        (row.kind, row.action): row.number
        for row in connection.execute(query.order_by(run_count.c.kind, run_count.c.action))
    }


def failures_of(connection: Connection, run_id: int) -> list[ItemError]:
    """The failures of a run by kind and perm id."""
    query = select(run_failure).where(run_failure.c.run == run_id)
    rows = connection.execute(query.order_by(run_failure.c.kind, run_failure.c.perm_id))
    return [ItemError(row.kind, row.perm_id, row.reason) for row in rows]


def failure_count(connection: Connection, run_id: int) -> int:
    query = select(func.count()).select_from(run_failure).where(run_failure.c.run == run_id)
    return int(connection.execute(query).scalar_one())


def latest_list(connection: Connection, source: str) -> datetime | None:
    """The time, by the source's clock, of the list of the latest run that has read one."""
    query = select(run.c.at).where(run.c.source == source, run.c.at.is_not(None))
    return _moment(connection.execute(query.order_by(run.c.id.desc()).limit(1)).scalar())


def forget_runs(connection: Connection, source: str, before: datetime) -> int:
    """Remove the records of runs that ended before a time, but never that of the last success of a
    real run, which gives the age of the data. Returns the number removed."""
    kept = (
        select(func.max(run.c.id))
        .where(
            run.c.source == source,
            ~run.c.dry_run,
            run.c.verdict.in_([v.value for v in HARVESTED]),
        )
        .group_by(run.c.verdict)
    )
    old = (run.c.source == source) & (run.c.ended < milliseconds(before)) & run.c.id.not_in(kept)
    return connection.execute(run.delete().where(old)).rowcount


def _records(connection: Connection, query: Select[Any]) -> list[RunRecord]:
    return [_record(row) for row in connection.execute(query)]


def _record(row: Any) -> RunRecord:
    return RunRecord(
        id=row.id,
        source=row.source,
        section=row.section,
        dry_run=row.dry_run,
        baseline=row.baseline,
        started=moment(row.started),
        ended=_moment(row.ended),
        at=_moment(row.at),
        worker=row.worker,
        bytes=row.bytes,
        records=row.records,
        verdict=Verdict(row.verdict) if row.verdict else None,
        exit_code=row.exit_code,
        message=row.message,
    )


def _moment(time: int | None) -> datetime | None:
    return None if time is None else moment(time)
