"""``harvester run``: one execution now, of all sections or some of them."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Sequence
from typing import TypedDict, Unpack

from harvester.commands.options import add_section, add_wait
from harvester.execution.batch import execute_chosen, overall_of, summary
from harvester.execution.signals import stopping_on_signals
from harvester.logs.progress_display import displayed
from harvester.runs.job import RunOptions
from harvester.runs.repairing import Repair
from harvester.runs.section_report import SectionReport
from harvester.runs.stopping import StopRequest
from harvester.settings.chosen import Chosen, choose
from harvester.settings.section import SectionSettings
from shared.plain_lines import complain, say

# 128 and the number of SIGINT, as in shells.
_INTERRUPTED_EXIT_CODE = 130


class _Wishes(TypedDict, total=False):
    """Fields of `RunOptions`."""

    deletions_confirmed: bool
    forced: bool
    repair: Repair


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_section(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="rehearse only, whatever the sections say"
    )
    parser.add_argument(
        "--allow-deletions",
        action="store_true",
        help="let deletions through that would be held back because they are so many",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="ask template repositories even if their interval is not over",
    )
    add_wait(parser)


def run(options: argparse.Namespace) -> int:
    """Returns the exit code of the severest outcome (`overall`); 130 after Ctrl-C."""
    return execute(
        options,
        lambda chosen: chosen.sections,
        deletions_confirmed=options.allow_deletions,
        forced=options.force,
    )


def execute(
    options: argparse.Namespace,
    of: Callable[[Chosen], Sequence[SectionSettings]],
    **wishes: Unpack[_Wishes],
) -> int:
    """Harvest the chosen sections that ``of`` selects, now."""
    request = StopRequest()
    with stopping_on_signals(request):
        chosen = choose(options.config, options.section)
        for fault in chosen.faults:
            complain(f"harvester: {fault}")
        sections = [_as_asked(one, options) for one in of(chosen)]
        with displayed():
            asked = RunOptions(patience=options.wait, request=request, **wishes)
            code = _execute(chosen, sections, asked)
    return _INTERRUPTED_EXIT_CODE if request.signal == signal.SIGINT else code


def _execute(chosen: Chosen, sections: list[SectionSettings], asked: RunOptions) -> int:
    return overall_of(chosen, execute_chosen(chosen, sections, asked, _Printer()))


def _as_asked(section: SectionSettings, options: argparse.Namespace) -> SectionSettings:
    if not options.dry_run:
        return section
    return section.model_copy(update={"dry_run": True, "verbose": True})


class _Printer:
    """Prints the outcome of each section when it ends."""

    def began(self, section: SectionSettings) -> None:
        pass

    def ended(self, _section: SectionSettings, report: SectionReport) -> None:
        for line in summary(report):
            say(line, flush=True)
