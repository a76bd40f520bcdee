"""Items that could not be synchronised: how often they were tried, and when they are tried
again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from shared.errors import ItemError
from shared.store.memory_tables import failed_item
from shared.store.rows import milliseconds, moment

# A little less than half a day, so that a daily run tries again each time at first.
FIRST_PAUSE = timedelta(hours=11)
LONGEST_PAUSE = timedelta(days=7)
# Remembered for one source; what is beyond is found by comparing anyway.
_MOST = 10_000

# Kind and perm id.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedItem:
    """An item that failed and has not succeeded since. It is not tried before ``next_try``."""

    source: str
    kind: str
    perm_id: str
    reason: str
    attempts: int
    first_failed: datetime
    last_failed: datetime
    next_try: datetime


def pause_after(attempts: int) -> timedelta:
    """The pause after this number of failures: none after the first, which may be bad luck; then
    each twice as long as the one before, at most a week."""
    if attempts <= 1:
        return timedelta(0)
    # Ten doublings exceed the longest pause by far; without a limit, a timedelta would overflow.
    doubled: timedelta = FIRST_PAUSE * int(2 ** min(attempts - 2, 10))
    return min(doubled, LONGEST_PAUSE)


def failed_items(connection: Connection, source: str | None = None) -> list[FailedItem]:
    """The failed items by source, kind and perm id."""
    query = select(failed_item).order_by(
        failed_item.c.source, failed_item.c.kind, failed_item.c.perm_id
    )
    if source is not None:
        query = query.where(failed_item.c.source == source)
    return [
        FailedItem(
            source=row.source,
            kind=row.kind,
            perm_id=row.perm_id,
            reason=row.reason,
            attempts=row.attempts,
            first_failed=moment(row.first_failed),
            last_failed=moment(row.last_failed),
            next_try=moment(row.next_try),
        )
        for row in connection.execute(query)
    ]


def remember_failures(
    connection: Connection,
    source: str,
    errors: Iterable[ItemError],
    now: datetime,
    *,
    waiting: Collection[Key] = (),
) -> None:
    """Note the failures of a real pass: ``errors`` failed (again); ``waiting`` were not tried
    because their pause is not over; all other items that failed before have succeeded or are
    gone."""
    known = {(item.kind, item.perm_id): item for item in failed_items(connection, source)}
    failed = {(error.kind, error.perm_id): error for error in errors}
    over = [key for key in known if key not in failed and key not in waiting]
    _forget(connection, source, [*over, *(key for key in failed if key in known)])
    rows = []
    for kind, perm_id in sorted(failed)[:_MOST]:
        error, before = failed[kind, perm_id], known.get((kind, perm_id))
        attempts = before.attempts + 1 if before else 1
        pause = timedelta(0) if error.waits else pause_after(attempts)
        rows.append(
            {
                "source": source,
                "kind": kind,
                "perm_id": perm_id,
                "reason": error.reason,
                "attempts": attempts,
                "first_failed": milliseconds(before.first_failed if before else now),
                "last_failed": milliseconds(now),
                "next_try": milliseconds(now + pause),
            }
        )
    if rows:
        connection.execute(failed_item.insert(), rows)


def retry_now(connection: Connection, source: str, perm_ids: Collection[str] = ()) -> int:
    """End the pauses of some items, or of all; returns the number of items."""
    change = failed_item.update().where(failed_item.c.source == source).values(next_try=0)
    if not perm_ids:
        return connection.execute(change).rowcount
    return sum(
        connection.execute(change.where(failed_item.c.perm_id == perm_id)).rowcount
        for perm_id in perm_ids
    )


def forget_failure(connection: Connection, source: str, kind: str, perm_id: str) -> None:
    """Forget an item that the operator does not want any more."""
    _forget(connection, source, [(kind, perm_id)])


def _forget(connection: Connection, source: str, keys: Collection[Key]) -> None:
    columns = failed_item.c
    for kind, perm_id in keys:
        connection.execute(
            failed_item.delete().where(
                columns.source == source, columns.kind == kind, columns.perm_id == perm_id
            )
        )
