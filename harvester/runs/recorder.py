"""Records what a run does while it does it, so that an error in its middle loses nothing of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harvester.runs.harvested import NOTHING, Harvested
from harvester.runs.read_list import ReadList
from harvester.runs.report import Outcome, PassReport
from shared.errors import ItemError


class Recorder:
    """The kind of the section writes; the execution makes the report of `harvested`, whether the
    run ended well or not. Its methods are called in the order of the run, by one thread."""

    def __init__(self) -> None:
        self._so_far = NOTHING
        self._passes: list[tuple[bool, dict[str, Outcome]]] = []

    def begins(self, *, baseline: bool) -> None:
        """``baseline``: all files that are here are looked after, too."""
        self._so_far = replace(self._so_far, baseline=baseline)

    def has_read(self, metadata: ReadList) -> None:
        """The list is whole, and the run works with it."""
        self._so_far = replace(self._so_far, metadata=metadata)

    def pass_begins(self, *, dry_run: bool) -> None:
        """The steps that follow are those of this pass."""
        self._passes.append((dry_run, {}))

    def step_ends(self, title: str, outcome: Outcome) -> None:
        """A step of the pass at work has done its part."""
        self._passes[-1][1][title] = outcome

    def waits(self, items: Iterable[ItemError]) -> None:
        """These are all that the run does not try yet."""
        self._so_far = replace(self._so_far, waiting=tuple(items))

    def leaves(self, reason: str | None) -> None:
        """Why files are left for the next run, although nothing failed; None if none are."""
        self._so_far = replace(self._so_far, unfinished=reason)

    @property
    def harvested(self) -> Harvested:
        """All that was recorded so far; what follows does not change it."""
        passes = (PassReport(dry_run=dry, steps=dict(steps)) for dry, steps in self._passes)
        return replace(self._so_far, passes=tuple(passes))
