"""Deletions and losses (step 2), what holds them back, and the trash."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from harvester.memory.unconfirmed import Unconfirmed
from harvester.openbis.destination.decay import Decay
from harvester.openbis.destination.held_deletions import VanishedProject, VanishedSpace
from harvester.openbis.destination.losses import LostPart
from shared.model.unknown import Part, Reason
from shared.store.changes import Action

__all__ = ["DeletionGuard", "Deletions", "Trash"]


class Deletions(Protocol):
    """What the list does not show any more, in whole or in part."""

    def prepare(self, leave_alone: Collection[str]) -> None:
        """Keep what the list marks as unknown, and add to the plan what its updates would lose, but
        for the files of the data sets to be left alone, and which files of the file service are
        gone. What the list has again is forgotten as restored or held back."""
        ...

    def losses(self) -> Iterator[LostPart]:
        """What the updates of the plan would lose, part by part."""
        ...

    def loss_count(self, action: Action) -> int:
        """How many losses are planned so."""
        ...

    def spare(self) -> None:
        """Let nothing be lost, since deletions are forbidden."""
        ...

    def delete(self) -> None:
        """Delete what the plan calls gone for good, and note its files for removal."""
        ...

    def keep_what_stays(self) -> None:
        """When deletions are decided: let the list say of all that stays what is here of it, so
        that updates do not take it away."""
        ...

    def unknown(self) -> Mapping[tuple[Part, Reason], int]:
        """What the list does not show, whether it is here or not."""
        ...


class DeletionGuard(Protocol):
    """What looks like an accident on the source waits for the operator. Counts of what is new are
    without what was held back or released before."""

    def new_count(self) -> int:
        """Deletions of the plan."""
        ...

    def brought_count(self) -> int:
        """Entities and files of the section that its previous list showed."""
        ...

    def new_contents_count(self) -> int:
        """Data sets that would lose something."""
        ...

    def vanished_service_files(self) -> int:
        """Files of the file service that are newly gone, if it is all of them."""
        ...

    def vanished_spaces(self) -> Sequence[VanishedSpace]:
        """Spaces that would go with all that is in them."""
        ...

    def vanished_projects(self) -> Sequence[VanishedProject]:
        """The same of projects, without those whose space goes with them."""
        ...

    def vanished_kinds(self) -> Mapping[str, int]:
        """Kinds of which the source showed several, and shows none now: how many it showed."""
        ...

    def waiting_count(self) -> int:
        """How many deletions wait for the operator."""
        ...

    def earliest_waiting(self) -> int | None:
        """The run that held back what waits longest."""
        ...

    def hold_outgrown(self, run: int) -> int:
        """Hold back anew what was released and has grown since; how many."""
        ...

    def hold(self, run: int, *, new: bool) -> int:
        """Take out of the plan what waits, and if wanted what is ``new``; how many wait then."""
        ...

    def forget_done(self) -> None:
        """What the plan deletes waits no longer."""
        ...

    def unconfirmed_since(self, since: datetime) -> Unconfirmed:
        """What was deleted without being confirmed."""
        ...

    def decay_since(self, since: datetime) -> Sequence[Decay]:
        """What was lost of contents without being confirmed, with what waits and is newly gone."""
        ...

    def note_unconfirmed(self, now: datetime) -> None:
        """Remember what the plan deletes and lets go in part without being confirmed."""
        ...

    def forget_unconfirmed(self, before: datetime) -> None: ...


class Trash(Protocol):
    """Where deletions wait until they are too old."""

    def discard(self, run: int | None, now: datetime) -> None:
        """Move there what the plan calls gone, and a copy of what updates take a part from."""
        ...

    def expired(self, before: datetime) -> list[int]:
        """The numbers of the section's deletions that are older."""
        ...

    def purge(self, numbers: Collection[int]) -> None:
        """Remove deletions for good, and note their files for removal."""
        ...
