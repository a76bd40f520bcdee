"""The files that a section has brought, one by one, from the rows of the store.

They are read in pages, each in its own transaction: checking all of them may take hours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Column, ColumnElement, Connection, Select, select, tuple_

from shared.model.kinds import DataSetKind, Kind
from shared.store.engine import viewing
from shared.store.incoming_tables import service_files as incoming
from shared.store.tables import attachment, data_set_file, entity, service_file
from shared.verification import Expected

_PAGE = 1_000

# Kind and perm id; of a file of the file service, its path.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A file of a data set (``name`` is its path), a version of an attachment of a holder, or a
    file of the file service. ``sha256`` names the content of an attachment; ``modified`` is the
    time that a file of AFS data has at its source, in milliseconds. ``is_folder``: an empty folder
    of AFS data."""

    kind: str
    perm_id: str
    name: str
    expected: Expected
    sha256: str | None = None
    modified: int | None = None
    is_folder: bool = False

    @property
    def key(self) -> Key:
        return self.kind, self.perm_id


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sort:
    """One of the sorts of files. ``order`` are the columns that distinguish its rows;
    ``perm_id`` and ``kind`` name the entity of a row."""

    query: Select[Any]
    owner: Column[Any]
    order: tuple[Column[Any], ...]
    perm_id: Column[Any]
    read: Callable[[Any], Iterable[Brought]]
    kind: Column[Any] | Kind

    def of(self, keys: Collection[Key]) -> ColumnElement[bool] | None:
        """Which rows are of these; None if none can be."""
        if isinstance(self.kind, Kind):
            codes = [perm_id for kind, perm_id in keys if kind == self.kind]
            return self.perm_id.in_(codes) if codes else None
        return tuple_(self.kind, self.perm_id).in_(list(keys))


def brought(
    connection: Connection, source: str, only: Collection[Key] | None = None
) -> Iterator[Brought]:
    """All files that a section has brought, or only those of some entities."""
    if only is None:
        for sort in _SORTS:
            yield from _pages(connection, sort, sort.query.where(sort.owner == source))
        return
    keys = sorted(only)
    for begin in range(0, len(keys), _PAGE):
        for sort in _SORTS:
            wanted = sort.of(keys[begin : begin + _PAGE])
            if wanted is not None:
                query = sort.query.where(sort.owner == source, wanted)
                yield from _pages(connection, sort, query)


def still_here(connection: Connection, source: str, keys: Collection[Key]) -> set[Key]:
    """Those of these items that a section still has. The caller opens the transaction."""
    found: set[Key] = set()
    wanted = sorted(keys)
    for begin in range(0, len(wanted), _PAGE):
        some = wanted[begin : begin + _PAGE]
        mine, file = entity.c.source == source, service_file.c
        query = select(entity.c.kind, entity.c.perm_id)
        for row in connection.execute(query.where(mine, tuple_(*query.selected_columns).in_(some))):
            found.add((row.kind, row.perm_id))
        paths = [perm_id for kind, perm_id in some if kind == Kind.FILE]
        of_files = select(file.path).where(file.source == source, file.path.in_(paths))
        found.update((Kind.FILE.value, path) for path in connection.execute(of_files).scalars())
    return found


def service_files_again(connection: Connection, source: str, keys: Collection[Key]) -> list[Any]:
    """Files of the file service, among these, that a section has and that the list has with the
    same content; rows like those of the query ``service_files``. The caller opens the
    transaction."""
    here, listed = service_file.c, incoming.c
    paths = sorted(perm_id for kind, perm_id in keys if kind == Kind.FILE)
    query = (
        select(
            *(listed.path, listed.modified, listed.length, listed.sha256, listed.href),
            here.source.label("owner"),
            here.sha256.label("stored_sha256"),
        )
        .join_from(
            service_file, incoming, (listed.path == here.path) & (listed.sha256 == here.sha256)
        )
        .where(here.source == source)
        .order_by(listed.path)
    )
    found: list[Any] = []
    for begin in range(0, len(paths), _PAGE):
        some = here.path.in_(paths[begin : begin + _PAGE])
        found.extend(connection.execute(query.where(some)).all())
    return found


def _pages(connection: Connection, sort: _Sort, query: Select[Any]) -> Iterator[Brought]:
    query = query.order_by(*sort.order).limit(_PAGE)
    page = query
    while True:
        with viewing(connection):
            rows = connection.execute(page).all()
        for row in rows:
            yield from sort.read(row)
        if len(rows) < _PAGE:
            return
        last = tuple(getattr(rows[-1], column.name) for column in sort.order)
        # The last key, not a number of rows, says where the next page begins: rows may come and go
        # between the transactions.
        page = query.where(tuple_(*sort.order) > last)


def _of_data_set(row: Any) -> Iterator[Brought]:
    yield Brought(
        kind=Kind.DATA_SET,
        perm_id=row.code,
        name=row.path,
        expected=Expected(length=row.length, crc32=row.crc32, checksum=row.checksum),
        modified=row.modified,
    )


def _empty_folders(row: Any) -> Iterator[Brought]:
    for path in orjson.loads(row.afs):
        yield Brought(
            kind=Kind.DATA_SET,
            perm_id=row.perm_id,
            name=path,
            expected=Expected(),
            is_folder=True,
        )


def _of_holder(row: Any) -> Iterator[Brought]:
    yield Brought(
        kind=row.kind,
        perm_id=row.perm_id,
        name=f"attachment {row.file_name} (version {row.version})",
        expected=Expected(length=row.length, sha256=row.sha256),
        sha256=row.sha256,
    )


def _of_service(row: Any) -> Iterator[Brought]:
    expected = Expected(length=row.length, sha256=row.sha256)
    yield Brought(kind=Kind.FILE, perm_id=row.path, name="", expected=expected)


_of_file = entity.c.perm_id == data_set_file.c.code
_of_version = (entity.c.kind == attachment.c.kind) & (entity.c.perm_id == attachment.c.perm_id)

_SORTS = (
    _Sort(
        query=select(attachment).join(entity, _of_version).where(attachment.c.sha256.is_not(None)),
        owner=entity.c.source,
        order=(
            *(attachment.c.kind, attachment.c.perm_id),
            *(attachment.c.file_name, attachment.c.version),
        ),
        kind=attachment.c.kind,
        perm_id=attachment.c.perm_id,
        read=_of_holder,
    ),
    _Sort(
        query=select(service_file),
        owner=service_file.c.source,
        order=(service_file.c.path,),
        kind=Kind.FILE,
        perm_id=service_file.c.path,
        read=_of_service,
    ),
    _Sort(
        query=select(data_set_file)
        .join(entity, _of_file)
        .where(
            entity.c.kind == Kind.DATA_SET.value,
            entity.c.data_set_kind == DataSetKind.PHYSICAL.value,
        ),
        owner=entity.c.source,
        order=(data_set_file.c.code, data_set_file.c.path),
        kind=Kind.DATA_SET,
        perm_id=data_set_file.c.code,
        read=_of_data_set,
    ),
    _Sort(
        query=select(entity).where(
            entity.c.kind == Kind.DATA_SET.value, entity.c.afs.is_not(None), entity.c.afs != "[]"
        ),
        owner=entity.c.source,
        order=(entity.c.perm_id,),
        kind=Kind.DATA_SET,
        perm_id=entity.c.perm_id,
        read=_empty_folders,
    ),
)
