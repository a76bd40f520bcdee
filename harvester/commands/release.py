"""``harvester release``: lets the deletions through that a run held back."""

from __future__ import annotations

import argparse

from sqlalchemy import Connection

from harvester.commands.memory import destination, the_run
from harvester.memory.held import held_back
from harvester.memory.held import release as release_deletions
from harvester.memory.runs import RunRecord, counts_of
from shared.errors import ConfigError
from shared.plain_lines import say
from shared.store.engine import changing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "run", type=int, metavar="RUN", help="the number of the run, as 'harvester runs' lists it"
    )


def release(options: argparse.Namespace) -> int:
    """Release what this run held back and what still waits; the next run deletes it."""
    with destination(options) as (_, engine), changing(engine) as connection:
        run = the_run(connection, options.run)
        released = release_deletions(connection, run.source, run.id)
        if not released:
            raise ConfigError(_why_nothing(connection, run))
    for kind, number in released.items():
        say(f"[{run.section}] {number:>9} {kind} released")
    say(
        f"[{run.section}] {sum(released.values())} deletions are released; the next run does "
        f"them: harvester run --section '{run.section}'"
    )
    return 0


def _why_nothing(connection: Connection, run: RunRecord) -> str:
    # Nothing waits any more, so what is still listed is released.
    if held_back(connection, run.source, run=run.id, most=1):
        return (
            f"what run {run.id} held back is released already; the next run of section "
            f"[{run.section}] deletes it"
        )
    if not any(action == "held back" for _, action in counts_of(connection, run.id)):
        return f"run {run.id} of section [{run.section}] held back no deletions"
    if run.dry_run:
        return (
            f"run {run.id} was only a dry run, so nothing waits since then; let a real run hold "
            "the deletions back first"
        )
    return (
        f"nothing that run {run.id} held back waits any more: it is deleted by now, or the data "
        "source has it again"
    )
