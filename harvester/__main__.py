"""The command line of the harvester; ``harvester --help`` names its commands."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harvester.commands import failed, release, retry, runs, show, status
from harvester.commands.check_config import check_config
from harvester.commands.options import add_section
from harvester.commands.run import add_arguments as add_run_arguments
from harvester.commands.run import run
from harvester.daemon.loop import daemon
from harvester.settings.section_kinds import section_kinds
from shared.command_line import Commands, run_command
from shared.errors import ConfigError
from shared.plain_lines import complain, log_to_standard_error

if TYPE_CHECKING:
    from shared.command_line import Subcommands


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (docs/operations.md lists them)."""
    options = _parser().parse_args(arguments)
    log_to_standard_error(logging.WARNING, "%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("harvester.daemon.loop").setLevel(logging.INFO)
    return run_command(
        "harvester", options, interrupted="interrupted; the next run goes on from here"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="harvester", description="Brings openBIS data sources into a destination instance."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    adding = Commands(Path("config/harvester.properties"))
    add = partial(adding.add, commands)
    add_run_arguments(add("run", run, "harvest every section now, dry-run pass first"))
    add_section(add("daemon", daemon, "harvest whenever it is due, until told to stop"))
    one = add("check-config", check_config, "check all settings, changing nothing")
    add_section(one)
    one.add_argument(
        "--online",
        action="store_true",
        help="try everything that a run needs, and say what it would harvest",
    )
    for name, module, command, text in _OPERATIONS:
        module.add_arguments(add(name, command, text))
    _add_commands_of_kinds(commands, adding)
    return parser


def _add_commands_of_kinds(commands: Subcommands, adding: Commands) -> None:
    """If a kind cannot be loaded, its commands are missing, and a line says why."""
    try:
        kinds = section_kinds().values()
    except ConfigError as error:
        complain(f"harvester: {error}")
        return
    for kind in kinds:
        if kind.add_commands:
            kind.add_commands(commands, adding)


_OPERATIONS = (
    ("runs", runs, runs.runs, "list the latest runs"),
    ("show", show, show.show, "show what a run did, and what failed"),
    ("status", status, status.status, "how old each section's data are, and what waits"),
    ("failed", failed, failed.failed, "list what failed and waits to be tried again"),
    ("retry", retry, retry.retry, "try failed items in the next run, whatever their pause"),
    ("release", release, release.release, "let the deletions through that a run held back"),
)


if __name__ == "__main__":
    sys.exit(main())
