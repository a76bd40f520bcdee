"""``source-server user token``: bearer tokens of users, which are kept in ``tokens-file``."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta

from shared.errors import ConfigError
from shared.plain_lines import say
from shared.resourcesync.timestamps import format_timestamp
from source_server.instance import opened_directories
from source_server.settings import SourceSettings, read_settings
from source_server.users.tokens_file import Token, TokensFile

_LONGEST_DAYS = 36_500


def add_token(options: argparse.Namespace) -> int:
    """Make a token, and print it alone, so that a script can take it."""
    if options.days is not None and not 1 <= options.days <= _LONGEST_DAYS:
        raise ConfigError(f"--days {options.days}: from 1 to {_LONGEST_DAYS} days")
    settings = read_settings(options.config)
    _check_user(settings, options.user)
    lifetime = None if options.days is None else timedelta(days=options.days)
    # Not by `say`, which hides what looks like a secret.
    print(_tokens(settings).add(options.user, lifetime=lifetime, note=options.note))
    return 0


def list_tokens(options: argparse.Namespace) -> int:
    """Print id, user, times and note of each token."""
    for token in _tokens(read_settings(options.config)).tokens():
        if options.user in {None, token.user_id}:
            say(token.id, token.user_id, *_times(token), token.note)
    return 0


def remove_token(options: argparse.Namespace) -> int:
    _tokens(read_settings(options.config)).remove(options.id)
    return 0


def _tokens(settings: SourceSettings) -> TokensFile:
    return TokensFile(settings.tokens_file)


def _check_user(settings: SourceSettings, user_id: str) -> None:
    with opened_directories(settings) as directories:
        if any(each.password_hash(user_id) is not None for each in directories):
            return
    raise ConfigError(
        f"user {user_id!r} cannot sign in: there is no such user, it is inactive, or it has no "
        "password; all users are shown by: source-server user list"
    )


def _times(token: Token) -> list[str]:
    made = f"made {format_timestamp(token.created)}"
    if token.expires is None:
        return [made, "counts until it is removed"]
    verb = "counts until" if token.counts_at(datetime.now(UTC)) else "expired"
    return [made, f"{verb} {format_timestamp(token.expires)}"]
