"""`harvester.openbis.destination.port.deletions`, in SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from harvester.memory import held, unconfirmed
from harvester.memory.unconfirmed import Unconfirmed
from harvester.openbis.destination import decay, held_deletions, losses, trash, unknown_parts
from harvester.openbis.destination.decay import Decay
from harvester.openbis.destination.held_deletions import VanishedProject, VanishedSpace
from harvester.openbis.destination.kept_references import keep_references
from harvester.openbis.destination.losses import LostPart
from harvester.openbis.destination.restoring import forget_marks
from shared.model.unknown import Part, Reason
from shared.store import changes
from shared.store.changes import Action
from shared.store.loss_kinds import Loss


@dataclass(frozen=True, slots=True)
class EmbeddedDeletions:
    """See `port.deletions.Deletions`."""

    connection: Connection
    source: str

    def prepare(self, leave_alone: Collection[str]) -> None:
        unknown_parts.complete_unknown(self.connection, self.source)
        losses.find_losses(self.connection, self.source)
        changes.drop_from_plan(self.connection, Loss.DATA_SET_CONTENT, leave_alone)
        forget_marks(self.connection, self.source)
        changes.plan_files(self.connection, self.source)
        held_deletions.forget_returned(self.connection, self.source)

    def losses(self) -> Iterator[LostPart]:
        return losses.losses(self.connection)

    def loss_count(self, action: Action) -> int:
        return losses.loss_count(self.connection, action)

    def spare(self) -> None:
        losses.spare(self.connection)

    def delete(self) -> None:
        changes.delete(self.connection)

    def keep_what_stays(self) -> None:
        losses.keep(self.connection)
        keep_references(self.connection, self.source)
        unknown_parts.settle(self.connection)

    def unknown(self) -> Mapping[tuple[Part, Reason], int]:
        return unknown_parts.shown_unknown(self.connection, self.source)


@dataclass(frozen=True, slots=True)
class EmbeddedGuard:
    """See `port.deletions.DeletionGuard`."""

    connection: Connection
    source: str

    def new_count(self) -> int:
        return held_deletions.new_count(self.connection, self.source)

    def brought_count(self) -> int:
        return held_deletions.brought_count(self.connection, self.source)

    def new_contents_count(self) -> int:
        return losses.new_contents_count(self.connection, self.source)

    def vanished_service_files(self) -> int:
        return losses.vanished_service_files(self.connection, self.source)

    def vanished_spaces(self) -> Sequence[VanishedSpace]:
        return held_deletions.vanished_spaces(self.connection, self.source)

    def vanished_projects(self) -> Sequence[VanishedProject]:
        return held_deletions.vanished_projects(self.connection, self.source)

    def vanished_kinds(self) -> Mapping[str, int]:
        return held_deletions.vanished_kinds(self.connection, self.source)

    def vanished_shared_samples(self) -> int:
        return held_deletions.vanished_shared_samples(self.connection, self.source)

    def waiting_count(self) -> int:
        return held.held_back_count(self.connection, self.source)

    def earliest_waiting(self) -> int | None:
        return held.earliest_waiting(self.connection, self.source)

    def hold_outgrown(self, run: int) -> int:
        return held_deletions.hold_outgrown(self.connection, self.source, run)

    def hold(self, run: int, *, new: bool) -> int:
        return held_deletions.hold(self.connection, self.source, run, new=new)

    def forget_done(self) -> None:
        held_deletions.forget_done(self.connection, self.source)

    def unconfirmed_since(self, since: datetime) -> Unconfirmed:
        return unconfirmed.unconfirmed_since(self.connection, self.source, since)

    def decay_since(self, since: datetime) -> Sequence[Decay]:
        return decay.decay_since(self.connection, self.source, since)

    def note_unconfirmed(self, now: datetime) -> None:
        number, brought = self.new_count(), self.brought_count()
        unconfirmed.note_unconfirmed(
            self.connection, self.source, now, number=number, brought=brought
        )
        decay.note_decay(self.connection, self.source, now)

    def forget_unconfirmed(self, before: datetime) -> None:
        unconfirmed.forget_unconfirmed(self.connection, self.source, before)
        decay.forget_decay(self.connection, self.source, before)


@dataclass(frozen=True, slots=True)
class EmbeddedTrash:
    """See `port.deletions.Trash`."""

    connection: Connection
    source: str

    def discard(self, run: int | None, now: datetime) -> None:
        trash.discard(self.connection, self.source, run, now)

    def expired(self, before: datetime) -> list[int]:
        return trash.expired(self.connection, before, self.source)

    def purge(self, numbers: Collection[int]) -> None:
        trash.purge(self.connection, numbers)
