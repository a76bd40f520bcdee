"""Submits templates to the repository's queue, each exactly once.

The state file records each submission before it is sent and after it is answered. A submission
without an answer is looked for in the queue instead of being sent again; one that arrived in part
is completed. A submission counts as accepted when the repository shows it, whatever its answer was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harvester.http.retries import OutOfReachError
from harvester.runs.report import Outcome, Verb
from opendcim.records.records import Template
from opendcim.sync.installation.installed import LocalTemplate
from opendcim.sync.repository.lists import Repository
from opendcim.sync.repository.memory import Memory, SentSubmission
from opendcim.sync.repository.queue import KIND, Queue, RefusedError
from opendcim.sync.repository.submission import Parcel, parcel
from opendcim.sync.section import Units
from shared.errors import FormatError, ItemError, SourceError, SourceRefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedOutbox:
    """Packs the submissions and reports them; the repository is not asked."""

    folder: Path
    units: Units
    memory: Memory

    def open(self) -> None:
        pass

    def forget_unmarked(self, marked: frozenset[int]) -> None:
        pass

    def report_decisions(self, outcome: Outcome) -> None:
        pass

    def submit(self, local: LocalTemplate, global_manufacturer: int, outcome: Outcome) -> bool:
        packed = parcel(local, global_manufacturer, self.folder, self.units, None)
        known = self.memory.submission(local.template_id)
        if known and known.digest == packed.digest and known.accepted:
            return local.shared
        outcome.note(Verb.CREATED, KIND, [local.model])
        pictures = ", ".join(f"{side} {name}" for side, (name, _) in packed.pictures.items())
        outcome.plan.append(
            f"{local.model}: submitted to the queue, as the repository's manufacturer "
            f"{global_manufacturer}, {len(packed.record.ports)} ports, "
            f"{len(packed.record.power_ports)} power ports, {len(packed.record.slots)} slots, "
            f"pictures: {pictures or 'none'}"
        )
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class RealOutbox:
    """Submits to a queue that has a key."""

    folder: Path
    units: Units
    memory: Memory
    queue: Queue
    repository: Repository
    # See `Pass.seen`.
    seen: Mapping[int, str]

    def open(self) -> None:
        self.queue.check_key()

    def forget_unmarked(self, marked: frozenset[int]) -> None:
        """A submission that was not accepted is forgotten when its template is no longer marked: it
        may be marked again."""
        for number, one in self.memory.submitted.items():
            if number not in marked and not one.accepted:
                self.memory.forget_submission(number)

    def report_decisions(self, outcome: Outcome) -> None:
        submitted = self.memory.submitted.items()
        waiting = {n: one for n, one in submitted if one.accepted and not one.decided}
        decisions = self.queue.decisions() if waiting else {}
        for number, one in waiting.items():
            if decision := decisions.get(one.request_id):
                why = f": {decision.reason}" if decision.reason else ""
                outcome.remark(f"{one.model}: request {one.request_id} was {decision.state}{why}")
                self.memory.keep_submission(number, one.model_copy(update={"decided": True}))

    def submit(self, local: LocalTemplate, global_manufacturer: int, outcome: Outcome) -> bool:
        published = self.repository.template(local.global_id) if local.global_id else None
        packed = parcel(local, global_manufacturer, self.folder, self.units, published)
        known = self.memory.submission(local.template_id)
        if known and known.digest != packed.digest:
            known = None
        # The settings name this template, or a bundle brought it: there is no mark whose clearing
        # keeps the next run from submitting it again.
        if known and known.accepted and not local.shared:
            return True
        if published and self._is_published(packed, published):
            outcome.remark(f"{local.model}: the repository has it already, just like that")
            return True
        if known and known.accepted:
            if not self.queue.is_gone(known.request_id):
                outcome.remark(f"{local.model}: submitted already, as request {known.request_id}")
                return True
            known = None  # it was rejected, and is marked again
        if known is None:
            stamp = published.last_modified if published else self.seen.get(local.template_id, "")
            known = self._sent(local, packed, stamp)
            outcome.note(Verb.CREATED, KIND, [local.model])
        elif not known.request_id:
            known = self._found(local, packed, known)
        self._complete(local, packed, known)
        return True

    def _is_published(self, packed: Parcel, published: Template) -> bool:
        """Whether the published template is exactly this one, pictures included."""
        if any("PictureFile" not in text for text in packed.lost_in(published)):
            return False
        for side, address in published.picture_files.items():
            mine = packed.pictures.get(side)
            theirs = self.memory.picture(address) if address else None
            if (mine[1].sha256 if mine else None) != (theirs.sha256 if theirs else None):
                return False
            # A published picture that was never fetched has no hash, like a side without picture.
            if bool(mine) != bool(address):
                return False
        return True

    def _sent(self, local: LocalTemplate, packed: Parcel, published: str) -> SentSubmission:
        """Records the submission before and after sending it."""
        intent = SentSubmission(
            digest=packed.digest,
            model=local.model,
            submitted=datetime.now(UTC),
            published=published,
        )
        self.memory.keep_submission(local.template_id, intent)
        try:
            number = self.queue.submit(packed)
        except (RefusedError, OutOfReachError, SourceRefusedError):
            self.memory.forget_submission(local.template_id)  # nothing arrived
            raise
        except (SourceError, FormatError) as error:
            raise ItemError(
                KIND, local.model, f"it is not known whether the repository took it: {error}"
            ) from error
        return self._noted(local, intent, request_id=number)

    def _found(self, local: LocalTemplate, packed: Parcel, known: SentSubmission) -> SentSubmission:
        """The request of a submission that was not answered. Raises `ItemError` if it is not
        found."""
        number = self.queue.find(packed.record)
        if number is None:
            raise ItemError(
                KIND,
                local.model,
                f"was sent on {known.submitted:%Y-%m-%d %H:%M} UTC, but not answered, and the queue"
                " does not show it to this key; so that it is not there twice, it is sent again "
                "only if it is changed, or after a run in which it is not marked as shared",
            )
        return self._noted(local, known, request_id=number)

    def _complete(self, local: LocalTemplate, packed: Parcel, known: SentSubmission) -> None:
        """Adds the pictures, reads the submission back, and records it as accepted. Raises
        `ItemError`."""
        number = known.request_id
        if packed.pictures and not known.with_pictures:
            try:
                self.queue.add_pictures(number, packed)
            except (RefusedError, FormatError) as error:
                raise ItemError(
                    KIND,
                    local.model,
                    f"is in the queue as request {number}, but without its pictures: {error}; the "
                    "next run tries them again",
                ) from error
            known = self._noted(local, known, with_pictures=True)
        stored = self.queue.pending(number)
        if stored and (lost := packed.lost_in(stored)):
            raise ItemError(
                KIND,
                local.model,
                f"the repository has request {number} otherwise than it was sent "
                f"({'; '.join(lost[:5])}); it is not sent again unless it is changed: ask the "
                "moderators to reject it",
            )
        self._noted(local, known, accepted=True)

    def _noted(self, local: LocalTemplate, known: SentSubmission, **news: object) -> SentSubmission:
        updated = known.model_copy(update=news)
        self.memory.keep_submission(local.template_id, updated)
        return updated
