"""The incoming tables: the content of a resource list in temporary tables.

They are filled once per run, before the passes, and both passes read them; so the rehearsal and the
real pass work on the same data. They end with the connection (on SQLite: `shared.store.scratch`),
unless they are kept for the next run (`shared.store.kept_list`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Table, select, text
from sqlalchemy.schema import CreateIndex, CreateTable

from shared.errors import ItemError
from shared.model.entities import Entity, FileNode, ServiceFile
from shared.model.kinds import Kind
from shared.model.limits import LENGTH, entity_excess, service_file_excess
from shared.model.unknown import Unknown
from shared.store import kept_rows
from shared.store.bulk import insert_rows
from shared.store.doubles import SetApart, set_double_files_apart
from shared.store.files import folder_name
from shared.store.incoming_completion import complete
from shared.store.incoming_tables import (
    INDEXES,
    TEMPORARY,
    attachments,
    copies,
    entities,
    faults,
    files,
    links,
    service_files,
    unknown,
)
from shared.store.kept_rows import ReadInFullError, Resumed
from shared.store.rows import (
    attachment_rows,
    copy_rows,
    entity_row,
    file_rows,
    link_rows,
    milliseconds,
    to_file,
)

# Entities that are held before they are written; with 10 properties about 1 MB.
_BATCH = 500


class Incoming:
    """Fills the incoming tables of one connection. Add everything, then `finish`.

    Unless the caller has opened a transaction, each batch has one of its own: a list may take
    hours, and a transaction open so long blocks others (`VACUUM`, the low-water mark of lists
    published from the same server).

    With ``kept``, the tables are to be kept for the next run. ``resumed`` are those of the last
    run: what is gone since then is dropped, what is new is added, and the rest stays as it is.
    """

    def __init__(
        self, connection: Connection, *, kept: bool = False, resumed: Resumed | None = None
    ) -> None:
        self._connection = connection
        self._kept = kept
        self._resumed = resumed
        self._buffers: dict[Table, list[Any]] = {t: [] for t in TEMPORARY.sorted_tables}
        # Of the last entity that was added.
        self.position = resumed.position if resumed else 0
        # Of all contents; with what is gone since the last run.
        self.bytes = resumed.bytes if resumed else 0
        if resumed is None:
            with self._transaction():
                self._create()

    def _create(self) -> None:
        for table in TEMPORARY.sorted_tables:
            self._connection.execute(text(f"DROP TABLE IF EXISTS {table.name}"))
            self._connection.execute(CreateTable(table))
        if self._kept:
            kept_rows.create(self._connection)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        if self._connection.in_transaction():
            yield
        else:
            with self._connection.begin():
                yield

    def add(self, entity: Entity) -> None:
        """Raises `ItemError` if the entity cannot be stored; then no part of it is."""
        _refuse(entity.kind, entity.perm_id, entity_excess(entity))
        row = entity_row(entity)
        if entity.kind is Kind.DATA_SET:
            _check_code(entity)
        if entity.files or entity.attachments:
            self._add_up(entity.kind, entity.perm_id, _bytes_of(entity))
        self.position += 1
        self._buffers[entities].append((*row, self.position))
        self._buffers[links].extend((*row, self.position) for row in link_rows(entity))
        if entity.files:
            hrefs = {file.path: file.href for file in entity.files}
            self._buffers[files].extend(
                (*row, hrefs[row[1]], self.position) for row in file_rows(entity)
            )
        if entity.content_copies:
            self._buffers[copies].extend((*row, self.position) for row in copy_rows(entity))
        if entity.attachments:
            hrefs_of_versions = [v.href for a in entity.attachments for v in a.versions]
            rows = zip(attachment_rows(entity), hrefs_of_versions, strict=True)
            self._buffers[attachments].extend((*row, href, self.position) for row, href in rows)
        for mark in entity.unknown:
            key = (entity.kind.value, entity.perm_id)
            self._buffers[unknown].append((*key, mark.part, mark.reason, self.position))
        if self.position % _BATCH == 0 or len(self._buffers[files]) > _BATCH:
            self._flush()

    def add_service_file(self, file: ServiceFile) -> None:
        """Raises `ItemError` if it cannot be stored."""
        _refuse(Kind.FILE, file.path, service_file_excess(file))
        self._add_up(Kind.FILE, file.path, file.length)
        self._buffers[service_files].append(
            (
                *(file.path, milliseconds(file.modified), file.length, file.sha256),
                *(file.href, file.content),
            )
        )
        if file.content is not None:
            self._flush()

    def add_unknown(self, marks: Iterable[Unknown]) -> None:
        """Adds parts of the whole list that its source cannot show now."""
        self._buffers[unknown].extend((Kind.FILE, "", m.part, m.reason, None) for m in marks)

    def add_fault(self, kind: str, perm_id: str) -> None:
        """Adds a record of the list that could not be read: its entity must not count as gone."""
        self._buffers[faults].append((kind, perm_id))

    def finish(self, gone: Iterable[int] = ()) -> SetApart:
        """Writes the last batch, drops what is ``gone`` (positions) since the last run, builds the
        indexes, and completes what depends on the whole list. Returns what the list has twice,
        which does not count. Raises `ReadInFullError` if only the whole list tells more of that."""
        self._flush()
        with self._transaction():
            return self._complete(gone)

    def _complete(self, gone: Iterable[int]) -> SetApart:
        if self._resumed is None:
            for index in INDEXES:
                self._connection.execute(CreateIndex(index))
            self._analyse()
        elif self._is_as_before(gone, self._resumed):
            return self._checked(set_double_files_apart(self._connection))
        if self._kept:
            kept_rows.watch(self._connection)
        doubles = complete(self._connection)
        self._analyse()
        return self._checked(doubles)

    def _is_as_before(self, gone: Iterable[int], resumed: Resumed) -> bool:
        dropped = kept_rows.drop(self._connection, gone, resumed.position)
        if not dropped and self.position == resumed.position:
            kept_rows.watch(self._connection)
            return True
        kept_rows.clear_references(self._connection)
        return False

    def _checked(self, doubles: SetApart) -> SetApart:
        if self._resumed and doubles.records:
            raise ReadInFullError("the list has something twice")
        return doubles

    def _analyse(self) -> None:
        if self._connection.dialect.name == "postgresql":
            for table in TEMPORARY.sorted_tables:
                self._connection.execute(text(f"ANALYZE {table.name}"))

    def _add_up(self, kind: Kind, perm_id: str, length: int) -> None:
        """Checks the total size, so that no sum over the rows overflows."""
        if self.bytes + length > LENGTH:
            if self._resumed:
                raise ReadInFullError("its contents may be too large")
            reason = (
                f"its files have {length:,} bytes; with what the list has before, that is over "
                f"{LENGTH:,} bytes"
            )
            raise ItemError(kind, perm_id, reason)
        self.bytes += length

    def _flush(self) -> None:
        if not any(self._buffers.values()):
            return
        with self._transaction():
            for table, rows in self._buffers.items():
                if rows:
                    insert_rows(self._connection, table, rows)
                    rows.clear()


def _refuse(kind: Kind, perm_id: str, excess: str | None) -> None:
    if excess:
        raise ItemError(kind, perm_id, excess)


def _bytes_of(entity: Entity) -> int:
    versions = (version for attachment in entity.attachments for version in attachment.versions)
    return sum(f.length for f in entity.files) + sum(v.length or 0 for v in versions)


def _check_code(data_set: Entity) -> None:
    try:
        folder_name(data_set.code)
    except ValueError as error:
        raise ItemError(data_set.kind, data_set.perm_id, str(error)) from error


def service_file_content(connection: Connection, path: str) -> bytes | None:
    """The bytes of a file of the file service, if they were in the list."""
    query = select(service_files.c.content).where(service_files.c.path == path)
    return connection.execute(query).scalars().first()


def data_set_files(connection: Connection, code: str) -> tuple[FileNode, ...]:
    """The list's entries for the files of a data set, by path."""
    query = select(files).where(files.c.code == code).order_by(files.c.path)
    return tuple(
        replace(to_file(row[1:]), href=row.href) for row in connection.execute(query).all()
    )
