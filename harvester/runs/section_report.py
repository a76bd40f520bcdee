"""The result of a section's run: as a word, an exit code and a line."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from harvester.memory.runs import SUCCESSES, Verdict
from harvester.runs.harvested import NOTHING, Harvested
from harvester.runs.read_list import ReadList
from harvester.runs.report import PassReport, Verb
from harvester.runs.unknown_words import waiting_files
from shared.errors import (
    BusyError,
    ConfigError,
    ConflictError,
    FormatError,
    ItemError,
    SourceError,
    SourceRefusedError,
    StoppedError,
)
from shared.masking import masked
from shared.store.loss_kinds import Loss

HELD_BACK_EXIT_CODE = 8
_LOSSES = frozenset(Loss)
# The first steps, which are committed or rolled back together.
_TOGETHER = 3

_VERDICTS: tuple[tuple[type[Exception], Verdict], ...] = (  # the first that fits
    (ConfigError, Verdict.CONFIG),
    (SourceRefusedError, Verdict.REFUSED),
    (SourceError, Verdict.UNREACHABLE),
    (FormatError, Verdict.UNUSABLE),
    (ConflictError, Verdict.CONFLICT),
    (ItemError, Verdict.PARTIAL),
    (StoppedError, Verdict.STOPPED),
    (BusyError, Verdict.BUSY),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionReport:
    """The result of a section: what it harvested, and what only the execution knows."""

    name: str
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    # Its number in the destination's memory; None if it did not get that far.
    run: int | None = None
    harvested: Harvested = NOTHING
    # Bytes of files that were fetched.
    transferred: int = 0
    # Why nothing was begun, although nothing is wrong.
    not_due: str | None = None
    # What ended it, if it did not come to its end.
    error: BaseException | None = None

    @property
    def passes(self) -> tuple[PassReport, ...]:
        return self.harvested.passes

    @property
    def metadata(self) -> ReadList | None:
        return self.harvested.metadata

    @property
    def failed(self) -> list[ItemError]:
        return self.harvested.failed

    @property
    def held_back(self) -> int:
        return self.harvested.held_back

    @property
    def rehearsed_only(self) -> bool:
        return self.harvested.rehearsed_only

    @property
    def verdict(self) -> Verdict:
        if self.error:
            fitting = (verdict for kind, verdict in _VERDICTS if isinstance(self.error, kind))
            return next(fitting, Verdict.FAILED)
        if self.failed:
            return Verdict.PARTIAL
        if self.held_back:
            return Verdict.HELD_BACK
        if self.harvested.unfinished:
            return Verdict.STOPPED
        last = self.harvested.last
        return Verdict.DONE if last and last.changes else Verdict.NOTHING_TO_DO

    @property
    def exit_code(self) -> int:
        if self.error:
            return int(getattr(self.error, "exit_code", 1))
        codes = {
            Verdict.PARTIAL: ItemError.exit_code,
            Verdict.HELD_BACK: HELD_BACK_EXIT_CODE,
            Verdict.STOPPED: StoppedError.exit_code,
        }
        return codes.get(self.verdict, 0)

    @property
    def waiting_files(self) -> str | None:
        """A sentence on data sets whose files the source cannot give now; None if there are none.
        They are no failures: the files come when the source has them."""
        last = self.harvested.last
        return waiting_files(last.unknown) if last else None

    @property
    def last_line(self) -> str:
        """The result and what to do, for a person."""
        line = f"{self._ending}{self._deleted}"
        if self.waiting_files and not self.error and not self.rehearsed_only:
            line += f"; {self.waiting_files}"
        return line

    @property
    def _deleted(self) -> str:
        """Deletions are always reported, as soon as they are committed: a person may want to undo
        them."""
        last = self.harvested.last
        number = last.number(Verb.DELETED) if last else 0
        if last is None or not number or (self.error and len(last.steps) <= _TOGETHER):
            return ""
        were = "would be" if self.rehearsed_only else "were"
        return f"; {number} {were} deleted"

    @property
    def _ending(self) -> str:
        match self.verdict:
            case Verdict.STOPPED:
                return f"STOPPED: {self._why or self.harvested.unfinished}"
            case Verdict.BUSY:
                return f"BUSY: {self._why}"
            case Verdict.PARTIAL if not self.error:
                return f"PARTIAL: {len(self.failed)} items failed and will be tried again"
            case Verdict.HELD_BACK:
                return (
                    f"HELD BACK: {self._held()} wait for confirmation, all else is "
                    f"done; if they are right: harvester release {self.run or 'RUN'}"
                )
            case verdict if verdict in SUCCESSES:
                return self._success()
            case _:
                return f"FAILED: {self._why}"

    @property
    def _why(self) -> str:
        """The error on one line. It may come from a driver, which repeats its input."""
        match self.error:
            case None:
                return ""
            case ConfigError():
                return "; ".join(self.error.faults)
            case ConflictError():
                return "; ".join(self.error.reasons)
        return masked(str(self.error))

    def _held(self) -> str:
        """Deletions and, apart from them, what updates would lose."""
        counts = self.passes[-1].counts
        lost = sum(
            n for (kind, verb), n in counts.items() if verb == Verb.HELD_BACK and kind in _LOSSES
        )
        gone = self.held_back - lost
        parts = [f"{gone} deletions"] if gone or not lost else []
        return " and ".join([*parts, *([f"{lost} losses of contents"] if lost else [])])

    def _success(self) -> str:
        if self.not_due:
            return f"OK: {self.not_due}"
        if self.rehearsed_only:
            return "OK: the dry run found no error; nothing was changed"
        done = "nothing to do" if self.verdict is Verdict.NOTHING_TO_DO else "everything is done"
        if alone := self.passes[-1].number(Verb.SKIPPED):
            return f"OK: {done}; {alone} items were left alone, the notes say why"
        if self.waiting_files:
            return f"OK: {done}"
        return f"OK: {done}, source and destination agree"
