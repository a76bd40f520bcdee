"""The command line of the harvester; ``harvester --help`` names its commands."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harvester.commands import (
    failed,
    ignore,
    release,
    repair,
    retry,
    runs,
    show,
    status,
    trash,
)
from harvester.commands.audit import audit
from harvester.commands.check_config import check_config
from harvester.commands.init import init
from harvester.commands.memory import add_section
from harvester.commands.run import add_arguments as add_run_arguments
from harvester.commands.run import run
from harvester.daemon.loop import daemon
from harvester.settings.section_kinds import section_kinds
from shared.command_line import Commands, run_command
from shared.errors import ConfigError
from shared.plain_lines import log_to_standard_error

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
    one = add("init", init, "create the destination instance and its admin user")
    one.add_argument("--user", help="the admin's user id (default: harvester-user of the sections)")
    one.add_argument(
        "--password-stdin", action="store_true", help="read the admin's password from the input"
    )
    one.add_argument(
        "--internal-master-data",
        metavar="FILE",
        type=Path,
        help="a resource list whose internal master data the destination shall start with",
    )
    one = add("audit", audit, "compare sources and destination, writing nothing")
    add_section(one)
    one.add_argument(
        "--contents", action="store_true", help="also read every file and verify its checksum"
    )
    for name, module, command, text in _OPERATIONS:
        module.add_arguments(add(name, command, text))
    _add_commands_of_kinds(commands, adding)
    return parser


def _add_commands_of_kinds(commands: Subcommands, adding: Commands) -> None:
    """Kinds that cannot be loaded have no commands here; reading the sections tells why."""
    with suppress(ConfigError):
        for kind in section_kinds().values():
            if kind.add_commands:
                kind.add_commands(commands, adding)


_OPERATIONS = (
    ("repair", repair, repair.repair, "bring again what was lost or spoiled here, and harvest"),
    ("runs", runs, runs.runs, "list the latest runs"),
    ("show", show, show.show, "show what a run did, and what failed"),
    ("status", status, status.status, "how old each section's data are, and what waits"),
    ("failed", failed, failed.failed, "list what failed and waits to be tried again"),
    ("retry", retry, retry.retry, "try failed items in the next run, whatever their pause"),
    ("ignore", ignore, ignore.ignore, "keep a data set away for ever"),
    ("release", release, release.release, "let the deletions through that a run held back"),
    ("trash", trash, trash.trash, "list, restore or purge what was deleted"),
)


if __name__ == "__main__":
    sys.exit(main())
