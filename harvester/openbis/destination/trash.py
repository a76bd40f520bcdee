"""The trash: what a run deleted stays for a while, so that the operator can restore it. Its rows
lie in tables of their own, its files in a folder of the data store (`shared.store.files`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    TableClause,
    and_,
    column,
    literal,
    select,
    table,
    true,
)

from harvester.openbis.destination.losses import choose_lost, note_snapshot
from shared.model.kinds import Kind
from shared.store import operation_tables as trash
from shared.store import tables
from shared.store.rows import milliseconds, moment
from shared.store.statements import SqlFile, execute, execute_from

_FILE = SqlFile("harvester.openbis.destination", "trash.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashTable:
    """A table with a part of a deleted item. ``kind`` and ``perm_id`` name the columns that
    identify the item; a table without ``kind`` has items of one kind only."""

    stored: Table
    trashed: Table
    perm_id: str
    kind: Kind | None = None


PARTS = (
    TrashTable(stored=tables.entity, trashed=trash.trash_entity, perm_id="perm_id"),
    TrashTable(stored=tables.link, trashed=trash.trash_link, perm_id="from_perm_id"),
    TrashTable(
        stored=tables.data_set_file,
        trashed=trash.trash_data_set_file,
        perm_id="code",
        kind=Kind.DATA_SET,
    ),
    TrashTable(
        stored=tables.content_copy,
        trashed=trash.trash_content_copy,
        perm_id="code",
        kind=Kind.DATA_SET,
    ),
    TrashTable(stored=tables.attachment, trashed=trash.trash_attachment, perm_id="perm_id"),
    TrashTable(
        stored=tables.service_file,
        trashed=trash.trash_service_file,
        perm_id="path",
        kind=Kind.FILE,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """What is still in the trash of the items that one run deleted. ``run`` is None if that run is
    forgotten; ``bytes`` is the size of the files."""

    number: int
    source: str
    section: str
    run: int | None
    deleted: datetime
    counts: dict[str, int]
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashItem:
    """An entity or a file in the trash."""

    kind: str
    perm_id: str
    identifier: str


_plan = table("plan", column("kind"), column("perm_id"), column("action"))
_snapshot = table("snapshot", column("kind"), column("perm_id"))


def discard(connection: Connection, source: str, run: int | None, now: datetime) -> int:
    """Move what the plan calls gone to the trash, and copy what its updates take a part from; note
    the files to follow. Returns the number of the deletion."""
    number = _new_deletion(connection, source, run, now)
    _copy(connection, number, _plan, _plan.c.action == "gone")
    execute_from(connection, _FILE, "move_to_trash", source=source, deletion=number)
    choose_lost(connection)
    _copy_snapshot(connection, number)
    execute(connection, "delete")
    return number


def keep_snapshot(connection: Connection, source: str, run: int | None, now: datetime) -> int:
    """Put a copy of the items in the table ``snapshot``, which stay here, into the trash. Returns
    the number of the deletion."""
    number = _new_deletion(connection, source, run, now)
    _copy_snapshot(connection, number)
    return number


def _new_deletion(connection: Connection, source: str, run: int | None, now: datetime) -> int:
    values = {"source": source, "run": run, "deleted": milliseconds(now)}
    result = connection.execute(
        trash.deletion.insert().values(values).returning(trash.deletion.c.id)
    )
    return int(result.scalar_one())


def pass_over(connection: Connection, numbers: Collection[int]) -> None:
    """Never give these numbers to a deletion. Their folders lie in the trash, perhaps from a
    database that was lost or was restored to an older state; their content belongs to no coming
    deletion."""
    highest = max(numbers, default=0)
    if connection.dialect.name == "postgresql":
        execute_from(connection, _FILE, "pass_over_postgresql", highest=highest)
    else:
        execute_from(connection, _FILE, "pass_over_sqlite", highest=highest)


def _copy_snapshot(connection: Connection, number: int) -> None:
    _copy(connection, number, _snapshot, true())
    note_snapshot(connection, number)


def _copy(
    connection: Connection, number: int, wanted: TableClause, which: ColumnElement[bool]
) -> None:
    """Copy rows of the items in a table of kinds and perm ids."""
    for part in PARTS:
        stored = part.stored
        kind = literal(part.kind.value) if part.kind else stored.c.kind
        same = and_(wanted.c.kind == kind, wanted.c.perm_id == stored.c[part.perm_id], which)
        rows = select(literal(number), *stored.c).join_from(stored, wanted, same)
        names = ["deletion", *(c.name for c in stored.c)]
        connection.execute(part.trashed.insert().from_select(names, rows))


def purge(connection: Connection, numbers: Collection[int]) -> None:
    """Remove deletions for good, and note their files for removal."""
    for number in sorted(numbers):
        execute_from(connection, _FILE, "purge", deletion=number)


def expired(connection: Connection, before: datetime, source: str | None = None) -> list[int]:
    """The numbers of deletions that are older than a time."""
    old = trash.deletion
    query = select(old.c.id).where(old.c.deleted < milliseconds(before)).order_by(old.c.id)
    if source is not None:
        query = query.where(old.c.source == source)
    return list(connection.execute(query).scalars())


def deletions(connection: Connection, source: str | None = None) -> list[Deletion]:
    """All deletions of which something can be restored, the latest first."""
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for number, kind, count in execute_from(connection, _FILE, "deletion_counts"):
        counts[number][kind] = count
    sizes = {n: int(size or 0) for n, size in execute_from(connection, _FILE, "deletion_bytes")}
    return [
        Deletion(
            number=row.id,
            source=row.source,
            section=row.section,
            run=row.run,
            deleted=moment(row.deleted),
            counts=counts[row.id],
            bytes=sizes.get(row.id, 0),
        )
        for row in execute_from(connection, _FILE, "deletions")
        if source in {None, row.source}
    ]


def items(connection: Connection, number: int) -> Iterator[TrashItem]:
    """The items of a deletion that are in the trash, by kind and identifier."""
    for kind, perm_id, identifier in execute_from(connection, _FILE, "items", deletion=number):
        yield TrashItem(kind=kind, perm_id=perm_id, identifier=identifier)
