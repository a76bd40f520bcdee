"""The options of ``harvester opendcim``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from opendcim.extra import EXTRA

if TYPE_CHECKING:
    from shared.command_line import Commands, Subcommands


def add_commands(commands: Subcommands, adding: Commands) -> None:
    """Adds ``opendcim`` with its verbs."""
    parser = adding.of("opendcim.sync", EXTRA).add(
        commands,
        "opendcim",
        "commands:opendcim",
        "tables and bundles of sections that keep an openDCIM in step with a template repository",
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB", dest="verb")
    one = verbs.add_parser("init", help="create the tables of an openDCIM in a file of SQLite")
    _add_section(one)
    one = verbs.add_parser("export", help="write a bundle of what the repository publishes")
    _add_section(one)
    one.add_argument("bundle", type=Path, metavar="FILE", help="the bundle to write (.zip)")
    one.add_argument(
        "--manufacturer",
        action="append",
        metavar="NAME",
        help="with the templates of this one (may be repeated; default: the subscribed ones)",
    )
    one.add_argument(
        "--shared",
        action="store_true",
        help="instead, what is marked as shared here, to be submitted elsewhere",
    )
    one.add_argument("--all", action="store_true", help="with the templates of all")
    one.add_argument("--force", action="store_true", help="even if the interval is not over")
    one = verbs.add_parser("import", help="bring a bundle in, dry-run pass first")
    _add_section(one)
    one.add_argument("bundle", type=Path, metavar="FILE", help="the bundle to read")
    one.add_argument("--dry-run", action="store_true", help="rehearse only, and show the plan")


def _add_section(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--section", metavar="NAME", help="the section (default: the only one of this kind)"
    )
