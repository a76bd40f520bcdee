"""The command line of the source server; ``source-server --help`` names its commands."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from shared.command_line import Commands, run_command
from shared.errors import ConfigError
from shared.plain_lines import log_to_standard_error
from shared.resourcesync.terms import Document
from shared.store.users import INSTANCE, Role
from source_server.part import server_parts
from source_server.publication.roots import Flag

if TYPE_CHECKING:
    from shared.command_line import Subcommands

_commands = Commands(Path("config/source-server.properties"), "source_server.commands")
_add = _commands.add


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (docs/operations.md lists them)."""
    options = _parser().parse_args(arguments)
    # Standard output belongs to the commands: `document` writes XML there, which a line of the log
    # would spoil.
    log_to_standard_error(logging.INFO, "%(asctime)s %(levelname)s %(name)s: %(message)s")
    return run_command("source-server", options, interrupted="interrupted")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="source-server", description="Publishes an openBIS instance by ResourceSync."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, "serve", "serve:serve", "publish the instance until told to stop")
    _add_document(commands)
    one = _add(commands, "load", "load:load", "load a resource list into the embedded instance")
    one.add_argument("file", type=Path, metavar="FILE")
    one = _add(commands, "demo", "load:demo", "fill the embedded instance with invented data")
    one.add_argument(
        "--next-day", action="store_true", help="change, add and delete some of the demo's data"
    )
    users = commands.add_parser("user", help="who may sign in, and see what")
    _add_users(users.add_subparsers(required=True, metavar="COMMAND"))
    _add_commands_of_parts(commands)
    return parser


def _add_commands_of_parts(commands: Subcommands) -> None:
    """Add the commands of parts. One that cannot be loaded has none here; reading the settings
    reports why."""
    with suppress(ConfigError):
        for part in server_parts():
            if part.add_commands:
                part.add_commands(commands, _commands)


def _add_document(commands: Subcommands) -> None:
    one = _add(
        commands, "document", "document:write_document", "write a document to standard output"
    )
    one.add_argument("document", choices=[document.stem for document in Document])
    one.add_argument("--user", help="show what this user may see (default: everything)")
    for name in ("--white-list", "--black-list"):
        one.add_argument(
            name,
            action="append",
            default=[],
            metavar="PATTERNS",
            help="comma-separated regular expressions for spaces, as in a request; repeatable",
        )
    one.add_argument(
        "--exportable-perm-id",
        action="append",
        default=[],
        metavar="KIND:PERM_ID",
        help="a root, as harvesters of openBIS 7 send it; repeatable",
    )
    for flag in Flag:
        name = f"--{flag.value.replace('_', '-')}"
        one.add_argument(name, action="store_true", help="as harvesters of openBIS 7 send it")


def _add_users(users: Subcommands) -> None:
    _add(users, "list", "user:list_users", "list all users")
    for name, command, text in (
        ("add", "user:add_user", "add a user, or give a password to one without"),
        ("passwd", "user:change_password", "set a new password"),
    ):
        one = _add(users, name, command, text)
        one.add_argument("user")
        one.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )
    one = _add(users, "role", "user:set_role", "give or take a role")
    one.add_argument("user")
    one.add_argument("role", choices=[role.value for role in Role])
    one.add_argument(
        "place",
        nargs="?",
        default=INSTANCE,
        help="/SPACE or /SPACE/PROJECT (default: the whole instance)",
    )
    one.add_argument("--revoke", action="store_true", help="take the role away")
    tokens = users.add_parser("token", help="bearer tokens, for programs that know no passwords")
    _add_tokens(tokens.add_subparsers(required=True, metavar="COMMAND"))


def _add_tokens(commands: Subcommands) -> None:
    one = _add(
        commands, "add", "token:add_token", "make a token for a user, and print it, this once"
    )
    one.add_argument("user")
    one.add_argument(
        "--days", type=int, metavar="N", help="how long it counts (default: until it is removed)"
    )
    one.add_argument("--note", default="", metavar="TEXT", help="what it is for, shown in the list")
    one = _add(commands, "list", "token:list_tokens", "list all tokens, without their secrets")
    one.add_argument("user", nargs="?", help="only those of this user")
    one = _add(
        commands, "remove", "token:remove_token", "remove a token; it counts no more at once"
    )
    one.add_argument("id", help="as the list shows it")


if __name__ == "__main__":
    sys.exit(main())
