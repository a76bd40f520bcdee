"""The contents of a resource list: all within a scope, or what the roots of a request lead to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from shared.model.entities import Connection, Entity
from shared.model.ids import Code, PermId
from shared.model.kinds import Kind
from shared.model.master_data import DataType, MasterData
from shared.model.properties import PropertyValue, value_from, values_of
from shared.model.unknown import Part, Reason, Unknown
from source_server.publication.afs_blocks import AfsBlocks
from source_server.publication.batches import batches
from source_server.publication.catalogue import Scope, Snapshot
from source_server.publication.expansion import expand
from source_server.publication.referred import referred
from source_server.publication.roots import Roots

# Entities that are read together.
_BATCH = 500

# Data sets whose data management systems are looked up with one query.
_DATA_SETS = 1_000

_OWNERS = (Kind.EXPERIMENT, Kind.SAMPLE)


class Contents(Protocol):
    """What one list shows."""

    def master_data(self) -> MasterData: ...

    def entities(self, kind: Kind) -> Iterator[Entity]:
        """The entities of a kind, by perm id in byte order. The other calls may be made between two
        of them."""
        ...

    def data_sets_of(self, samples: Sequence[PermId]) -> Mapping[PermId, Sequence[Code]]:
        """Codes of the data sets of these samples, in byte order."""
        ...

    def afs_of(self, owners: Sequence[PermId]) -> Mapping[PermId, Entity]:
        """The AFS data of these samples or experiments, if they are written with their owners."""
        ...


class WholeContents:
    """All that is within the scope. AFS data are entities of their own."""

    def __init__(self, snapshot: Snapshot, scope: Scope) -> None:
        self._snapshot = snapshot
        self._scope = scope

    def master_data(self) -> MasterData:
        return self._snapshot.master_data()

    def entities(self, kind: Kind) -> Iterator[Entity]:
        return self._snapshot.entities(kind, self._scope)

    def data_sets_of(self, samples: Sequence[PermId]) -> Mapping[PermId, Sequence[Code]]:
        return self._snapshot.data_set_connections(list(samples), self._scope)

    def afs_of(self, owners: Sequence[PermId]) -> Mapping[PermId, Entity]:
        del owners
        return {}


class RootedContents:
    """The closed set of what the roots lead to within the scope; nothing if there are no roots.

    The perm ids of the set are in memory while the list is made. ``afs``: the AFS data of owners,
    None if no service is named to the harvester, which then leaves its own AFS data alone.
    """

    def __init__(
        self, snapshot: Snapshot, scope: Scope, roots: Roots, afs: AfsBlocks | None
    ) -> None:
        """Raises `MissingRootsError` if a root is not there, and `NotNowError` if AFS data cannot
        be listed."""
        self._snapshot = snapshot
        self._scope = scope
        # openBIS 7 answers without roots with empty master data, too (openbis-7-sync.md, 2.5).
        whole = snapshot.master_data() if roots else MasterData()
        chosen = expand(snapshot, scope, roots, whole)
        self._members = chosen.members
        systems = {
            code
            for batch in batches(sorted(chosen.members[Kind.DATA_SET]), _DATA_SETS)
            for code in snapshot.external_systems(batch)
        }
        self._master_data = referred(whole, chosen.types, systems, roots)
        declared = self._master_data.property_types
        self._declared = {each.code for each in declared}
        self._of_samples = {each.code for each in declared if each.data_type is DataType.SAMPLE}
        self._afs = afs
        # Before the first byte, so that the harvester gets an error, not a list that breaks off.
        if afs is not None:
            afs.check([each for kind in _OWNERS for each in sorted(self._members[kind])])

    def master_data(self) -> MasterData:
        return self._master_data

    def entities(self, kind: Kind) -> Iterator[Entity]:
        for batch in batches(sorted(self._members[kind]), _BATCH):
            entities = map(self._cut, self._snapshot.entities_named(kind, batch, self._scope))
            # A data set may have a million files; between data sets nothing else is asked for.
            yield from entities if kind is Kind.DATA_SET else list(entities)

    def data_sets_of(self, samples: Sequence[PermId]) -> Mapping[PermId, Sequence[Code]]:
        members = self._members[Kind.DATA_SET]
        found = self._snapshot.data_set_connections(list(samples), self._scope)
        return {
            sample: [code for code in codes if PermId(code) in members]
            for sample, codes in found.items()
        }

    def afs_of(self, owners: Sequence[PermId]) -> Mapping[PermId, Entity]:
        return {} if self._afs is None else self._afs.of(owners)

    def _cut(self, entity: Entity) -> Entity:
        """The entity with connections to, and values of, what is in the list. What is left out is
        marked as unknown, which other programs than openBIS's own understand."""
        connections = self._connections(entity)
        values, codes = self._values(entity)
        marks = []
        if codes:
            marks.append(_left_out(Part.PROPERTIES, " ".join(codes)))
        if lost := len(entity.connections) - len(connections):
            marks.append(_left_out(Part.CONNECTIONS, f"{lost} to what is not selected"))
        if not marks:
            return entity
        return replace(
            entity,
            properties=values,
            connections=connections,
            unknown=(*entity.unknown, *marks),
        )

    def _connections(self, entity: Entity) -> tuple[Connection, ...]:
        members = self._members[entity.kind]
        if all(each.to in members for each in entity.connections):
            return entity.connections
        return tuple(each for each in entity.connections if each.to in members)

    def _values(self, entity: Entity) -> tuple[Mapping[str, PropertyValue], Sequence[str]]:
        """The values that the list can show, one by one, and the codes of properties that lose
        some."""
        # The parser of openBIS 7 refuses a whole list for one value without a definition.
        lost = {code for code in entity.properties if code not in self._declared}
        samples = self._members[Kind.SAMPLE]
        shown: dict[str, PropertyValue] = {}
        for code in self._of_samples & entity.properties.keys():
            values = values_of(entity.properties[code])
            visible = [value for value in values if value in samples]
            if len(visible) < len(values):
                lost.add(code)
            if 0 < len(visible) < len(values):
                shown[code] = value_from(visible)
        if not lost:
            return entity.properties, ()
        kept = {code: value for code, value in entity.properties.items() if code not in lost}
        return kept | shown, sorted(lost)


def _left_out(part: Part, detail: str) -> Unknown:
    return Unknown(part=part, reason=Reason.OUT_OF_SCOPE, detail=detail)
