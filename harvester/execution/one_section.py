"""The edge of a section: its lock, its log, its record, and what happens to an error that ends it.

Every exception is caught here: a section that fails must not stop others.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from harvester.logs.section_log import SectionLog, section_log
from harvester.memory.runs import (
    RunBegin,
    RunEnd,
    abandon_runs,
    at_work,
    begin_run,
    end_run,
    forget_runs,
    latest_list,
)
from harvester.notices.notifying import notify
from harvester.runs.destination import Destination
from harvester.runs.job import Job, RunOptions
from harvester.runs.recorder import Recorder
from harvester.runs.section_report import SectionReport
from harvester.runs.section_work import not_due, synchronise
from harvester.runs.stopping import RunLimits
from harvester.runs.trusted_clock import trusted
from harvester.settings.section import SectionSettings
from shared.checkpoints import checkpoint
from shared.errors import BusyError, StoppedError, SyncError
from shared.store.engine import database_errors, viewing, work
from shared.store.locks import section_lock
from shared.store.writers import wait_for_writers

logger = logging.getLogger(__name__)

# Seconds between two tries to lock a section that another process works on.
_ASK_AGAIN = 0.5
# Minimum wait: ``harvester status`` takes the same lock briefly.
_MOMENT = timedelta(seconds=2)


def execute_section(
    config: SectionSettings, destination: Destination, options: RunOptions | None = None
) -> SectionReport:
    """Harvest a section. The result is in the report, in the section's log, in the destination's
    memory of runs and, if it is worth it, in a notice to the operators."""
    options = options or RunOptions()
    report = SectionReport(name=config.name)
    written = b""
    try:
        with section_log(config) as log:
            report = _execute(config, destination, options, log, report.started)
            written = log.tail()
    except SyncError as error:
        report = replace(report, error=error)
    notify(config, destination, report, written)
    return report


def _execute(
    config: SectionSettings,
    destination: Destination,
    options: RunOptions,
    log: SectionLog,
    started: datetime,
) -> SectionReport:
    if not (options.forced or options.bundle) and (reason := not_due(config)):
        report = SectionReport(name=config.name, started=started, not_due=reason)
        log.logger.info("%s", report.last_line)
        return report
    return _Execution(
        config=config,
        destination=destination,
        options=options,
        log=log,
        started=started,
        recorder=Recorder(),
        limits=RunLimits(config, options.request),
    ).perform()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Execution:
    """One execution of a section that is due. Only this class makes reports of what was
    harvested."""

    config: SectionSettings
    destination: Destination
    options: RunOptions
    log: SectionLog
    started: datetime
    recorder: Recorder
    limits: RunLimits

    def perform(self) -> SectionReport:
        engine, run = self.destination.engine, None
        error: Exception | None = None
        try:
            with (
                database_errors(engine),
                engine.connect() as connection,
                _alone(connection, self.config, self.options, self.limits),
            ):
                run = self._begin(connection)
                checkpoint("the run is noted")
                self._harvest(connection, run)
        except BusyError as busy:
            error = busy  # the process at work writes the log
        except Exception as raised:
            error = raised
            self.log.logger.exception("The synchronization was aborted")
        report = self._report(run, error)
        if not isinstance(error, BusyError):
            self.log.logger.info("%s", report.last_line)
        return report

    def _report(self, run: int | None, error: BaseException | None) -> SectionReport:
        return SectionReport(
            name=self.config.name,
            started=self.started,
            run=run,
            harvested=self.recorder.harvested,
            transferred=self.limits.transferred,
            error=error,
        )

    def _begin(self, connection: Connection) -> int:
        """Write the beginning of the run into the destination's memory; returns its number."""
        config, started = self.config, self.started
        with work(connection) as transaction, transaction():
            # The row of the new run has no end either, so it must not be there yet.
            for killed in abandon_runs(connection, config.alias, started):
                logger.warning("[%s] run %d was killed on the way", config.name, killed.id)
            keep = timedelta(days=self.destination.settings.run_retention_days)
            # Without a list of the source the clock cannot be checked, and no run is forgotten.
            if agreed := trusted(started, latest_list(connection, config.alias)):
                forget_runs(connection, config.alias, agreed - keep)
            return begin_run(
                connection,
                RunBegin(
                    source=config.alias,
                    section=config.name,
                    started=started,
                    worker=f"process {os.getpid()} on {socket.gethostname()}",
                    dry_run=config.dry_run,
                ),
            )

    def _harvest(self, connection: Connection, run: int) -> None:
        """Perform the run; its end goes into the destination's memory, however it ends."""

        def note(error: Exception | None) -> None:
            _write_end(connection, run, self._report(run, error))

        with _Ending(self.limits, note):
            synchronise(self._job(connection, run))

    def _job(self, connection: Connection, run: int) -> Job[SectionSettings]:
        return Job(
            config=self.config,
            destination=self.destination,
            connection=connection,
            log=self.log,
            recorder=self.recorder,
            limits=self.limits,
            options=self.options,
            started=self.started,
            run=run,
        )


