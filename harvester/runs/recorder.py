"""Records what a run does as it happens, so that an error in the middle loses nothing of the
report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harvester.runs.harvested import NOTHING, Harvested
from harvester.runs.read_list import ReadList
from harvester.runs.report import Outcome, PassReport
from shared.errors import ItemError


class Recorder:
    """The kind of the section writes into it; the execution makes the report from `harvested`,
    whether the run succeeded or not. One thread calls the methods, in the order of the run."""

    def __init__(self) -> None:
        self._so_far = NOTHING
        self._passes: list[tuple[bool, dict[str, Outcome]]] = []

    def begins(self, *, baseline: bool) -> None:
        """The run begins. ``baseline``: it also checks all files that are here."""
        self._so_far = replace(self._so_far, baseline=baseline)

    def has_read(self, metadata: ReadList) -> None:
        """The list is whole, and the run uses it."""
        self._so_far = replace(self._so_far, metadata=metadata)

    def pass_begins(self, *, dry_run: bool) -> None:
        """A pass begins; the following steps belong to it."""
        self._passes.append((dry_run, {}))

    def step_ends(self, title: str, outcome: Outcome) -> None:
        """A step of the present pass has ended."""
        self._passes[-1][1][title] = outcome

    def waits(self, items: Iterable[ItemError]) -> None:
        """All items that the run does not try yet."""
        self._so_far = replace(self._so_far, waiting=tuple(items))

    def leaves(self, reason: str | None) -> None:
        """The reason why files are left for the next run although nothing failed; None if none
        are."""
        self._so_far = replace(self._so_far, unfinished=reason)

    @property
    def harvested(self) -> Harvested:
        """All that was recorded so far; later records do not change it."""
        passes = (PassReport(dry_run=dry, steps=dict(steps)) for dry, steps in self._passes)
        return replace(self._so_far, passes=tuple(passes))
