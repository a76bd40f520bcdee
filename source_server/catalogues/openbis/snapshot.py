"""One consistent view of an openBIS database, for one answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection

from shared.model.entities import Entity
from shared.model.ids import Code, PermId
from shared.model.kinds import Kind
from shared.model.master_data import MasterData
from source_server.catalogues.openbis import queries_entities, queries_neighbours, scopes
from source_server.catalogues.openbis.afs import AfsData
from source_server.catalogues.openbis.changes import ChangesTold
from source_server.catalogues.openbis.entities import EntityReader
from source_server.catalogues.openbis.files import FileLists
from source_server.catalogues.openbis.master_data import MasterDataReader
from source_server.catalogues.openbis.schema import Dialect
from source_server.catalogues.openbis.scopes import Window
from source_server.catalogues.openbis.state_changes import cursor_of
from source_server.catalogues.openbis.texts import can_be_asked_for
from source_server.publication.catalogue import Place, Scope, Step
from source_server.publication.changes import Change, CursorError


class OpenBisSnapshot:
    """A `Snapshot`; the connection's transaction makes it consistent."""

    def __init__(
        self,
        connection: Connection,
        dialect: Dialect,
        at: datetime,
        file_lists: FileLists,
        afs: AfsData,
        changes: ChangesTold | None = None,
    ) -> None:
        self._connection = connection
        self._dialect = dialect
        self._at = at
        self._file_lists = file_lists
        self._afs = afs
        self._changes = changes
        self._windows: dict[Scope, Window] = {}
        self._reading: Generator[Entity] | None = None

    @property
    def at(self) -> datetime:
        return self._at

    def space_codes(self) -> list[Code]:
        return scopes.space_codes(self._connection, self._dialect)

    def master_data(self) -> MasterData:
        return MasterDataReader(self._connection, self._dialect).read()

    def entities(self, kind: Kind, scope: Scope) -> Iterator[Entity]:
        self.close()
        window = self._window(scope)
        reader = EntityReader(self._connection, self._dialect, kind, self._file_lists)
        self._reading = reader.read(window)
        if kind is Kind.DATA_SET:
            self._reading = self._afs.among(self._reading, self._connection, self._dialect, window)
            self._reading = self._watched(self._reading)
        return self._reading

    def data_set_connections(self, samples: list[PermId], scope: Scope) -> dict[PermId, list[Code]]:
        found: defaultdict[PermId, list[Code]] = defaultdict(list)
        page = {**self._window(scope), "perm_ids": samples}
        query = self._dialect(queries_entities.DATA_SETS_OF_SAMPLES)
        for perm_id, code in self._connection.execute(query, page):
            found[PermId(perm_id)].append(Code(code))
        return dict(found)

    def neighbours(
        self, kind: Kind, perm_ids: Sequence[PermId], step: Step, scope: Scope
    ) -> Iterable[Place]:
        query = queries_neighbours.NEIGHBOURS.get((step, kind))
        if query is None:
            return
        asked = {**self._window(scope), "perm_ids": _comparable(perm_ids)}
        rows = self._connection.execute(self._dialect(query), asked).all()
        for name, perm_id, space, type_code in rows:
            yield Place(Kind(name), perm_id, space, type_code)

    def entities_named(
        self, kind: Kind, perm_ids: Sequence[PermId], scope: Scope
    ) -> Iterator[Entity]:
        self.close()
        reader = EntityReader(self._connection, self._dialect, kind, self._file_lists)
        self._reading = self._watched(reader.read_named(self._window(scope), perm_ids))
        return self._reading

    def afs_data(self, owners: Sequence[PermId], scope: Scope) -> Iterator[Entity]:
        self.close()
        window, names = self._window(scope), _comparable(owners)
        afs = self._afs.of_owners(self._connection, self._dialect, window, names)
        self._reading = self._watched(afs)
        return self._reading

    def external_systems(self, data_sets: Sequence[PermId]) -> Iterable[Code]:
        query = self._dialect(queries_neighbours.EXTERNAL_SYSTEMS)
        rows = self._connection.execute(query, {"perm_ids": list(data_sets)}).all()
        return [Code(code) for (code,) in rows]

    def service_file_checksum(self, _path: str) -> None:
        """None: openBIS's database has no checksums of the file service."""

    def cursor(self) -> str | None:
        """See `source_server.publication.changes.ChangingSnapshot`. To be asked for before
        entities are read: what these show of files is compared with it from then on."""
        state = self._changes.state() if self._changes else None
        return cursor_of(state) if state else None

    def changes(self, since: str, scope: Scope) -> Iterator[Change]:
        """See `source_server.publication.changes.ChangingSnapshot`."""
        if self._changes is None:
            raise CursorError("this source server keeps no history of openBIS's database")
        return self._changes.changes(since, scope)

    def _watched(self, entities: Generator[Entity]) -> Generator[Entity]:
        return self._changes.watched(entities) if self._changes else entities

    def close(self) -> None:
        """Close the iterator that is still being read; its cursors end with the snapshot."""
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def _window(self, scope: Scope) -> Window:
        if scope not in self._windows:
            self._windows[scope] = scopes.window_of(self._connection, self._dialect, scope)
        return self._windows[scope]


def _comparable(perm_ids: Sequence[PermId]) -> list[PermId]:
    """Those that PostgreSQL can compare with: it refuses NUL and invalid Unicode."""
    return [each for each in perm_ids if can_be_asked_for(each)]
