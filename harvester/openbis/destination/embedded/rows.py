"""`harvester.openbis.destination.port.rows`, in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from shared.model.kinds import Kind
from shared.store import changes, identity, master_data
from shared.store.changes import Action, Planned, Stamps
from shared.store.identity import Blocked
from shared.store.loss_kinds import Loss
from shared.store.master_data import Definition, Key, Stored
from shared.store.users import add_persons


@dataclass(frozen=True, slots=True)
class EmbeddedPlan:
    """See `port.rows.Plan`."""

    connection: Connection
    source: str

    def compare(self) -> None:
        changes.compare(self.connection, self.source)

    def counts(self) -> Mapping[tuple[Kind | Loss, Action], int]:
        return changes.counts(self.connection)

    def planned(self, action: Action, most: int | None = None) -> Iterator[Planned]:
        return changes.planned(self.connection, action, most)

    def blocked(self, kinds: Iterable[Kind]) -> Iterator[Blocked]:
        return identity.blocked(self.connection, kinds)

    def foreign_owners(self) -> Mapping[str, int]:
        return changes.foreign_owners(self.connection)


@dataclass(frozen=True, slots=True)
class EmbeddedDefinitions:
    """See `port.rows.Definitions`."""

    connection: Connection
    source: str

    def stored(self) -> Mapping[Key, Stored]:
        return master_data.stored_definitions(self.connection)

    def write(self, definitions: Mapping[Key, Definition]) -> None:
        master_data.write_definitions(self.connection, self.source, definitions)

    def remove(self, keys: Iterable[Key]) -> None:
        master_data.remove_definitions(self.connection, keys)


@dataclass(frozen=True, slots=True)
class EmbeddedEntities:
    """See `port.rows.Entities`."""

    connection: Connection
    source: str

    def settle_identifiers(self) -> None:
        identity.settle(self.connection)

    def apply(self, kind: Kind, stamps: Stamps) -> None:
        changes.apply_kind(self.connection, kind, self.source, stamps)


@dataclass(frozen=True, slots=True)
class EmbeddedOriginals:
    """See `port.rows.Originals`."""

    connection: Connection
    source: str

    def add_users(self) -> list[str]:
        return add_persons(self.connection, self.source, changes.users(self.connection))

    def copy_stamps(self) -> list[Planned]:
        return changes.copy_stamps(self.connection, self.source)

    def copy_flags(self) -> list[Planned]:
        return changes.copy_flags(self.connection, self.source)

    def copy_immutable_times(self) -> list[Planned]:
        return changes.copy_immutable_times(self.connection, self.source)
