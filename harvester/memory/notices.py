"""The last notice of each section, and what its runs did not achieve since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from harvester.memory.runs import SUCCESSES, Verdict
from shared.store.memory_tables import notice, run
from shared.store.rows import milliseconds, moment

# How a run ends without a success; one that was killed said nothing about anything.
_MISHAPS = (
    *(Verdict.PARTIAL, Verdict.HELD_BACK, Verdict.UNREACHABLE, Verdict.REFUSED),
    *(Verdict.UNUSABLE, Verdict.CONFLICT, Verdict.CONFIG, Verdict.STOPPED, Verdict.FAILED),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice of bad news that was sent. The same news has the same ``fingerprint``."""

    fingerprint: str
    sent: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Setbacks:
    """The runs after the last success. ``since`` is the beginning of the first of them; ``real``
    says that not all of them were dry runs."""

    since: datetime
    runs: Mapping[Verdict, int]
    real: bool


def last_notice(connection: Connection, source: str) -> Notice | None:
    """None if there is no bad news, or no notice was sent."""
    row = connection.execute(select(notice).where(notice.c.source == source)).first()
    return Notice(fingerprint=row.fingerprint, sent=moment(row.sent)) if row else None


def remember_notice(connection: Connection, source: str, told: Notice) -> None:
    forget_notice(connection, source)
    connection.execute(
        notice.insert().values(
            source=source, fingerprint=told.fingerprint, sent=milliseconds(told.sent)
        )
    )


def forget_notice(connection: Connection, source: str) -> None:
    connection.execute(notice.delete().where(notice.c.source == source))


def setbacks_before(connection: Connection, source: str, run_id: int) -> Setbacks | None:
    """The setbacks between a run and the success before it; None if there were none."""
    successes = [verdict.value for verdict in SUCCESSES]
    last_success = (
        select(func.coalesce(func.max(run.c.id), 0))
        .where(run.c.source == source, run.c.id < run_id, run.c.verdict.in_(successes))
        .scalar_subquery()
    )
    query = (
        select(
            run.c.verdict,
            func.count().label("number"),
            func.min(run.c.started).label("since"),
            func.sum(case((run.c.dry_run, 0), else_=1)).label("real"),
        )
        .where(run.c.source == source, run.c.id > last_success, run.c.id < run_id)
        .where(run.c.verdict.in_([verdict.value for verdict in _MISHAPS]))
        .group_by(run.c.verdict)
        .order_by(run.c.verdict)
    )
    rows = connection.execute(query).all()
    if not rows:
        return None
    return Setbacks(
        since=moment(min(row.since for row in rows)),
        runs={Verdict(row.verdict): row.number for row in rows},
        real=any(row.real for row in rows),
    )
