"""What each run deleted without the operator's confirmation, so that many small deletions cannot
remove most of what was harvested."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from shared.store.memory_tables import unconfirmed_deletion
from shared.store.rows import milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconfirmed:
    """The unconfirmed deletions of a period; ``largest`` is the greatest number of items before one
    of them."""

    number: int
    largest: int


def note_unconfirmed(
    connection: Connection, source: str, now: datetime, *, number: int, brought: int
) -> None:
    """Note that ``number`` of the ``brought`` items were deleted without confirmation."""
    if number:
        values = {"source": source, "deleted": milliseconds(now)}
        values |= {"number": number, "brought": brought}
        connection.execute(unconfirmed_deletion.insert().values(values))


def unconfirmed_since(connection: Connection, source: str, since: datetime) -> Unconfirmed:
    """The unconfirmed deletions of a source since a time."""
    noted = unconfirmed_deletion.c
    query = select(
        func.coalesce(func.sum(noted.number), 0), func.coalesce(func.max(noted.brought), 0)
    ).where(noted.source == source, noted.deleted >= milliseconds(since))
    number, largest = connection.execute(query).one()
    return Unconfirmed(number=int(number), largest=int(largest))


def forget_unconfirmed(connection: Connection, source: str, before: datetime) -> None:
    noted = unconfirmed_deletion.c
    old = (noted.source == source) & (noted.deleted < milliseconds(before))
    connection.execute(unconfirmed_deletion.delete().where(old))
