"""Tells what has changed in an openBIS database (`source_server.publication.changes`).

Each look at the database becomes a state that is kept beside it (`kept_states`); two states are
compared. Rows are compared by the transactions that wrote them (`queries_changes`), files by what
lists show of them.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import DBAPIError

from shared.model.entities import Entity
from shared.model.kinds import Kind
from source_server.catalogues.openbis import (
    queries_afs,
    queries_mentions,
    queries_spreading,
    scopes,
)
from source_server.catalogues.openbis import queries_changes as queries
from source_server.catalogues.openbis.afs import AfsData
from source_server.catalogues.openbis.connect import connected
from source_server.catalogues.openbis.file_digests import (
    digest_of,
    digest_of_entity,
    digest_without_files,
)
from source_server.catalogues.openbis.files import FileLists
from source_server.catalogues.openbis.kept_states import KeptStates, Look, Seen, State
from source_server.catalogues.openbis.schema import Dialect
from source_server.catalogues.openbis.scopes import array_of
from source_server.catalogues.openbis.state_changes import changes_between
from source_server.publication.catalogue import Scope
from source_server.publication.changes import Change, CursorError
from source_server.publication.service_files import mentions_in

_LOG = logging.getLogger(__name__)

_ROWS = 5_000
# Data sets whose files are looked at together, as in lists.
_DATA_SETS = 250

# Share of the buckets above which all are asked for.
_MOST = 0.25

# For the few large queries of a look. Aggregates of a million rows fit into this memory.
_SETTINGS = ("set local cursor_tuple_fraction = 1", "set local work_mem = '64MB'")
_AS_BEFORE = ("set local cursor_tuple_fraction to default", "set local work_mem to default")


class StateTaker:
    """Looks at an openBIS database as a transaction sees it, and keeps what it saw."""

    def __init__(
        self, kept: KeptStates, file_lists: FileLists, afs: AfsData, service_root: Path | None
    ) -> None:
        self._kept = kept
        self._file_lists = file_lists
        self._afs = afs
        self._service_root = service_root

    def state(self, connection: Connection, dialect: Dialect) -> State | None:
        """The state of the database; None, with a warning, if it cannot be had."""
        try:
            with connection.begin_nested(), self._kept.look() as look:
                return self._looked(look, connection, dialect)
        except (sqlite3.Error, OSError) as error:
            _LOG.warning("changes cannot be told: %s: %s", self._kept.path, error)
        except DBAPIError as error:
            reason = str(error.orig).strip().splitlines()[0]
            _LOG.warning("changes cannot be told, since openBIS's database says: %s", reason)
        return None

    def _looked(self, look: Look, connection: Connection, dialect: Dialect) -> State | None:
        if not _begin(look, connection, dialect):
            return None
        for setting in _SETTINGS:
            connection.exec_driver_sql(setting)
        _look_at_definitions(look, connection, dialect)
        _look_at_places(look, connection, dialect)
        for kind, in_buckets in queries.in_buckets_at(dialect.version).items():
            _look_into_buckets(look, connection, dialect, kind, in_buckets)
        self._look_at_data_sets(look, connection, dialect)
        look.looks_at(queries_mentions.DEFINITIONS)
        for name, query in queries_mentions.WHOLE.items():
            _look_for_mentions(look, connection, dialect, name, query)
        for setting in _AS_BEFORE:
            connection.exec_driver_sql(setting)
        if not look.is_first():
            _spread(look, connection, dialect)
        return look.state(self._service_root)

    def _look_at_data_sets(self, look: Look, connection: Connection, dialect: Dialect) -> None:
        look.looks_at(Kind.DATA_SET.value)
        for page in _pages(connection, dialect, queries.DATA_SETS, size=_DATA_SETS):
            listed = self._file_lists.of_page(page)
            look.add(
                Seen(Kind.DATA_SET.value, *row[:8], files=digest_of(each.files, each.unknown))
                for row, each in zip(page, listed, strict=True)
            )
        if dialect.version >= queries_afs.FIRST:
            self._look_at_afs_data(look, connection, dialect)

    def _look_at_afs_data(self, look: Look, connection: Connection, dialect: Dialect) -> None:
        scope = Scope(spaces=frozenset(scopes.space_codes(connection, dialect)))
        window = scopes.window_of(connection, dialect, scope)
        listed: dict[str, tuple[int, int]] = {}
        for entity in self._afs.all(connection, dialect, window):
            listed[entity.perm_id] = digest_without_files(entity), digest_of_entity(entity)
        look.looks_at(queries.AFS)
        for page in _pages(connection, dialect, queries.AFS_HOMES):
            look.add(_afs(row, *listed[row.perm_id]) for row in page if row.perm_id in listed)


def _look_at_definitions(look: Look, connection: Connection, dialect: Dialect) -> None:
    for name, query in queries_spreading.definitions_at(dialect.version).items():
        look.looks_at(name)
        for page in _pages(connection, dialect, query):
            look.add(Seen(kind=name, id=row.id, shown=row.shown) for row in page)
    look.definitions_are_compared()


def _look_at_places(look: Look, connection: Connection, dialect: Dialect) -> None:
    for kind, query in ((Kind.SPACE, queries.SPACES), (Kind.PROJECT, queries.PROJECTS)):
        look.looks_at(kind.value)
        for page in _pages(connection, dialect, query):
            look.add(Seen(kind.value, *row) for row in page)


def _look_into_buckets(
    look: Look, connection: Connection, dialect: Dialect, kind: Kind, asked: queries.InBuckets
) -> None:
    """Look at the entities of those buckets whose sums have changed."""
    sums = {row.bucket: row.sum for row in connection.execute(dialect(asked.sums))}
    numbers = look.differing(kind.value, sums)
    ids = [range(each * queries.BUCKET, (each + 1) * queries.BUCKET) for each in numbers]
    look.looks_at(kind.value, ids)
    if not ids:
        return
    is_most = len(ids) > len(sums) * _MOST
    chosen = {} if is_most else {"ids": array_of(chain.from_iterable(ids))}
    query = asked.all if is_most else asked.some
    for page in _pages(connection, dialect, query, chosen):
        look.add(Seen(kind.value, *r) for r in page if r.id // queries.BUCKET in numbers)
    _look_for_mentions(
        look, connection, dialect, kind.value, queries_mentions.IN_BUCKETS[kind], chosen.get("ids")
    )


def _look_for_mentions(
    look: Look,
    connection: Connection,
    dialect: Dialect,
    kind: str,
    query: str,
    ids: str | None = None,
) -> None:
    statement = dialect(query)
    chosen = {"ids": ids} if "ids" in statement.compile().params else {}
    for number, content in connection.execute(statement, chosen):
        look.add_mentions(kind, ((number, path) for path in mentions_in([content])))


def _afs(row: Row[Any], version: int, files: int) -> Seen:
    return Seen(
        kind=queries.AFS,
        id=row.id,
        perm_id=row.perm_id,
        space=row.space,
        project=row.project,
        lone=row.lone,
        version=version,
        files=files,
    )


def _begin(look: Look, connection: Connection, dialect: Dialect) -> bool:
    """Whether this server can be looked at. The instance is asked for by a connection of its own,
    since a snapshot does not know the present."""
    with connected(connection.engine) as now:
        row = now.execute(text(queries.INSTANCE)).one()
        control = now.execute(text(queries.CONTROL)).one() if row.sees_control else ()
    if row.server < queries.OLDEST_SERVER:
        _LOG.warning("changes cannot be told: they need PostgreSQL 11 or later")
        return False
    instance = [dialect.version, row.started, row.database, row.tables, *control]
    look.begin(repr(instance), row.next)
    return True


def _pages(
    connection: Connection,
    dialect: Dialect,
    query: str,
    chosen: Mapping[str, str] = MappingProxyType({}),
    *,
    size: int = _ROWS,
) -> Iterator[Sequence[Row[Any]]]:
    with connection.execute(
        dialect(query), dict(chosen), execution_options={"yield_per": size}
    ) as result:
        yield from result.partitions(size)


def _spread(look: Look, connection: Connection, dialect: Dialect) -> None:
    """Count as changed the entities whose entries name an entity that was moved, made or
    removed."""
    moved = look.moved()
    for way in queries_spreading.ways_at(dialect.version):
        ids = moved.get(way.of.value)
        if not ids:
            continue
        found = connection.execute(dialect(way.query), {"ids": array_of(ids)}).scalars().all()
        look.touch(way.to.value, found)
        if way.goes_on:
            moved.setdefault(way.to.value, set()).update(found)


class Shown:
    """Compares what a list shows of files with what they were when the state was taken: they may
    have changed in between, and back again before the next state."""

    def __init__(self, kept: KeptStates, state: State) -> None:
        self._kept = kept
        self._state = state
        self._waiting: dict[tuple[str, str], int] = {}

    def watched(self, entities: Generator[Entity]) -> Generator[Entity]:
        try:
            for entity in entities:
                yield entity
                if entity.kind is Kind.DATA_SET:
                    kind = queries.AFS if entity.is_afs else Kind.DATA_SET.value
                    self._note(kind, entity.perm_id, digest_of_entity(entity))
        finally:
            entities.close()
            self._compare()

    def _note(self, kind: str, perm_id: str, files: int) -> None:
        self._waiting[kind, perm_id] = files
        if len(self._waiting) >= _ROWS:
            self._compare()

    def _compare(self) -> None:
        waiting, self._waiting = self._waiting, {}
        if waiting:
            self._kept.note_shown(self._state, waiting)


class ChangesTold:
    """What one snapshot tells of changes; the state is taken when it is first asked for."""

    def __init__(self, kept: KeptStates, take: Callable[[], State | None]) -> None:
        self._kept = kept
        self._take = take
        self._state: State | None = None
        self._is_taken = False

    def state(self) -> State | None:
        if not self._is_taken:
            self._is_taken = True
            self._state = self._take()
        return self._state

    def changes(self, since: str, scope: Scope) -> Iterator[Change]:
        state = self.state()
        if state is None:
            raise CursorError("changes cannot be told now; the log of the source server says why")
        with self._kept.reading() as kept:
            yield from changes_between(kept, since, state, scope)

    def watched(self, entities: Generator[Entity]) -> Generator[Entity]:
        """The same, compared with the state if it has been taken."""
        if self._state is None:
            return entities
        return Shown(self._kept, self._state).watched(entities)
