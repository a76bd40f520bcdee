"""The plan of a pass, and the steps that are done with it by set: master data, entities, stamps."""

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
    """What is to be done to the rows of the section: the list, compared with what is here."""

    def compare(self) -> None:
        """Make the plan anew, at the beginning of a pass. What cannot be done because an identifier
        is taken is known only after the deletions, see `Entities.settle_identifiers`."""
        ...

    def counts(self) -> Mapping[tuple[Kind | Loss, Action], int]:
        """How many items of each kind are planned for each action."""
        ...

    def planned(self, action: Action, most: int | None = None) -> Iterator[Planned]:
        """The items of an action, by kind and identifier; not more than ``most``. To be read to the
        end before the plan is changed."""
        ...

    def blocked(self, kinds: Iterable[Kind]) -> Iterator[Blocked]:
        """What cannot come or move, by kind and identifier."""
        ...

    def foreign_owners(self) -> Mapping[str, int]:
        """How many items of the list belong to another section, or to this instance (""), and are
        left alone therefore."""
        ...


class Definitions(Protocol):
    """Master data (step 3)."""

    def stored(self) -> Mapping[Key, Stored]:
        """All definitions that are here, with their owners."""
        ...

    def write(self, definitions: Mapping[Key, Definition]) -> None:
        """Register or replace; they belong to the section from now on."""
        ...

    def remove(self, keys: Iterable[Key]) -> None:
        """Take definitions away."""
        ...


class Entities(Protocol):
    """Spaces, projects, experiments, samples and materials (step 4)."""

    def settle_identifiers(self) -> None:
        """Mark in the plan what cannot come or move, because an identifier is taken, or because it
        lies in such a thing; when what is to be deleted is deleted."""
        ...

    def apply(self, kind: Kind, stamps: Stamps) -> None:
        """Register and update all that the plan has of a kind."""
        ...


class Originals(Protocol):
    """What is taken from the source as it is there (steps 8 and 9)."""

    def add_users(self) -> list[str]:
        """Create the users that the list names and that do not exist here; who was new."""
        ...

    def copy_stamps(self) -> list[Planned]:
        """Take timestamps and users from the list; the entities that were changed by it."""
        ...

    def copy_flags(self) -> list[Planned]:
        """Take frozen flags from the list; the entities that were changed by it."""
        ...
