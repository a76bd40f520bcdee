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
    """What the list does not show any more, completely or in part."""

    def prepare(self, leave_alone: Collection[str]) -> None:
        """Keep what the list marks as unknown. Add to the plan the losses of its updates, except
        files of the data sets ``leave_alone``, and the files of the file service that are gone.
        Forget restored and held-back items that the list has again."""
        ...

    def losses(self) -> Iterator[LostPart]:
        """What the updates of the plan would lose, part by part."""
        ...

    def loss_count(self, action: Action) -> int:
        """The number of losses planned for an action."""
        ...

    def spare(self) -> None:
        """Take all losses out of the plan, because deletions are forbidden."""
        ...

    def delete(self) -> None:
        """Delete for good what the plan calls gone, and note its files for removal."""
        ...

    def keep_what_stays(self) -> None:
        """Call it once deletions are decided: it gives the list's items that stay the content that
        is here, so that updates do not remove it."""
        ...

    def unknown(self) -> Mapping[tuple[Part, Reason], int]:
        """What the list does not show, whether it is here or not."""
        ...


class DeletionGuard(Protocol):
    """Holds deletions that look like an accident of the source back for the operator. Counts of new
    deletions exclude what was held back or released before."""

    def new_count(self) -> int:
        """The number of the plan's new deletions."""
        ...

    def brought_count(self) -> int:
        """The number of the section's entities and files that its previous list showed."""
        ...

    def new_contents_count(self) -> int:
        """The number of data sets that would lose something."""
        ...

    def vanished_service_files(self) -> int:
        """The number of files of the file service that are newly gone, if it is all of them."""
        ...

    def vanished_spaces(self) -> Sequence[VanishedSpace]:
        """Spaces that would be removed with all their content."""
        ...

    def vanished_projects(self) -> Sequence[VanishedProject]:
        """The same for projects, without those whose space is removed, too."""
        ...

    def vanished_kinds(self) -> Mapping[str, int]:
        """Kinds of which the source showed several items and shows none now, with their former
        numbers."""
        ...

    def vanished_shared_samples(self) -> int:
        """The number of samples without a space that are newly gone."""
        ...

    def waiting_count(self) -> int:
        """The number of deletions that wait for the operator."""
        ...

    def earliest_waiting(self) -> int | None:
        """The run whose held-back deletions have waited longest."""
        ...

    def hold_outgrown(self, run: int) -> int:
        """Hold back again what was released and has grown since; returns the number."""
        ...

    def hold(self, run: int, *, new: bool) -> int:
        """Take out of the plan what waits and, if wanted, what is ``new``; returns the number that
        waits."""
        ...

    def forget_done(self) -> None:
        """Forget held-back deletions that the plan now does."""
        ...

    def unconfirmed_since(self, since: datetime) -> Unconfirmed:
        """The unconfirmed deletions since a time."""
        ...

    def decay_since(self, since: datetime) -> Sequence[Decay]:
        """The unconfirmed losses of contents since a time, with those that wait and those that are
        new."""
        ...

    def note_unconfirmed(self, now: datetime) -> None:
        """Note what the plan deletes, or removes in part, without confirmation."""
        ...

    def forget_unconfirmed(self, before: datetime) -> None: ...


class Trash(Protocol):
    """Keeps deleted items until they are too old."""

    def discard(self, run: int | None, now: datetime) -> None:
        """Move what the plan calls gone to the trash, and copy what its updates take a part
        from."""
        ...

    def expired(self, before: datetime) -> list[int]:
        """The numbers of the section's deletions that are older than a time."""
        ...

    def purge(self, numbers: Collection[int]) -> None:
        """Remove deletions for good, and note their files for removal."""
        ...
