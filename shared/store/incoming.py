"""The incoming tables: the content of a resource list in temporary tables.

They are filled once per run, before the passes, and both passes read them; so the rehearsal and the
real pass work on the same data. They end with the connection (on SQLite: `shared.store.scratch`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    select,
    text,
)
from sqlalchemy.schema import CreateIndex, CreateTable

from shared.errors import ItemError
from shared.model.entities import Entity, FileNode, ServiceFile
from shared.model.kinds import Kind
from shared.model.limits import LENGTH, entity_excess, service_file_excess
from shared.model.unknown import Unknown
from shared.store import scratch, tables
from shared.store.bulk import insert_rows
from shared.store.doubles import SetApart, set_doubles_apart
from shared.store.files import folder_name
from shared.store.identity import refer
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

_temporary = MetaData(schema=scratch.SCHEMA)


def _incoming(stored: Table, *more: Column[Any], drop: tuple[str, ...] = ()) -> Table:
    columns = [
        Column(c.name, c.type, nullable=c.nullable) for c in stored.columns if c.name not in drop
    ]
    return Table(f"incoming_{stored.name}", _temporary, *columns, *more)


entities = _incoming(
    tables.entity,
    Column("position", BigInteger),
    drop=("source", "source_modified", *tables.REFERENCES),
)
links = _incoming(tables.link, Column("position", BigInteger))
files = _incoming(tables.data_set_file, Column("href", Text), Column("position", BigInteger))
copies = _incoming(tables.content_copy, Column("position", BigInteger))
attachments = _incoming(tables.attachment, Column("href", Text), Column("position", BigInteger))
service_files = _incoming(
    tables.service_file, Column("href", Text), Column("content", LargeBinary), drop=("source",)
)
unknown = Table(
    "incoming_unknown",
    _temporary,
    Column("kind", Text),
    Column("perm_id", Text),
    Column("part", Text),
    Column("reason", Text),
    Column("position", BigInteger),
)
faults = Table(
    "incoming_fault",
    _temporary,
    Column("kind", Text),
    Column("perm_id", Text),
)
# Places of entities, by perm id. A separate table, so that no row of a list is written twice.
references = Table(
    "incoming_reference",
    _temporary,
    Column("kind", tables.KEY, nullable=False),
    Column("perm_id", tables.KEY, nullable=False),
    *(Column(name, tables.KEY) for name in tables.REFERENCES),
)
# References that lead out of the list.
outward = Table(
    "incoming_outward",
    _temporary,
    Column("kind", tables.KEY, nullable=False),
    Column("perm_id", tables.KEY, nullable=False),
    Column("target_kind", tables.KEY, nullable=False),
    Column("target", tables.KEY, nullable=False, comment="its identifier"),
    Column("found", tables.KEY, comment="its perm id, if it is certain who is meant"),
)
_INDEXES = (
    Index("incoming_entity_key", entities.c.kind, entities.c.perm_id),
    Index("incoming_entity_identifier", entities.c.kind, entities.c.identifier),
    Index("incoming_link_from", links.c.kind, links.c.from_perm_id),
    Index("incoming_link_to", links.c.kind, links.c.to_perm_id),
    Index("incoming_file_code", files.c.code),
    Index("incoming_copy_code", copies.c.code),
    Index("incoming_attachment_key", attachments.c.kind, attachments.c.perm_id),
    Index("incoming_service_file_path", service_files.c.path),
    Index("incoming_reference_key", references.c.kind, references.c.perm_id),
    Index("incoming_outward_key", outward.c.kind, outward.c.perm_id),
    Index("incoming_unknown_key", unknown.c.kind, unknown.c.perm_id),
)


class Incoming:
    """Fills the incoming tables of one connection. Add everything, then `finish`.

    Unless the caller has opened a transaction, each batch has one of its own: a list may take
    hours, and a transaction open so long blocks others (`VACUUM`, the low-water mark of lists
    published from the same server).
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._buffers: dict[Table, list[Any]] = {}
        self._position = 0
        self._bytes = 0
        with self._transaction():
            for table in _temporary.sorted_tables:
                connection.execute(text(f"DROP TABLE IF EXISTS {table.name}"))
                connection.execute(CreateTable(table))
                self._buffers[table] = []

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
        self._position += 1
        self._buffers[entities].append((*row, self._position))
        self._buffers[links].extend((*row, self._position) for row in link_rows(entity))
        if entity.files:
            hrefs = {file.path: file.href for file in entity.files}
            self._buffers[files].extend(
                (*row, hrefs[row[1]], self._position) for row in file_rows(entity)
            )
        if entity.content_copies:
            self._buffers[copies].extend((*row, self._position) for row in copy_rows(entity))
        if entity.attachments:
            hrefs_of_versions = [v.href for a in entity.attachments for v in a.versions]
            rows = zip(attachment_rows(entity), hrefs_of_versions, strict=True)
            self._buffers[attachments].extend((*row, href, self._position) for row, href in rows)
        for mark in entity.unknown:
            key = (entity.kind.value, entity.perm_id)
            self._buffers[unknown].append((*key, mark.part, mark.reason, self._position))
        if self._position % _BATCH == 0 or len(self._buffers[files]) > _BATCH:
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

    def finish(self) -> SetApart:
        """Writes the last batch, builds the indexes, and completes what depends on the whole list.
        Returns what the list has twice, which does not count."""
        self._flush()
        with self._transaction():
            return self._complete()

    def _complete(self) -> SetApart:
        for index in _INDEXES:
            self._connection.execute(CreateIndex(index))
        self._analyse()
        self._connection.execute(text(_COMPONENT_IDENTIFIERS))
        self._connection.execute(text(_AFS_OWNERS))
        doubles = set_doubles_apart(self._connection)
        self._connection.execute(text(_DATA_SET_HOMES))
        refer(self._connection)
        self._analyse()
        return doubles

    def _analyse(self) -> None:
        if self._connection.dialect.name == "postgresql":
            for table in _temporary.sorted_tables:
                self._connection.execute(text(f"ANALYZE {table.name}"))

    def _add_up(self, kind: Kind, perm_id: str, length: int) -> None:
        """Checks the total size, so that no sum over the rows overflows."""
        if self._bytes + length > LENGTH:
            reason = (
                f"its files have {length:,} bytes; with what the list has before, that is over "
                f"{LENGTH:,} bytes"
            )
            raise ItemError(kind, perm_id, reason)
        self._bytes += length

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


