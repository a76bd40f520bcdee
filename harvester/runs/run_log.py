"""The log of a run as the run sees it; `harvester.logs.section_log` writes it to a file."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from harvester.runs.progress import Progress
from harvester.runs.read_list import ReadList
from harvester.runs.report import Outcome
from harvester.runs.stopping import RunLimits

# The values of a line, for programs that read the log.
Fields = dict[str, object]


class RunLog(Protocol):
    """The log of a run. Its methods are called in the order of the run."""

    @property
    def logger(self) -> logging.Logger:
        """For lines without a form of their own."""
        ...

    def begins(
        self, lines: Sequence[str], fields: Fields, *, run: int | None, limits: RunLimits | None
    ) -> None:
        """The head of a run; the last line is the most important. ``run`` is the number of the
        run; the ``limits`` count the bytes that have come."""
        ...

    def read(self, metadata: ReadList) -> None:
        """Write what the list shows."""
        ...

    def pass_begins(self, *, dry_run: bool) -> None:
        """Write that the dry-run pass or the real pass begins."""
        ...

    def step(self, title: str) -> AbstractContextManager[Progress]:
        """Surrounds each step, reading included."""
        ...

    def outcome(self, title: str, outcome: Outcome) -> None:
        """Write what a step did."""
        ...
