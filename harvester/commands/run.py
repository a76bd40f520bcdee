"""``harvester run``: one execution now, section by section."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from harvester.commands.sections import choose
from harvester.config import SectionConfig
from harvester.execution import execute_section
from harvester.report import PassReport
from harvester.sync import HELD_BACK_EXIT_CODE, Destination, SectionReport
from shared.errors import ConfigError, ItemError
from shared.store.engine import open_store


def run(options: argparse.Namespace) -> int:
    """Returns 0 if everything is done, else the code of what went wrong first."""
    chosen = choose(options.config, options.section)
    for fault in chosen.faults:
        print(f"harvester: {fault}", file=sys.stderr)
    engine = open_store(chosen.settings.database_url.get_secret_value())
    destination = Destination(engine=engine, settings=chosen.settings)
    codes = [ConfigError.exit_code] if chosen.faults else []
    for section in chosen.sections:
        report = execute_section(
            _as_asked(section, options),
            destination,
            deletions_confirmed=options.allow_deletions,
        )
        for line in summary(report):
            print(line, flush=True)
        codes.append(report.exit_code)
    engine.dispose()
    return _overall(codes)


def _as_asked(section: SectionConfig, options: argparse.Namespace) -> SectionConfig:
    if not options.dry_run:
        return section
    return section.model_copy(update={"dry_run": True, "verbose": True})


def _overall(codes: list[int]) -> int:
    """A section that failed as a whole weighs more than items, and they more than a guard."""
    mild = (ItemError.exit_code, HELD_BACK_EXIT_CODE)
    severe = [code for code in codes if code and code not in mild]
    return next(iter([*severe, *(code for code in mild if code in codes)]), 0)


def summary(report: SectionReport) -> Iterator[str]:
    """What became of a section, for a person."""
    for one in report.passes:
        yield f"[{report.name}] {'dry run' if one.dry_run else 'done'}: {_changes(one)}"
        if not one.dry_run or len(report.passes) == 1:
            yield from _details(report, one)
    for error in report.failed:
        yield f"[{report.name}]   not synchronized: {error}"
    yield f"[{report.name}] {_verdict(report)}"


def _details(report: SectionReport, one: PassReport) -> Iterator[str]:
    for title, outcome in one.steps.items():
        for line in outcome.lines():
            yield f"[{report.name}]   {line}  ({title})"
        for remark in outcome.remarks:
            yield f"[{report.name}]   note: {remark}"


def _changes(one: PassReport) -> str:
    return f"{one.changes} changes" if one.changes else "nothing to do"


def _verdict(report: SectionReport) -> str:
    if report.error:
        return f"FAILED: {report.error}"
    if report.failed:
        return f"PARTIAL: {len(report.failed)} items failed and will be tried again"
    if report.exit_code == HELD_BACK_EXIT_CODE:
        return "HELD BACK: deletions wait for confirmation, all else is done"
    if report.passes and report.passes[-1].dry_run:
        return "OK: the dry run found no error; nothing was changed"
    return "OK: source and destination agree"
