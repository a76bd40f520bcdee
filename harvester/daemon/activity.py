"""What a daemon has done since it started; the monitor shows it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from harvester.memory.runs import Verdict
from harvester.runs.section_report import SectionReport
from harvester.settings.harvester import HarvesterSettings
from harvester.settings.section import SectionSettings

# Seconds without a look at the clock. A daemon that waits looks much more often.
_STUCK = 60.0


@dataclass(slots=True)
class Totals:
    """Sums over all runs since the daemon started."""

    # By section and verdict. The others are by section, too.
    runs: Counter[tuple[str, Verdict]] = field(default_factory=Counter)
    items: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    # Bytes.
    transferred: Counter[str] = field(default_factory=Counter)


class Watch:
    """The daemon and its sections write to it, the monitor reads it; safe for threads."""

    def __init__(self, settings: HarvesterSettings, sections: tuple[SectionSettings, ...]) -> None:
        self._lock = threading.Lock()
        self._beat = time.monotonic()
        self._running: dict[str, datetime] = {}
        self._totals = Totals()
        self.settings = settings
        # The sections of the latest execution that can run.
        self.sections = sections
        self.started = datetime.now(UTC)
        self.next_run: datetime | None = None

    def beat(self) -> None:
        """The daemon looks at the clock."""
        self._beat = time.monotonic()

    def began(self, section: SectionSettings) -> None:
        with self._lock:
            self._running[section.name] = datetime.now(UTC)

    def ended(self, section: SectionSettings, report: SectionReport) -> None:
        name, totals = section.name, self._totals
        done, last = report.harvested, report.harvested.last
        with self._lock:
            self._running.pop(name, None)
            totals.runs[name, report.verdict] += 1
            totals.transferred[name] += report.transferred
            totals.failures[name] += len(done.failed) - len(done.waiting)
            if last and not last.dry_run:
                for (_, action), number in last.counts.items():
                    totals.items[name, action] += number

    @property
    def running(self) -> dict[str, datetime]:
        """The sections that are at work, and since when."""
        with self._lock:
            return dict(self._running)

    @property
    def totals(self) -> Totals:
        """A copy."""
        with self._lock:
            totals = self._totals
            return Totals(
                Counter(totals.runs),
                Counter(totals.items),
                Counter(totals.failures),
                Counter(totals.transferred),
            )

    @property
    def is_alive(self) -> bool:
        """Whether the daemon works or looks at the clock."""
        # The loop does not beat while sections are at work; a section has a watchdog of its own.
        return bool(self.running) or time.monotonic() - self._beat < _STUCK