@contextmanager
def _alone(
    connection: Connection, config: SectionSettings, options: RunOptions, limits: RunLimits
) -> Iterator[None]:
    """Hold the section's lock. Raises `BusyError` if another process keeps it too long."""
    wait_for_writers(connection, limits.sleep)  # of other sections, until a stop is requested
    until = datetime.now(UTC) + max(options.patience, _MOMENT)
    # Without --wait only `_MOMENT` passes, which is not worth a warning.
    told = not options.patience
    while True:
        with section_lock(connection, config.alias) as held:
            if held:
                yield
                return
        if datetime.now(UTC) >= until:
            raise BusyError(
                f"[{config.name}] {_who(connection, config)}; wait for it with --wait, or try "
                "again later"
            )
        if not told:
            logger.warning("[%s] waits: %s", config.name, _who(connection, config))
            told = True
        limits.sleep(_ASK_AGAIN)


def _who(connection: Connection, config: SectionSettings) -> str:
    with viewing(connection):
        other = at_work(connection, config.alias)
    if other is None:
        return "another process is just beginning or ending a run of this section"
    return (
        f"{other.worker} works on this section since {other.started:%Y-%m-%d %H:%M:%S} UTC (run "
        f"{other.id})"
    )


@dataclass(frozen=True, slots=True)
class _Ending:
    """Notes how a run ended when its block is left. An error that the watchdog caused leaves the
    block as the watchdog's own."""

    limits: RunLimits
    note: Callable[[Exception | None], None]

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        _class: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception):
            stalled = _stalled(self.limits, error)
            self.note(stalled or error)
            if stalled:
                raise stalled from error
        else:
            is_interrupted = isinstance(error, KeyboardInterrupt)
            self.note(StoppedError("interrupted by the keyboard") if is_interrupted else None)


def _stalled(limits: RunLimits, error: Exception) -> StoppedError | None:
    """The watchdog's reason, if the watchdog caused the failure."""
    if isinstance(error, StoppedError) or not limits.stalled:
        return None
    # The watchdog cut the connections, so the error itself only says that one is broken.
    return StoppedError(limits.reason or "", stalled=True)


def _write_end(connection: Connection, run: int, report: SectionReport) -> None:
    """Write the end on a connection of its own: that of the run may be broken."""
    done = report.harvested
    end = RunEnd(
        ended=datetime.now(UTC),
        verdict=report.verdict,
        exit_code=report.exit_code,
        message=report.last_line,
        at=done.metadata.at if done.metadata else None,
        baseline=done.baseline,
        bytes=report.transferred,
        records=done.metadata.entities if done.metadata else None,
        counts=done.last.counts if done.last else {},
        failures=done.failed,
    )
    try:
        with (
            database_errors(connection.engine),
            connection.engine.connect() as other,
            work(other) as transaction,
            transaction(),
        ):
            end_run(other, run, end)
    except (SyncError, SQLAlchemyError):
        # What was committed stays; the next run finds this one without an end, as if it was killed.
        logger.exception("the end of run %d could not be written down", run)
