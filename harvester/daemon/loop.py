"""``harvester daemon``: an execution whenever one is due, until the process is told to stop.

Settings and sections are read anew for each execution; faults are logged and never end the daemon.
Whether somebody else works on a section is told by its lock alone, so daemons and ``harvester run``
may stand side by side.
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
from harvester.daemon.agenda import Agenda, Appointment
from harvester.daemon.monitor import health, metrics
from harvester.daemon.systemd import READY, STOPPING, notify, status
from harvester.execution.batch import execute_chosen, overall_of, summary
from harvester.execution.schedule import runs_once
from harvester.execution.signals import stopping_on_signals
from harvester.logs.log_format import formatter
from harvester.notices.settings_faults import WHOLE, notify_faults
from harvester.runs.job import RunOptions
from harvester.runs.section_report import SectionReport
from harvester.runs.stopping import StopRequest
from harvester.settings.chosen import Chosen, choose
from harvester.settings.section import SectionSettings
from shared.errors import ConfigError, StoppedError, SyncError
from shared.monitoring import monitored
from shared.settings.quantities import LogFormat
from shared.store.runs import Verdict

_LOOK = 10.0
"""Seconds between two looks at the clock: it may be set, and the machine may sleep."""

logger = logging.getLogger(__name__)


def daemon(options: argparse.Namespace) -> int:
    """Returns 0 when SIGTERM or SIGINT came and what was at hand is finished; with
    ``execute-only-once`` the code of that execution. Raises `ConfigError` if nothing can run."""
    chosen = choose(options.config, options.section)
    settings = chosen.settings
    _speak(settings.log_format)
    if not chosen.sections:
        raise ConfigError(
            chosen.faults or f"{settings.harvester_config_file}: there is no section to harvest"
        )
    request = StopRequest()
    watch = Watch(settings, chosen.sections)
    with stopping_on_signals(request), _monitored(watch):
        return _Daemon(options, chosen, request, watch).work()


def _speak(log_format: LogFormat) -> None:
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
    """The loop: wait, execute, look into the agenda."""

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
        """The exit code."""
        notify(READY)
        code = 0
        try:
            for one in self._appointments():
                code = self._keep(one)
                if runs_once(self._watch.settings):
                    break
        finally:
            notify(STOPPING)
            self._agenda.close()
        if self._request.is_set:
            logger.info("the daemon ends: %s", self._request.reason)
            return 0
        return code

    def _appointments(self) -> Iterator[Appointment]:
        """Each when it is due, until a stop is requested."""
        while not self._request.is_set:
            one = self._agenda.next()
            self._watch.next_run = one.due
            sections = ", ".join(sorted(one.sections)) or "all sections"
            told = f"next execution at {one.due.astimezone():%Y-%m-%d %H:%M:%S} ({sections})"
            logger.info("%s", told)
            notify(status(told))
            if not self._is_reached(one.due):
                return
            yield one

    def _is_reached(self, due: datetime) -> bool:
        """Waits until it is due; False if a stop is requested."""
        while (left := (due - datetime.now(UTC)).total_seconds()) > 0:
            self._watch.beat()
            if self._request.wait(min(left, _LOOK)):
                return False
        return not self._request.is_set

    def _keep(self, appointment: Appointment) -> int:
        """Execute what is due, and note in the agenda what follows from how it went."""
        began = datetime.now(UTC)
        notify(status("harvesting"))
        unfinished: frozenset[str] | None = None
        try:
            chosen = self._read()
            reports = self._execute(chosen, appointment)
            unfinished = frozenset(one.name for one in reports if _is_worth_a_retry(one))
            code = overall_of(chosen, reports)
        except SyncError as error:
            code = error.exit_code
            self._tell(error)
            logger.error("this execution could not begin: %s", error)  # noqa: TRY400 - it says all
        except Exception as error:
            code = SyncError.exit_code
            self._tell(error)
            logger.exception("this execution could not begin")
        logger.info("execution ended with code %d", code)
        if not self._request.is_set:
            self._agenda.kept(appointment, began, unfinished)
        return code

    def _tell(self, error: Exception) -> None:
        """Notify the contacts that could be read last."""
        lines = str(error).splitlines()
        notify_faults(self._watch.settings, None, {WHOLE: lines}, contacts=self._contacts)

    def _read(self) -> Chosen:
        chosen = choose(self._options.config, self._options.section)
        for fault in chosen.faults:
            logger.error("%s", fault)
        if chosen.settings.monitor_address != self._monitor_address:
            logger.warning("monitor-address: takes effect when the daemon is started again")
        _speak(chosen.settings.log_format)
        self._watch.settings, self._watch.sections = chosen.settings, chosen.sections
        self._contacts = chosen.contacts
        self._agenda.read(chosen)
        return chosen

    def _execute(self, chosen: Chosen, appointment: Appointment) -> list[SectionReport]:
        wanted = appointment.sections
        return execute_chosen(
            chosen,
            [one for one in chosen.sections if not wanted or one.name in wanted],
            RunOptions(request=self._request),
            _Narrator(self._watch),
        )


class _Narrator:
    """Tells the daemon's log, and its monitor, of the sections."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def began(self, section: SectionSettings) -> None:
        self._watch.began(section)

    def ended(self, section: SectionSettings, report: SectionReport) -> None:
        """One record for all that became of a section: so it stays together."""
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
    """Whether it may go better in a while, without anybody doing something."""
    stalled = isinstance(report.error, StoppedError) and report.error.stalled
    return stalled or report.verdict in {Verdict.UNREACHABLE, Verdict.FAILED}
