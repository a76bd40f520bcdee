"""Asks for a new password, at the terminal or in a line of the input."""

from __future__ import annotations

import getpass
import sys

from shared.errors import ConfigError


def new_password(user_id: str, *, from_input: bool) -> str:
    """Asks twice at the terminal. Raises `ConfigError` if no password is given."""
    # Only the end of the line is cut off: blanks may belong to the password.
    password = sys.stdin.readline().rstrip("\r\n") if from_input else _asked_for(user_id)
    if not password:
        raise ConfigError("the password is empty; nothing was changed")
    return password


def _asked_for(user_id: str) -> str:
    try:
        password = getpass.getpass(f"Password of {user_id}: ")
        # An empty password is refused by the caller, so it is asked for only once.
        again = getpass.getpass("Again: ") if password else password
    except EOFError as error:
        raise ConfigError("no password was given; nothing was changed") from error
    if password != again:
        raise ConfigError("the passwords differ; nothing was changed")
    return password
