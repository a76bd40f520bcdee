"""``harvester show RUN``: prints all that the destination remembers of a run."""

from __future__ import annotations

import argparse

from harvester.commands.listing import in_words, print_json, print_table
from harvester.commands.memory import destination, the_run
from harvester.commands.options import add_json
from harvester.commands.runs import as_list, as_object, ending, mode, took
from harvester.memory.held import held_back
from harvester.memory.runs import counts_of, failures_of
from shared.plain_lines import say

# Deletions that are listed, of those held back.
_MOST = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=int, metavar="RUN", help="its number, see 'harvester runs'")
    add_json(parser)


def show(options: argparse.Namespace) -> int:
    """Raises `ConfigError` if there is no such run."""
    with destination(options) as (_, engine), engine.connect() as connection:
        run = the_run(connection, options.run)
        counts = counts_of(connection, run.id)
        failures = failures_of(connection, run.id)
        held = list(held_back(connection, run.source, run=run.id, most=_MOST))
    if options.json:
        print_json(
            {
                **as_object(run),
                "counts": as_list(counts),
                "failures": [
                    {"kind": e.kind, "perm_id": e.perm_id, "reason": e.reason} for e in failures
                ],
                "held_back": held,
            }
        )
        return 0
    say(f"run {run.id} of [{run.section}], {mode(run)}, by {run.worker}")
    duration = took(run)
    lasted = f"took {in_words(duration)}" if duration is not None else "has no end yet"
    say(f"began {run.started:%Y-%m-%d %H:%M:%S} UTC, {lasted}: {ending(run)}")
    if run.at:
        say(f"the list shows {run.records:,} records as of {run.at:%Y-%m-%d %H:%M:%S} UTC")
    say(f"fetched {run.bytes:,} bytes of files")
    if run.message:
        say(run.message)
    if counts:
        print_table(("#", "kind", "action"), [(n, *key) for key, n in counts.items()])
    for error in failures:
        say(f"failed: {error}")
    for one in held:
        say(f"held back: {one.kind} {one.identifier} ({one.perm_id})")
    return 0
