"""``harvester daemon``: an execution whenever one is due, until a signal stops the process.

Settings and sections are read anew for each execution; faults are logged and never end the daemon.
The lock of a section alone says whether another process works on it, so daemons and ``harvester
run`` may run side by side.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from harvester.daemon.activity import Watch
from harvester.daemon.agenda import Agenda, DueRun
from harvester.daemon.monitor import health, metrics
from harvester.daemon.systemd import READY, STOPPING, notify, status
from harvester.execution.batch import execute_chosen, overall_of, summary
from harvester.execution.schedule import runs_once
from harvester.execution.signals import stopping_on_signals
from harvester.logs.log_format import formatter
from harvester.memory.runs import Verdict
from harvester.notices.settings_faults import WHOLE, notify_faults
from harvester.runs.job import RunOptions
from harvester.runs.section_report import SectionReport
from harvester.runs.stopping import StopRequest
from harvester.settings.chosen import Chosen, choose
from harvester.settings.section import SectionSettings
from shared.edges import ErrorEdge
from shared.errors import ConfigError, StoppedError, SyncError
from shared.monitoring import monitored
from shared.settings.quantities import LogFormat

# Seconds between two looks at the clock, since it may be set, and the machine may sleep.
_LOOK = 10.0

logger = logging.getLogger(__name__)


def daemon(options: argparse.Namespace) -> int:
    """Returns 0 after SIGTERM or SIGINT, when the items at hand are finished; with
    ``execute-only-once`` the code of that execution. Raises `ConfigError` if nothing can run."""
    chosen = choose(options.config, options.section)
    settings = chosen.settings
    _set_format(settings.log_format)
    if not chosen.sections:
        raise ConfigError(
            chosen.faults or f"{settings.harvester_config_file}: there is no section to harvest"
        )
    request = StopRequest()
    watch = Watch(settings, chosen.sections)
    with stopping_on_signals(request), _monitored(watch):
        return _Daemon(options, chosen, request, watch).work()


def _set_format(log_format: LogFormat) -> None:
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter(log_format))


@contextmanager
def _monitored(watch: Watch) -> Iterator[None]:
    if not (address := watch.settings.monitor_address):
        yield
        return
    with monitored(address, partial(metrics, watch), partial(health, watch)) as port:
        logger.info("/healthz and /metrics are served at http://%s", replace(address, port=port))
        yield


class _Daemon:
    """The loop: ask the agenda, wait, execute."""

    def __init__(
        self, options: argparse.Namespace, chosen: Chosen, request: StopRequest, watch: Watch
    ) -> None:
        self._options = options
        self._request = request
        self._watch = watch
        self._monitor_address = chosen.settings.monitor_address
        self._contacts = chosen.contacts
        self._agenda = Agenda(chosen)

    def work(self) -> int:
        """Returns the exit code."""
        notify(READY)
        code = 0
        try:
            for one in self._due_runs():
                code = self._execute(one)
                if runs_once(self._watch.settings):
                    break
        finally:
            notify(STOPPING)
            self._agenda.close()
        if self._request.is_set:
            logger.info("the daemon ends: %s", self._request.reason)
            return 0
        return code

    def _due_runs(self) -> Iterator[DueRun]:
        """Yield each run when it is due, until a stop is requested."""
        while not self._request.is_set:
            one = self._agenda.next()
            self._watch.next_run = one.due
            sections = ", ".join(sorted(one.sections)) or "all sections"
            plan = f"next execution at {one.due.astimezone():%Y-%m-%d %H:%M:%S} ({sections})"
            logger.info("%s", plan)
            notify(status(plan))
            if not self._is_reached(one.due):
                return
            yield one

    def _is_reached(self, due: datetime) -> bool:
        """Wait until a run is due; False if a stop is requested."""
        while (left := (due - datetime.now(UTC)).total_seconds()) > 0:
            self._watch.beat()
            if self._request.wait(min(left, _LOOK)):
                return False
        return not self._request.is_set

    def _execute(self, due_run: DueRun) -> int:
        """Execute a run, and let the agenda plan what follows. Returns the exit code."""
        began = datetime.now(UTC)
        notify(status("harvesting"))
        unfinished: frozenset[str] | None = None
        code = SyncError.exit_code
        fault = "this execution could not begin"
        with ErrorEdge(logger, fault, brief=f"{fault}: %s") as edge:
            chosen = self._read()
            reports = self._harvest(chosen, due_run)
            unfinished = frozenset(one.name for one in reports if _is_worth_a_retry(one))
            code = overall_of(chosen, reports)
        if edge.error:
            if isinstance(edge.error, SyncError):
                code = edge.error.exit_code
            self._notify(edge.error)
        logger.info("execution ended with code %d", code)
        # A regular run that a stop cut short stays due: its date stays in run-schedule-file, and
        # the next daemon makes up for it.
        if not self._request.is_set:
            self._agenda.ended(due_run, began, unfinished)
        return code

    def _notify(self, error: Exception) -> None:
        """Notify the contacts that could be read last."""
        lines = str(error).splitlines()
        notify_faults(self._watch.settings, None, {WHOLE: lines}, contacts=self._contacts)

    def _read(self) -> Chosen:
        chosen = choose(self._options.config, self._options.section)
        for fault in chosen.faults:
            logger.error("%s", fault)
        if chosen.settings.monitor_address != self._monitor_address:
            logger.warning("monitor-address: takes effect when the daemon is started again")
        _set_format(chosen.settings.log_format)
        self._watch.settings, self._watch.sections = chosen.settings, chosen.sections
        self._contacts = chosen.contacts
        self._agenda.read(chosen)
        return chosen

    def _harvest(self, chosen: Chosen, due_run: DueRun) -> list[SectionReport]:
        wanted = due_run.sections
        return execute_chosen(
            chosen,
            [one for one in chosen.sections if not wanted or one.name in wanted],
            RunOptions(request=self._request),
            _Reporter(self._watch),
        )


class _Reporter:
    """Reports each section to the daemon's log and to its monitor."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def began(self, section: SectionSettings) -> None:
        self._watch.began(section)

    def ended(self, section: SectionSettings, report: SectionReport) -> None:
        """Log all lines of a section in one record, so that they stay together."""
        self._watch.ended(section, report)
        logger.log(
            logging.WARNING if report.exit_code else logging.INFO,
            "%s",
            report.last_line,
            extra={
                "lines": tuple(summary(report)),
                "event": "section ended",
                "context": {"section": report.name, "run": report.run},
                "fields": {"verdict": report.verdict.value, "exit_code": report.exit_code},
            },
        )


def _is_worth_a_retry(report: SectionReport) -> bool:
    """Whether the run may succeed later without any change by an operator."""
    stalled = isinstance(report.error, StoppedError) and report.error.stalled
    return stalled or report.verdict in {Verdict.UNREACHABLE, Verdict.FAILED}
