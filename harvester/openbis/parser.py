"""The options of the commands that only openBIS sections have."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harvester.commands.options import add_json, add_section, add_wait, duration
from shared.model.kinds import Kind

if TYPE_CHECKING:
    from shared.command_line import Commands, Subcommands

_KINDS = tuple(kind.value for kind in Kind)


def add_commands(commands: Subcommands, adding: Commands) -> None:
    """Add the commands to the command line. Their modules are loaded when they run."""
    adding = adding.of("harvester.openbis.commands")
    for name, command, add_arguments, text in (
        ("init", "init:init", _add_init, "create the destination instance and its admin user"),
        ("audit", "audit:audit", _add_audit, "compare sources and destination, writing nothing"),
        (
            *("repair", "repair:repair", _add_repair),
            "bring again what was lost or spoiled here, and harvest",
        ),
        ("ignore", "ignore:ignore", _add_ignore, "keep a data set away for ever"),
        ("trash", "trash:trash", _add_trash, "list, restore or purge what was deleted"),
    ):
        add_arguments(adding.add(commands, name, command, text))


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--user", help="the admin's user id (default: harvester-user of the sections)"
    )
    parser.add_argument(
        "--password-stdin", action="store_true", help="read the admin's password from the input"
    )
    parser.add_argument(
        "--internal-master-data",
        metavar="FILE",
        type=Path,
        help="a resource list whose internal master data the destination shall start with",
    )


def _add_audit(parser: argparse.ArgumentParser) -> None:
    add_section(parser)
    _add_contents(parser)


def _add_repair(parser: argparse.ArgumentParser) -> None:
    add_section(parser)
    _add_contents(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be brought, changing nothing"
    )
    add_wait(parser)


def _add_contents(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--contents", action="store_true", help="also read every file and verify its checksum"
    )


def _add_ignore(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="SECTION", help="the section it comes from")
    parser.add_argument("codes", nargs="+", metavar="CODE", help="of a data set")
    parser.add_argument("--undo", action="store_true", help="harvest these data sets again")


def _add_trash(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    one = actions.add_parser("list", help="what is in the trash")
    _add_deletion(one, nargs="?")
    add_section(one, "only of this section")
    one.add_argument("--restored", action="store_true", help="what was restored and stays")
    add_json(one)
    one = actions.add_parser("restore", help="bring back what was deleted")
    _add_deletion(one)
    _add_items(one)
    one.add_argument(
        "--with-containers",
        action="store_true",
        help="also that in which it lies, and files that its texts mention",
    )
    one = actions.add_parser("follow", help="let what was restored follow its source again")
    _add_items(one)
    one = actions.add_parser("purge", help="remove deletions for good")
    _add_deletion(one, nargs="*")
    one.add_argument("--older-than", metavar="AGE", type=duration, help="for example '7 d'")
    for each in actions.choices.values():  # it may stand after the action, too
        # With a default of its own, it would overwrite what was given before the action.
        each.add_argument("--config", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def _add_deletion(parser: argparse.ArgumentParser, nargs: str | None = None) -> None:
    text = "its number, as 'harvester trash list' shows it"
    parser.add_argument("deletion", type=int, nargs=nargs, metavar="DELETION", help=text)


def _add_items(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", choices=_KINDS, help="only of this kind")
    parser.add_argument(
        "--perm-id", nargs="+", action="extend", default=[], metavar="ID", help="only these"
    )
