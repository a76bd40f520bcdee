"""A catalogue over values in memory: `source_server.publication.catalogue`, and no more."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.model.entities import Entity
from shared.model.ids import Code, Identifier, PermId, identifier
from shared.model.kinds import Kind
from shared.model.master_data import MasterData
from source_server.publication.catalogue import Downloadable, Place, Scope, Step

AT = datetime(2024, 3, 5, 9, 14, 7, tzinfo=UTC)


def content_of(data: bytes, modified: datetime | None = AT) -> Downloadable:
    return Downloadable(
        length=len(data), etag=hashlib.sha256(data).hexdigest(), modified=modified, data=data
    )


def is_within(entity: Entity, scope: Scope) -> bool:
    """Whether an entity may be shown."""
    space, project = entity.home
    if space is None or space in scope.spaces:
        return True
    if entity.kind is Kind.SPACE:
        return any(path.startswith(f"/{space}/") for path in scope.projects)
    return project is not None and identifier(space, project) in scope.projects


@dataclass(kw_only=True)
class MemoryCatalogue:
    """``files`` are found by what identifies them: (code, path), (kind, perm id, name, version) or
    (path,). ``open_snapshots`` counts those that are in use."""

    stored: Iterable[Entity] = ()
    master_data_: MasterData = field(default_factory=MasterData)
    scopes: Mapping[str, Scope] = field(default_factory=dict)
    files: Mapping[tuple[str | int, ...], Downloadable] = field(default_factory=dict)
    open_snapshots: int = 0

    def entities_of(self, kind: Kind) -> Iterator[Entity]:
        """All entities of a kind, visible or not."""
        return (entity for entity in self.stored if entity.kind is kind)

    def scope_of(self, user_id: str) -> Scope | None:
        return self.scopes.get(user_id)

    def turn(self) -> AbstractContextManager[object]:
        return nullcontext()

    @contextmanager
    def snapshot(self) -> Iterator[MemorySnapshot]:
        self.open_snapshots += 1
        try:
            yield MemorySnapshot(self)
        finally:
            self.open_snapshots -= 1

    def data_set_file(self, code: Code, path: str, scope: Scope) -> Downloadable | None:
        return self.files.get((code, path)) if self._shows(Kind.DATA_SET, code, scope) else None

    def data_set(self, code: Code, scope: Scope) -> Entity | None:
        found = (e for e in self.entities_of(Kind.DATA_SET) if e.code == code)
        return next((one for one in found if is_within(one, scope)), None)

    def attachment(
        self, kind: Kind, perm_id: PermId, file_name: str, version: int, scope: Scope
    ) -> Downloadable | None:
        if not self._shows(kind, perm_id, scope):
            return None
        return self.files.get((kind.value, perm_id, file_name, version))

    def service_file(self, path: str, scope: Scope) -> Downloadable | None:
        mention = f"openbis/file-service/{path}"
        seen = any(
            mention in text
            for entity in self.stored
            if is_within(entity, scope)
            for text in entity.properties.values()
        )
        return self.files.get((path,)) if seen else None

    def _shows(self, kind: Kind, perm_id: str, scope: Scope) -> bool:
        return any(
            entity.perm_id == perm_id and entity.kind is kind and is_within(entity, scope)
            for entity in self.stored
        )


class MemorySnapshot:
    """What is stored, read again by each call."""

    def __init__(self, catalogue: MemoryCatalogue) -> None:
        self._catalogue = catalogue

    @property
    def at(self) -> datetime:
        return AT

    def space_codes(self) -> list[Code]:
        return sorted(e.code for e in self._catalogue.stored if e.kind is Kind.SPACE)

    def master_data(self) -> MasterData:
        return self._catalogue.master_data_

    def entities(self, kind: Kind, scope: Scope) -> Iterator[Entity]:
        for entity in self._catalogue.entities_of(kind):
            if is_within(entity, scope):
                yield entity

    def neighbours(
        self, kind: Kind, perm_ids: Sequence[PermId], step: Step, scope: Scope
    ) -> Iterable[Place]:
        """Only the entities themselves: no test walks from root to root in memory."""
        if step is Step.ITSELF:
            for entity in self.entities_named(kind, perm_ids, scope):
                yield Place(kind, entity.perm_id, entity.home[0], entity.type)

    def entities_named(
        self, kind: Kind, perm_ids: Sequence[PermId], scope: Scope
    ) -> Iterator[Entity]:
        return (entity for entity in self.entities(kind, scope) if entity.perm_id in perm_ids)

    def afs_data(self, owners: Sequence[PermId], scope: Scope) -> Iterator[Entity]:
        found = self.entities_named(Kind.DATA_SET, owners, scope)
        return (entity for entity in found if entity.is_afs)

    def external_systems(self, data_sets: Sequence[PermId]) -> Iterable[Code]:
        del data_sets
        return ()

    def service_file_checksum(self, _path: str) -> None:
        """Nothing was harvested."""

    def data_set_connections(self, samples: list[PermId], scope: Scope) -> dict[PermId, list[Code]]:
        owners: dict[Identifier | None, PermId] = {
            e.identifier: e.perm_id
            for e in self._catalogue.stored
            if e.kind is Kind.SAMPLE and e.perm_id in samples
        }
        found: dict[PermId, list[Code]] = {}
        for entity in self.entities(Kind.DATA_SET, scope):
            if entity.sample in owners:
                found.setdefault(owners[entity.sample], []).append(entity.code)
        return found
