"""Executes sections, in parallel if configured. No section stops another one."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Protocol

from harvester.execution.one_section import execute_section
from harvester.notices.settings_faults import notify_faults
from harvester.runs.destination import Destination
from harvester.runs.job import RunOptions
from harvester.runs.report import PassReport
from harvester.runs.section_report import HELD_BACK_EXIT_CODE, SectionReport
from harvester.runs.stopping import StopRequest
from harvester.settings.chosen import Chosen
from harvester.settings.section import SectionSettings
from shared.edges import ErrorEdge
from shared.errors import BusyError, ConfigError, ItemError, StoppedError
from shared.store.engine import opened_store
from shared.store.writers import Pause, wait_for_writers

logger = logging.getLogger(__name__)

# Seconds that writes may still wait for other writers after a stop was requested.
_FAREWELL = 3.0

_MILD = (
    ItemError.exit_code,
    HELD_BACK_EXIT_CODE,
    StoppedError.exit_code,
    BusyError.exit_code,
)


class Observer(Protocol):
    """Hears of each section. The thread of the section calls ``began``. The thread that called
    `execute_sections` calls ``ended``, so that the output of a section stays together."""

    def began(self, section: SectionSettings) -> None: ...

    def ended(self, section: SectionSettings, report: SectionReport) -> None: ...


def execute_chosen(
    chosen: Chosen, sections: Sequence[SectionSettings], options: RunOptions, observer: Observer
) -> list[SectionReport]:
    """Open the destination, send notices about faulty sections, and harvest ``sections``. Raises
    `ConfigError` if there is no destination."""
    with opened_store(chosen.settings.database_url) as engine:
        notify_faults(chosen.settings, engine, chosen.faults_of, contacts=chosen.contacts)
        destination = Destination(engine=engine, settings=chosen.settings)
        return execute_sections(sections, destination, options, observer)


def execute_sections(
    sections: Sequence[SectionSettings],
    destination: Destination,
    options: RunOptions,
    observer: Observer,
) -> list[SectionReport]:
    """Harvest sections in order, ``parallel-sections`` at a time. The reports are in the order in
    which the sections ended. After a request to stop, running sections end early, and no other
    begins."""
    wait_for_writers(destination.engine, _patience(options.request))
    at_once = destination.settings.parallel_sections

    def execute(section: SectionSettings) -> SectionReport:
        if options.request.is_set:
            return SectionReport(name=section.name, error=StoppedError(options.request.reason))
        observer.began(section)
        return _survived(section, destination, options)

    reports = []
    ended: SimpleQueue[Future[SectionReport]] = SimpleQueue()
    with ThreadPoolExecutor(at_once, thread_name_prefix="section") as threads:
        tasks = {threads.submit(execute, section): section for section in sections}
        for task in tasks:
            task.add_done_callback(ended.put)
        for _ in tasks:
            task = ended.get()
            reports.append(task.result())
            observer.ended(tasks[task], reports[-1])
    return reports


def _patience(request: StopRequest) -> Pause:
    """Writes to the memory, such as the end of a run, wait for other writers; after a request to
    stop only `_FAREWELL` longer."""
    farewell: list[float] = []

    def pause(seconds: float) -> None:
        time.sleep(seconds)
        if request.is_set:
            farewell.append(seconds)
        if sum(farewell) > _FAREWELL:
            raise BusyError("another program writes to the destination")

    return pause


def _survived(
    section: SectionSettings, destination: Destination, options: RunOptions
) -> SectionReport:
    """An error outside of the section's own edge, in its log or its mail, must not stop others."""
    with ErrorEdge(logger, "[%s] a fault of the program", section.name) as edge:
        return execute_section(section, destination, options)
    return SectionReport(name=section.name, error=edge.error)


def overall_of(chosen: Chosen, reports: Iterable[SectionReport]) -> int:
    """The exit code of an execution, with the sections that could not run."""
    faulty = [ConfigError.exit_code] if chosen.faults else []
    return overall([*faulty, *(report.exit_code for report in reports)])


def overall(codes: Iterable[int]) -> int:
    """The exit code of several sections.

    Errors of a whole section come first: settings, source, list, master data or a fault of the
    program; of several, the first. Then failed items (7), since something is missing here; then
    deletions that are held back (8), since only a person can release them; then a run that was
    stopped (10) and a section that another process works on (11), which need only the next run. 0
    if all is done in all sections.
    """
    found = [code for code in codes if code]
    severe = [code for code in found if code not in _MILD]
    return next(iter([*severe, *(code for code in _MILD if code in found)]), 0)


def summary(report: SectionReport) -> Iterator[str]:
    """The outcome of a section, in lines for people."""
    for one in report.passes:
        broken_off = report.error is not None and one is report.passes[-1]
        changes = _changes(one, broken_off=broken_off)
        yield f"[{report.name}] {'dry run' if one.dry_run else 'done'}: {changes}"
        if not one.dry_run or len(report.passes) == 1:
            yield from _details(report, one)
    for error in report.failed:
        yield f"[{report.name}]   not synchronized: {error}"
    yield f"[{report.name}] {report.last_line}"


def _details(report: SectionReport, one: PassReport) -> Iterator[str]:
    for title, outcome in one.steps.items():
        for line in outcome.lines():
            yield f"[{report.name}]   {line}  ({title})"
        for line in outcome.plan if one.dry_run else ():
            yield f"[{report.name}]     {line}"
        for remark in outcome.remarks:
            yield f"[{report.name}]   note: {remark}"


def _changes(one: PassReport, *, broken_off: bool) -> str:
    if one.changes:
        return f"{one.changes} changes"
    return "no changes until it failed" if broken_off else "nothing to do"
