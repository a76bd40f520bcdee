"""What the daemon is going to do: the next regular execution, and sections to be tried again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from harvester.daemon.next_date import read_next_date, write_next_date
from harvester.execution.schedule import Schedule, remarks, schedule_of
from harvester.settings.chosen import Chosen
from shared.errors import BusyError, SyncError
from shared.store.engine import database_errors, opened_store, work
from shared.store.runs import last_run
from shared.store.schedule import remember_next_run
from shared.store.writers import Pause, wait_for_writers

_PATIENCE = 2.0
"""Seconds to wait for other writers before it is not written down when the next run is due."""

logger = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """An execution that is due."""

    due: datetime
    again: int = 0
    """0: a regular one, of all sections. 1: the first retry of those that failed, and so on."""
    sections: frozenset[str] = frozenset()
    """The names of those to be tried again; none: all."""
    pauses: tuple[timedelta, ...] = ()
    """Before the retries that are left."""


class Agenda:
    """Kept in mind, and what must outlive the daemon also in ``run-schedule-file`` and in the
    destination, where ``harvester status`` finds it."""

    def __init__(self, chosen: Chosen, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._remarks: list[str] = []
        self._remembered: datetime | None = None
        self._chosen = chosen
        self._schedule = self._read_schedule()
        self._regular = Appointment(due=self._first())
        self._retry: Appointment | None = None

    def next(self) -> Appointment:
        """What is due next; the regular execution wins over a retry, which it includes."""
        one = self._regular
        if self._retry and self._retry.due < one.due:
            one = self._retry
        self._remember(one.due)
        return one

    def read(self, chosen: Chosen) -> None:
        """The settings were read anew; from the next appointment on they count."""
        self._chosen = chosen
        self._schedule = self._read_schedule()

    def kept(
        self, appointment: Appointment, began: datetime, unfinished: frozenset[str] | None
    ) -> None:
        """It has ended. ``unfinished``: sections to be tried again; None: it could not begin."""
        pauses = appointment.pauses
        if not appointment.again:
            self._plan_regular(appointment.due, began)
            pauses = tuple(sorted(self._chosen.settings.retry_intervals_after_failure))
        self._retry = None
        if pauses and (unfinished is None or unfinished):
            self._retry = Appointment(
                due=self._clock() + pauses[0],
                again=appointment.again + 1,
                sections=unfinished or frozenset(),
                pauses=pauses[1:],
            )

    def close(self) -> None:
        """The daemon ends: nothing is due any more that somebody would do."""
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
        if saved and saved <= now:
            logger.warning("the execution of %s was missed: it is made up for now", saved)
        else:
            write_next_date(file, first, self._schedule.zone)
        return first

    def _plan_regular(self, due: datetime, began: datetime) -> None:
        """What became due while it was at work is made up for at once, and once; but not what
        passed before it began, while the machine slept."""
        following = self._schedule.after(due)
        if following <= began:
            following = self._schedule.after(began)
        following = max(following, self._clock())
        self._regular = Appointment(due=following)
        if self._schedule.rules:
            file = self._chosen.settings.run_schedule_file
            write_next_date(file, following, self._schedule.zone)

    def _last(self) -> datetime | None:
        """When the last run of that section began which waits longest."""
        try:
            with (
                opened_store(self._chosen.settings.database_url) as engine,
                database_errors(engine),
                engine.connect() as connection,
            ):
                runs = [last_run(connection, one.alias) for one in self._chosen.sections]
        except SyncError as error:
            logger.warning("when the last run was is not known: %s", error)
            return None
        return min((run.started for run in runs if run), default=None)

    def _remember(self, when: datetime | None) -> None:
        """For those who ask for the status; that it does not succeed is nothing to worry about."""
        if when == self._remembered:
            return
        try:
            with opened_store(self._chosen.settings.database_url) as engine:
                wait_for_writers(engine, _impatient())
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


def _impatient() -> Pause:
    deadline = time.monotonic() + _PATIENCE

    def pause(seconds: float) -> None:
        if time.monotonic() > deadline:
            raise BusyError("another program writes to the destination")
        time.sleep(seconds)

    return pause
