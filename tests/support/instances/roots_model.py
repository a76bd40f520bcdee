"""A naive model of what the roots of a request lead to: it looks at the entities one by one, and
knows neither catalogues nor batches."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from shared.model.entities import Entity
from shared.model.ids import Code, identifier
from shared.model.kinds import Kind, Relation
from shared.resourcesync.roots import ENTITY_ROOTS, RootKind
from source_server.publication.roots import Flag, Root

Key = tuple[Kind, str]


def key_of(entity: Entity) -> Key:
    return entity.kind, entity.perm_id


def root_of(entity: Entity) -> Root:
    (kind,) = [kind for kind, its in ENTITY_ROOTS.items() if its is entity.kind]
    return Root(RootKind(kind), entity.perm_id)


@dataclass(kw_only=True)
class Model:
    """All entities that may be seen, and the properties whose values are samples."""

    entities: list[Entity]
    of_samples: Collection[str] = ()
    _by_key: dict[Key, Entity] = field(init=False)
    _by_identifier: dict[tuple[Kind, str], Entity] = field(init=False)
    _containers: dict[Key, list[Entity]] = field(init=False)
    _parents: dict[Key, list[Entity]] = field(init=False)
    _lying_in: dict[tuple[Kind, str], list[Entity]] = field(init=False)

    def __post_init__(self) -> None:
        self._by_key = {key_of(each): each for each in self.entities}
        self._containers = self._backwards(Relation.COMPONENT)
        self._parents = self._backwards(Relation.CHILD)
        self._by_identifier = {(each.kind, self._identifier(each)): each for each in self.entities}
        self._lying_in = {}
        for each in self.entities:
            for place in self._places(each):
                self._lying_in.setdefault(place, []).append(each)

    def closure(self, roots: Iterable[Root], flags: Collection[Flag]) -> set[Key]:
        """Kinds and perm ids; the union of a walk for each root alone."""
        found: set[Key] = set()
        for root in roots:
            found |= self._from(self._by_key[ENTITY_ROOTS[root.kind], root.perm_id], flags)
        return found

    def _from(self, root: Entity, flags: Collection[Flag]) -> set[Key]:
        found: set[Key] = set()
        waiting = [root]
        while waiting:
            entity = waiting.pop()
            if key_of(entity) not in found:
                found.add(key_of(entity))
                waiting += self._above(entity)
                waiting += [
                    other
                    for other in self._beside(entity, root, flags)
                    if Flag.OTHER_SPACES in flags or other.home[0] in {None, root.home[0]}
                ]
        return found

    def _above(self, entity: Entity) -> Iterator[Entity]:
        for kind, name in ((Kind.EXPERIMENT, entity.experiment), (Kind.SAMPLE, entity.sample)):
            if name is not None and (kind, name) in self._by_identifier:
                yield self._by_identifier[kind, name]
        space, project = entity.home
        if entity.kind is not Kind.PROJECT and space and project:
            yield self._by_identifier[Kind.PROJECT, identifier(space, project)]
        if entity.kind is not Kind.SPACE and space:
            yield self._by_identifier[Kind.SPACE, identifier(space)]

    def _beside(self, entity: Entity, root: Entity, flags: Collection[Flag]) -> Iterator[Entity]:
        for code in self.of_samples:
            if code in entity.properties:
                named = _each(entity.properties[code])
                keys = [(Kind.SAMPLE, each) for each in named]
                yield from (self._by_key[key] for key in keys if key in self._by_key)
        yield from self._containers.get(key_of(entity), ())
        if Flag.PARENTS in flags:
            yield from self._parents.get(key_of(entity), ())
        if Flag.BELOW in flags:
            yield from self._targets(entity, Relation.COMPONENT)
            if Flag.CHILDREN in flags:
                yield from self._targets(entity, Relation.CHILD)
            own = self._identifier(entity)
            if entity.kind is Kind.SAMPLE or _is_inside(own, root):
                yield from self._lying_in.get((entity.kind, own), ())

    def _places(self, entity: Entity) -> Iterator[tuple[Kind, str]]:
        """The places in which an entity lies directly."""
        space, project = entity.home
        if entity.kind is Kind.PROJECT or (entity.kind is Kind.SAMPLE and not project):
            yield Kind.SPACE, identifier(space)
        if entity.kind in {Kind.EXPERIMENT, Kind.SAMPLE} and project:
            yield Kind.PROJECT, identifier(space, project)
        if entity.experiment is not None:
            yield Kind.EXPERIMENT, entity.experiment
        if entity.sample is not None:
            yield Kind.SAMPLE, entity.sample

    def _targets(self, entity: Entity, relation: Relation) -> Iterator[Entity]:
        for connection in entity.connections:
            key = entity.kind, connection.to
            if connection.relation is relation and key in self._by_key:
                yield self._by_key[key]

    def _backwards(self, relation: Relation) -> dict[Key, list[Entity]]:
        found: dict[Key, list[Entity]] = {}
        for entity in self.entities:
            for other in self._targets(entity, relation):
                found.setdefault(key_of(other), []).append(entity)
        return found

    def _identifier(self, entity: Entity) -> str:
        """With the container of a sample."""
        if entity.kind is not Kind.SAMPLE or key_of(entity) not in self._containers:
            return entity.identifier
        container = self._containers[key_of(entity)][0]
        code = Code(f"{container.code}:{entity.code}")
        return identifier(entity.space, entity.project, code)


def _is_inside(name: str, root: Entity) -> bool:
    """Whether this is the identifier of the root, or of what lies in it: by whole parts."""
    if root.kind not in {Kind.SPACE, Kind.PROJECT, Kind.EXPERIMENT}:
        return False
    parts = root.identifier.split("/")
    return name.split("/")[: len(parts)] == parts


def _each(value: str | Sequence[str]) -> Sequence[str]:
    return (value,) if isinstance(value, str) else value