_COMPONENT_IDENTIFIERS = """
UPDATE incoming_entity
   SET identifier = substr(incoming_entity.identifier, 1,
                           length(incoming_entity.identifier) - length(incoming_entity.code))
                    || container.code || ':' || incoming_entity.code
  FROM incoming_link AS l
  JOIN incoming_entity AS container ON container.kind = 'SAMPLE'
                                   AND container.perm_id = l.from_perm_id
 WHERE l.kind = 'SAMPLE' AND l.relation = 'Component'
   AND l.to_perm_id = incoming_entity.perm_id AND incoming_entity.kind = 'SAMPLE'
"""

# The entry of a component does not say in which container it lies, nor do the AFS data in it.
_AFS_OWNERS = """
UPDATE incoming_entity SET sample = owner.identifier
  FROM incoming_entity AS owner
 WHERE incoming_entity.kind = 'DATA_SET' AND incoming_entity.afs IS NOT NULL
   AND incoming_entity.sample IS NOT NULL
   AND owner.kind = 'SAMPLE' AND owner.perm_id = incoming_entity.perm_id
"""

_DATA_SET_HOMES = """
UPDATE incoming_entity SET home_project = owner.home_project
  FROM incoming_entity AS owner
 WHERE incoming_entity.kind = 'DATA_SET' AND incoming_entity.experiment IS NULL
   AND owner.kind = 'SAMPLE' AND owner.identifier = incoming_entity.sample
"""
