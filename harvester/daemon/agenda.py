"""When the daemon executes next: the regular execution, and retries of sections that failed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from harvester.daemon.next_date import read_next_date, write_next_date
from harvester.execution.schedule import Schedule, remarks, schedule_of
from harvester.memory.next_run import remember_next_run
from harvester.memory.runs import last_run
from harvester.settings.chosen import Chosen
from shared.errors import BusyError, SyncError
from shared.store.engine import database_errors, opened_store, work
from shared.store.writers import Pause, wait_for_writers

# Seconds to wait for other writers before giving up to save when the next run is due.
_PATIENCE = 2.0

logger = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRun:
    """An execution that is due."""

    due: datetime
    # 0: a regular execution of all sections. 1: the first retry of sections that failed.
    again: int = 0
    # Names of the sections to execute; empty: all.
    sections: frozenset[str] = frozenset()
    # The pauses before the retries that are left.
    pauses: tuple[timedelta, ...] = ()


class Agenda:
    """The next runs. What must outlive the daemon is also in ``run-schedule-file`` and in the
    destination, for ``harvester status``."""

    def __init__(self, chosen: Chosen, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._remarks: list[str] = []
        self._remembered: datetime | None = None
        self._chosen = chosen
        self._schedule = self._read_schedule()
        self._regular = DueRun(due=self._first())
        self._retry: DueRun | None = None

    def next(self) -> DueRun:
        """What is due next. The regular execution replaces a retry, since it includes it."""
        one = self._regular
        if self._retry and self._retry.due < one.due:
            one = self._retry
        self._remember(one.due)
        return one

    def read(self, chosen: Chosen) -> None:
        """Take new settings. They hold from the next due run on."""
        self._chosen = chosen
        self._schedule = self._read_schedule()

    def ended(self, run: DueRun, began: datetime, unfinished: frozenset[str] | None) -> None:
        """Plan what follows. ``unfinished``: sections to try again; None: it could not begin."""
        pauses = run.pauses
        if not run.again:
            self._plan_regular(run.due, began)
            pauses = tuple(sorted(self._chosen.settings.retry_intervals_after_failure))
        self._retry = None
        if pauses and (unfinished is None or unfinished):
            self._retry = DueRun(
                due=self._clock() + pauses[0],
                again=run.again + 1,
                sections=unfinished or frozenset(),
                pauses=pauses[1:],
            )

    def close(self) -> None:
        """The daemon ends: it will execute nothing more."""
        self._remember(None)

    def _read_schedule(self) -> Schedule:
        settings = self._chosen.settings
        if (found := remarks(settings)) != self._remarks:
            self._remarks = found
            for remark in found:
                logger.warning("%s", remark)
        return schedule_of(settings)

    def _first(self) -> datetime:
        now, file = self._clock(), self._chosen.settings.run_schedule_file
        if not self._schedule.rules:
            return self._schedule.first(now, last=self._last() if self._schedule.start else None)
        saved = read_next_date(file, self._schedule.zone)
        first = self._schedule.first(now, saved=saved)
        # A missed date stays in the file until its run has ended, so that a daemon that dies before
        # does not lose it.
        if saved and saved <= now:
            logger.warning("the execution of %s was missed: it is made up for now", saved)
        else:
            write_next_date(file, first, self._schedule.zone)
        return first

    def _plan_regular(self, due: datetime, began: datetime) -> None:
        """If runs became due while this one was at work, one follows at once. Runs that were
        missed before it began, while the machine slept, are not made up for."""
        following = self._schedule.after(due)
        if following <= began:
            following = self._schedule.after(began)
        following = max(following, self._clock())
        self._regular = DueRun(due=following)
        if self._schedule.rules:
            file = self._chosen.settings.run_schedule_file
            write_next_date(file, following, self._schedule.zone)

    def _last(self) -> datetime | None:
        """The earliest of the beginnings of the sections' last runs."""
        try:
            with (
                opened_store(self._chosen.settings.database_url) as engine,
                database_errors(engine),
                engine.connect() as connection,
            ):
                runs = [last_run(connection, one.alias) for one in self._chosen.sections]
        except SyncError as error:
            logger.warning("the time of the last run is not known: %s", error)
            return None
        return min((run.started for run in runs if run), default=None)

    def _remember(self, when: datetime | None) -> None:
        """Save it for ``harvester status``. A failure to do so only goes to the log."""
        if when == self._remembered:
            return
        try:
            with opened_store(self._chosen.settings.database_url) as engine:
                wait_for_writers(engine, _short_wait())
                with (
                    database_errors(engine),
                    engine.connect() as connection,
                    work(connection) as transaction,
                    transaction(),
                ):
                    remember_next_run(connection, when)
            self._remembered = when
        except SyncError as error:
            logger.info("the status will not show when the next execution is due: %s", error)


def _short_wait() -> Pause:
    deadline = time.monotonic() + _PATIENCE

    def pause(seconds: float) -> None:
        if time.monotonic() > deadline:
            raise BusyError("another program writes to the destination")
        time.sleep(seconds)

    return pause
