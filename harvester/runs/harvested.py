"""What a run of a section has read and done, and what it left."""

from __future__ import annotations

from dataclasses import dataclass

from harvester.runs.read_list import ReadList
from harvester.runs.report import PassReport
from shared.errors import ItemError


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvested:
    """What happened from the beginning of a run to its end, or to the error that ended it.
    `harvester.runs.recorder.Recorder` makes it."""

    baseline: bool = False
    metadata: ReadList | None = None
    passes: tuple[PassReport, ...] = ()
    # Failed earlier, and not tried in this run because their pause is not over.
    waiting: tuple[ItemError, ...] = ()
    # Why files were left for the next run, although nothing failed.
    unfinished: str | None = None

    @property
    def last(self) -> PassReport | None:
        """The present pass, or the last one."""
        return self.passes[-1] if self.passes else None

    @property
    def failed(self) -> list[ItemError]:
        """Items that were not synchronised in this run, those not tried included."""
        faults = list(self.metadata.faults) if self.metadata else []
        return faults + (self.last.failed if self.last else []) + list(self.waiting)

    @property
    def held_back(self) -> int:
        return self.last.held_back if self.last else 0

    @property
    def rehearsed_only(self) -> bool:
        """Whether no real pass has begun."""
        return all(one.dry_run for one in self.passes)


NOTHING = Harvested()
