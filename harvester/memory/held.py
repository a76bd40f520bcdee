"""Deletions that wait for the operator, and those that are released and not done yet.

A kind of section decides which deletions of a pass have to wait. This module counts, shows and
releases them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, select

from shared.store.memory_tables import held_deletion
from shared.store.tables import entity


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldDeletion:
    """One deletion that was held back. ``identifier`` comes from the store in the same database;
    ``run`` was the first to hold it back; if it is ``released``, the next run does it."""

    kind: str
    perm_id: str
    identifier: str
    run: int
    released: bool


def held_back_count(connection: Connection, source: str) -> int:
    """The number of a source's deletions that wait for the operator, without the released ones."""
    query = select(func.count()).select_from(held_deletion).where(_waits(source))
    return int(connection.execute(query).scalar_one())


def held_back(
    connection: Connection, source: str, run: int | None = None, most: int | None = None
) -> list[HeldDeletion]:
    """Deletions that are held back, or released and not done yet, by kind and identifier. With
    ``run``, only those that were held back at its end, by it or by runs before."""
    held = held_deletion.c
    same = and_(entity.c.kind == held.kind, entity.c.perm_id == held.perm_id)
    # A file of the file service is no entity: its path stands in `perm_id`.
    identifier = func.coalesce(entity.c.identifier, held.perm_id).label("identifier")
    query = (
        select(held.kind, held.perm_id, identifier, held.run, held.released)
        .outerjoin_from(held_deletion, entity, same)
        .where(held.source == source)
        .order_by(held.kind, identifier, held.perm_id)
        .limit(most)
    )
    if run is not None:
        query = query.where(held.run <= run)
    return [
        HeldDeletion(
            kind=row.kind,
            perm_id=row.perm_id,
            identifier=row.identifier,
            run=row.run,
            released=row.released,
        )
        for row in connection.execute(query)
    ]


def release(connection: Connection, source: str, run: int) -> dict[str, int]:
    """Release what was held back at the end of a run. Returns the numbers by kind."""
    waited = and_(_waits(source), held_deletion.c.run <= run)
    kind = held_deletion.c.kind
    counts = select(kind, func.count()).where(waited).group_by(kind).order_by(kind)
    number_of = {str(kind): int(number) for kind, number in connection.execute(counts)}
    connection.execute(held_deletion.update().where(waited).values(released=True))
    return number_of


def earliest_waiting(connection: Connection, source: str) -> int | None:
    """The run whose held-back deletions have waited longest."""
    query = select(func.min(held_deletion.c.run)).where(_waits(source))
    run = connection.execute(query).scalar_one()
    return None if run is None else int(run)


def _waits(source: str) -> ColumnElement[bool]:
    return and_(held_deletion.c.source == source, ~held_deletion.c.released)
