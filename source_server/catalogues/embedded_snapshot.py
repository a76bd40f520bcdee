"""One consistent view of our own store, for one answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from shared.model.entities import Entity
from shared.model.ids import Code, PermId
from shared.model.kinds import Kind
from shared.model.master_data import MasterData
from shared.store import tables
from shared.store.master_data import sample_property_codes
from shared.store.neighbour_queries import NeighbourQueries
from shared.store.read import Reader, space_codes
from source_server.catalogues.missing_files import MissingFiles
from source_server.catalogues.stored_files import WITH_FILES, StoredFiles
from source_server.catalogues.stored_neighbours import stored_neighbours
from source_server.publication.catalogue import Place, Scope, Step


@dataclass(frozen=True, slots=True)
class EmbeddedSnapshot:
    """One consistent view of the store."""

    connection: Connection
    at: datetime
    _read: MasterData = field(repr=False)
    _files: StoredFiles = field(repr=False)
    _missing: MissingFiles = field(repr=False)
    _readers: dict[tuple[Scope, bool], Reader] = field(repr=False, default_factory=dict)
    _neighbours: dict[Scope, NeighbourQueries] = field(repr=False, default_factory=dict)

    def space_codes(self) -> list[Code]:
        return space_codes(self.connection)

    def master_data(self) -> MasterData:
        return self._read

    def entities(self, kind: Kind, scope: Scope) -> Iterator[Entity]:
        entities = self._reader(scope).entities(kind)
        return self._looked_at(kind, scope, entities) if kind in WITH_FILES else entities

    def data_set_connections(self, samples: list[PermId], scope: Scope) -> dict[PermId, list[Code]]:
        return self._reader(scope).data_sets_of(samples)

    def neighbours(
        self, kind: Kind, perm_ids: Sequence[PermId], step: Step, scope: Scope
    ) -> Iterable[Place]:
        return stored_neighbours(self._neighbours_within(scope), kind, perm_ids, step)

    def entities_named(
        self, kind: Kind, perm_ids: Sequence[PermId], scope: Scope
    ) -> Iterator[Entity]:
        entities = self._reader(scope, by_perm_ids=True).named(kind, perm_ids)
        if kind not in WITH_FILES:
            return entities
        # A part of a list can show that a file is missing, but not that none is: only a whole list
        # takes the note back.
        return self._files.checked(entities, lambda: self._missing.add((kind, scope)))

    def afs_data(self, owners: Sequence[PermId], scope: Scope) -> Iterator[Entity]:
        return (e for e in self.entities_named(Kind.DATA_SET, owners, scope) if e.is_afs)

    def external_systems(self, data_sets: Sequence[PermId]) -> Iterable[Code]:
        return self._neighbours_within(Scope()).external_systems(data_sets)

    def service_file_checksum(self, path: str) -> str | None:
        known = tables.service_file
        query = select(known.c.sha256).where(known.c.path == path, known.c.source != tables.LOCAL)
        return self.connection.execute(query).scalar_one_or_none()

    def _looked_at(self, kind: Kind, scope: Scope, entities: Iterator[Entity]) -> Iterator[Entity]:
        is_missing = False

        def missed() -> None:
            nonlocal is_missing
            if not is_missing:
                is_missing = True
                self._missing.add((kind, scope))

        yield from self._files.checked(entities, missed)
        # A list that is not read to its end does not get here, and leaves the note as it is.
        if not is_missing:
            self._missing.discard((kind, scope))

    def _reader(self, scope: Scope, *, by_perm_ids: bool = False) -> Reader:
        key = scope, by_perm_ids
        if key not in self._readers:
            self._readers[key] = Reader(
                *(self.connection, scope.spaces, scope.projects, sample_property_codes(self._read)),
                by_perm_ids=by_perm_ids,
            )
        return self._readers[key]

    def _neighbours_within(self, scope: Scope) -> NeighbourQueries:
        if scope not in self._neighbours:
            self._neighbours[scope] = NeighbourQueries(
                self.connection, scope.spaces, scope.projects, sample_property_codes(self._read)
            )
        return self._neighbours[scope]
