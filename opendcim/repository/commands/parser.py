"""The repository's options of ``source-server opendcim``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from opendcim.extra import EXTRA
from shared.command_line import Commands

if TYPE_CHECKING:
    from shared.command_line import Subcommands


ADMINISTRATOR, MODERATOR = "administrator", "moderator"


def add_commands(program: Subcommands, adding: Commands) -> None:
    """Adds ``user``, ``queue``, ``manufacturer``, ``template`` and ``tidy`` below ``opendcim``."""
    adding = adding.of(__package__, EXTRA)
    opendcim = program.add_parser("opendcim", help="the template repository of openDCIM")
    commands = opendcim.add_subparsers(required=True, metavar="COMMAND")
    for name, text, add in (
        ("user", "API keys, and who may do what", _add_users),
        ("queue", "what was submitted, and deciding on it", _add_queue),
        ("manufacturer", "manufacturers that are published", _add_manufacturers),
        ("template", "templates that are published", _add_templates),
    ):
        below = commands.add_parser(name, help=text, description=text)
        add(below.add_subparsers(required=True, metavar="COMMAND"), adding)
    adding.add(commands, "tidy", "tidy:tidy", "remove pictures that nothing needs any more")


def _add_users(commands: Subcommands, adding: Commands) -> None:
    adding.add(commands, "list", "user:list_users", "list all users")
    one = adding.add(commands, "add", "user:add_user", "add a user, and print the new API key")
    _add_user(one, key=True)
    one.add_argument("--administrator", action="store_true", help="may do everything")
    one = adding.add(commands, "key", "user:new_key", "issue a new API key; the old one is void")
    _add_user(one, key=True)
    one = adding.add(commands, "revoke", "user:revoke_user", "make the user's API key void")
    _add_user(one)
    one = adding.add(commands, "role", "user:set_role", "give or take a role")
    _add_user(one)
    one.add_argument("role", choices=[ADMINISTRATOR, MODERATOR])
    one.add_argument("manufacturer", nargs="?", help="of which somebody is moderator: name or id")
    one.add_argument("--revoke", action="store_true", help="take the role away")


def _add_user(parser: argparse.ArgumentParser, *, key: bool = False) -> None:
    parser.add_argument("user", help="the user id, usually an e-mail address")
    if key:
        parser.add_argument(
            "--key-stdin",
            action="store_true",
            help="take the key from standard input, such as one that clients have already",
        )


def _add_queue(commands: Subcommands, adding: Commands) -> None:
    adding.add(commands, "list", "queue:list_queue", "list what is pending")
    one = adding.add(commands, "show", "queue:show", "show a submission beside what is published")
    one.add_argument("request", type=int, metavar="REQUEST")
    one = adding.add(commands, "approve", "queue:approve", "publish a submission")
    one.add_argument("request", type=int, metavar="REQUEST")
    one.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="MEMBER=VALUE",
        help="change it first, for example Height=2, 'Port 1=eth0', or Name=… of a manufacturer; "
        "repeatable",
    )
    one = adding.add(commands, "reject", "queue:reject_request", "do not publish a submission")
    one.add_argument("request", type=int, metavar="REQUEST")
    one.add_argument("--reason", required=True, help="the submitter can read it")


def _add_manufacturers(commands: Subcommands, adding: Commands) -> None:
    adding.add(commands, "list", "manufacturer:list_manufacturers", "list all")
    one = adding.add(commands, "add", "manufacturer:add_manufacturers", "publish manufacturers")
    one.add_argument("names", nargs="+", metavar="NAME")
    one = adding.add(commands, "rename", "manufacturer:rename", "all clients take the name over")
    one.add_argument("id", type=int, metavar="ID")
    one.add_argument("name", metavar="NAME")


def _add_templates(commands: Subcommands, adding: Commands) -> None:
    adding.add(commands, "list", "manufacturer:list_templates", "list all")
    one = adding.add(commands, "history", "manufacturer:show_history", "show all versions of one")
    one.add_argument("id", type=int, metavar="ID")
