"""``source-server opendcim user``: users, their keys and their roles."""

from __future__ import annotations

import argparse
import sys

from opendcim.repository import users
from opendcim.repository.commands.opening import changing, looking
from opendcim.repository.commands.parser import ADMINISTRATOR, MODERATOR
from opendcim.repository.published import (
    find_manufacturer,
    manufacturer_named,
)
from shared.errors import ConfigError
from shared.plain_lines import say


def add_user(options: argparse.Namespace) -> int:
    """Prints the key, once: only its hash is kept."""
    with changing(options) as connection:
        key = users.add_user(connection, options.user, _given_key(options))
        if options.administrator:
            users.set_administrator(connection, options.user, administrator=True)
    # The key is printed after the commit, so no key is shown that is not valid.
    _print_key(options, key)
    return 0


def new_key(options: argparse.Namespace) -> int:
    with changing(options) as connection:
        key = users.issue_key(connection, options.user, _given_key(options))
    _print_key(options, key)
    return 0


def revoke_user(options: argparse.Namespace) -> int:
    with changing(options) as connection:
        users.revoke_key(connection, options.user)
    return 0


def list_users(options: argparse.Namespace) -> int:
    with looking(options) as connection:
        for user, has_key in users.users(connection):
            say(user.user_id, _roles(user), *([] if has_key else ["revoked"]))
    return 0


def set_role(options: argparse.Namespace) -> int:
    """Gives a role, or takes it away with ``--revoke``."""
    given = not options.revoke
    if (options.role == MODERATOR) != (options.manufacturer is not None):
        raise ConfigError(
            "a moderator is one of a manufacturer (its name or id), an administrator of none"
        )
    with changing(options) as connection:
        if options.role == ADMINISTRATOR:
            users.set_administrator(connection, options.user, administrator=given)
            return 0
        name = options.manufacturer
        found = find_manufacturer(connection, int(name)) if name.isdecimal() else None
        known = found or manufacturer_named(connection, name)
        if known is None:
            raise ConfigError(
                f"manufacturer {name!r} does not exist; they are listed by: source-server "
                "opendcim manufacturer list"
            )
        users.set_moderator(connection, options.user, known.manufacturer_id, moderates=given)
    return 0


def _roles(user: users.User) -> str:
    roles = [ADMINISTRATOR] if user.administrator else []
    if user.moderates:
        roles.append(f"{MODERATOR} of {', '.join(map(str, sorted(user.moderates)))}")
    return "; ".join(roles) or "submitter"


def _given_key(options: argparse.Namespace) -> str | None:
    return sys.stdin.readline().rstrip("\r\n") if options.key_stdin else None


def _print_key(options: argparse.Namespace, key: str) -> None:
    """Prints the key alone on standard output, for scripts."""
    if not options.key_stdin:
        print(key)
        say(
            f"This is the API key of {options.user}. It is shown this once; a new one is issued "
            "by: source-server opendcim user key",
            file=sys.stderr,
        )
