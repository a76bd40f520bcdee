"""The plan of a pass, and the steps that work on it by set: master data, entities, stamps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from shared.model.kinds import Kind
from shared.store.changes import ORIGINAL_STAMPS, Action, Planned, Stamps
from shared.store.identity import Blocked
from shared.store.loss_kinds import Loss
from shared.store.master_data import Definition, Key, Stored, flatten

__all__ = [
    "ORIGINAL_STAMPS",
    "Action",
    "Blocked",
    "Definition",
    "Definitions",
    "Entities",
    "Key",
    "Loss",
    "Originals",
    "Plan",
    "Planned",
    "Stamps",
    "Stored",
    "flatten",
]


class Plan(Protocol):
    """The changes to make to the rows of the section: the list compared with what is here."""

    def compare(self) -> None:
        """Make the plan anew, at the beginning of a pass. `Entities.settle_identifiers` finds out
        later, after the deletions, what cannot be done because an identifier is taken."""
        ...

    def counts(self) -> Mapping[tuple[Kind | Loss, Action], int]:
        """The number of items planned, by kind and action."""
        ...

    def planned(self, action: Action, most: int | None = None) -> Iterator[Planned]:
        """The items of an action by kind and identifier, at most ``most``. Read it to the end
        before changing the plan."""
        ...

    def blocked(self, kinds: Iterable[Kind]) -> Iterator[Blocked]:
        """Items that cannot come or move, by kind and identifier."""
        ...

    def foreign_owners(self) -> Mapping[str, int]:
        """The number of items in the list that belong to another section, or to this instance (""),
        and are therefore left alone, by owner."""
        ...


class Definitions(Protocol):
    """Master data (step 3)."""

    def stored(self) -> Mapping[Key, Stored]:
        """All definitions that are here, with their owners."""
        ...

    def write(self, definitions: Mapping[Key, Definition]) -> None:
        """Register or replace definitions; they belong to the section from now on."""
        ...

    def remove(self, keys: Iterable[Key]) -> None:
        """Remove definitions."""
        ...


class Entities(Protocol):
    """Spaces, projects, experiments, samples and materials (step 4)."""

    def settle_identifiers(self) -> None:
        """Mark in the plan what cannot come or move because an identifier is taken, or because it
        lies in such an item. Call it once the deletions are made."""
        ...

    def apply(self, kind: Kind, stamps: Stamps) -> None:
        """Register and update all items of a kind in the plan."""
        ...


class Originals(Protocol):
    """Copies stamps, flags and times of immutable data from the source (steps 8 and 9)."""

    def add_users(self) -> list[str]:
        """Create the users in the list that do not exist here; returns the new ones."""
        ...

    def copy_stamps(self) -> list[Planned]:
        """Copy timestamps and users from the list; returns the changed entities."""
        ...

    def copy_flags(self) -> list[Planned]:
        """Copy frozen flags from the list; returns the changed entities."""
        ...

    def copy_immutable_times(self) -> list[Planned]:
        """Copy from the list since when AFS data can no longer change, where that is not known
        here and the AFS data have come; returns the changed entities."""
        ...
