"""The command line of the harvester; ``harvester --help`` names its commands."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from harvester.commands.audit import audit
from harvester.commands.check_config import check_config
from harvester.commands.init import init
from harvester.commands.run import run
from harvester.daemon import daemon
from shared.command_line import Commands, run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (docs/operations.md lists them)."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("harvester.daemon").setLevel(logging.INFO)
    return run_command(
        "harvester", options, interrupted="interrupted; the next run goes on from here"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="harvester", description="Brings openBIS data sources into a destination instance."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = partial(Commands(Path("config/harvester.properties")).add, commands)
    one = add("run", run, "harvest every section now, dry-run pass first")
    _add_sections(one)
    one.add_argument(
        "--dry-run", action="store_true", help="rehearse only, whatever the sections say"
    )
    one.add_argument(
        "--allow-deletions",
        action="store_true",
        help="let deletions through that would be held back because they are so many",
    )
    one = add("daemon", daemon, "harvest every section at every interval, until told to stop")
    _add_sections(one)
    one.set_defaults(dry_run=False, allow_deletions=False)
    add("check-config", check_config, "check all settings, changing nothing")
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
    _add_sections(one)
    one.add_argument(
        "--contents", action="store_true", help="also read every file and verify its checksum"
    )
    return parser


def _add_sections(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--section", action="append", metavar="NAME", help="only this section; repeatable"
    )


if __name__ == "__main__":
    sys.exit(main())
