"""The state of each data source that is harvested into the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, func, select

from shared.model.kinds import Kind
from shared.model.unknown import Part, Reason
from shared.store import tables
from shared.store.rows import milliseconds, moment, to_unknown


def start_source(connection: Connection, name: str, url: str, started: datetime) -> None:
    """A real pass begins: from now on, rows with times before its end may be committed."""
    table = tables.source
    values = {"url": url, "running_since": milliseconds(started)}
    known = connection.execute(table.update().where(table.c.name == name).values(values))
    if known.rowcount == 0:
        connection.execute(table.insert().values(name=name, **values))


def finish_source(connection: Connection, name: str, at: datetime | None) -> None:
    """A real pass has ended; ``at`` is the list's, or None if something is missing."""
    table = tables.source
    change = table.update().where(table.c.name == name)
    if at is not None:
        change = change.values(at=milliseconds(at), running_since=None)
    else:  # until it has succeeded once, its beginning counts
        change = change.where(table.c.at.is_not(None)).values(running_since=None)
    connection.execute(change)


def low_water_mark(connection: Connection) -> datetime | None:
    """The time before which no further rows can be committed; None without sources.

    A harvest writes the times of its source: changes there after the last list's ``at`` are still
    to come. For a source that never succeeded its beginning counts.
    """
    table = tables.source
    mark = connection.execute(
        select(func.min(func.coalesce(table.c.at, table.c.running_since)))
    ).scalar()
    return None if mark is None else moment(mark)


def stored_unknown(connection: Connection, source: str) -> Counter[tuple[Part, Reason]]:
    """What never came of the entities of a source."""
    entity = tables.entity
    query = (
        select(entity.c.unknown, func.count())
        .where(entity.c.source == source, entity.c.unknown.is_not(None))
        .group_by(entity.c.unknown)
    )
    found: Counter[tuple[Part, Reason]] = Counter()
    for marks, number in connection.execute(query):
        for key in {(mark.part, mark.reason) for mark in to_unknown(marks)}:
            found[key] += number
    return found


def known_data_sets(connection: Connection, codes: Iterable[str]) -> set[str]:
    """Those of these data sets that exist, of whatever source."""
    entity = tables.entity
    query = select(entity.c.perm_id).where(
        entity.c.kind == Kind.DATA_SET, entity.c.perm_id.in_(list(codes))
    )
    return set(connection.execute(query).scalars())


def spaces_from(connection: Connection, source: str) -> set[str]:
    """The codes of the spaces that a source brought."""
    entity = tables.entity
    query = select(entity.c.code).where(entity.c.kind == Kind.SPACE, entity.c.source == source)
    return set(connection.execute(query).scalars())
