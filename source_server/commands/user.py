"""``source-server user``: users, their passwords and their roles.

The users of an embedded instance are kept in its store. Those of an openBIS instance are kept in
``users-file``, with passwords only: roles are openBIS's own.
"""

from __future__ import annotations

import argparse
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from sqlalchemy import Connection

from shared.errors import ConfigError
from shared.passwords import hash_password
from shared.plain_lines import say
from shared.prompt import new_password
from shared.store.engine import open_store, work
from shared.store.tables import LOCAL
from shared.store.users import (
    Role,
    add_persons,
    find_person,
    grant,
    persons,
    revoke,
    set_password,
)
from source_server.part import server_parts
from source_server.settings import SourceSettings, read_settings
from source_server.settings.choices import CatalogueKind
from source_server.users.users_file import UsersFile

_PLACE = re.compile(r"(/[A-Z0-9_.-]+){0,2}")


class _Users(Protocol):
    """The users that the commands change."""

    def add(self, user_id: str, password_hash: str) -> None: ...
    def set_password(self, user_id: str, password_hash: str) -> None: ...
    def lines(self) -> Iterator[list[str]]: ...


def add_user(options: argparse.Namespace) -> int:
    with _users(options) as users:
        users.add(_user_id(options.user), _new_hash(options))
    return 0


def change_password(options: argparse.Namespace) -> int:
    with _users(options) as users:
        users.set_password(options.user, _new_hash(options))
    return 0


def list_users(options: argparse.Namespace) -> int:
    with _users(options) as users:
        for line in users.lines():
            say(*line)
    return 0


def set_role(options: argparse.Namespace) -> int:
    """Give a role or, with ``--revoke``, take it away."""
    settings = read_settings(options.config)
    if settings.catalogue is CatalogueKind.OPENBIS:
        raise ConfigError("catalogue = openbis: roles are given in openBIS itself")
    if not _PLACE.fullmatch(options.place):
        raise ConfigError(
            f"{options.place}: a role is given in /SPACE, in /SPACE/PROJECT, or without a place "
            "on the whole instance"
        )
    change = revoke if options.revoke else grant
    with _store(settings) as connection:
        person = find_person(connection, options.user)
        if person is None:
            raise ConfigError(f"user {options.user!r} does not exist; add the user first")
        change(connection, person.user_id, Role(options.role), options.place)
    return 0


class _StoredUsers:
    """Persons of an embedded instance. Harvested ones may have no password yet."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, user_id: str, password_hash: str) -> None:
        person = find_person(self._connection, user_id)
        if person and person.password_hash:
            raise ConfigError(
                f"user {person.user_id!r} exists already; "
                "a new password is set with: source-server user passwd"
            )
        if not person:
            add_persons(self._connection, LOCAL, [user_id])
        set_password(self._connection, person.user_id if person else user_id, password_hash)

    def set_password(self, user_id: str, password_hash: str) -> None:
        person = find_person(self._connection, user_id)
        set_password(self._connection, person.user_id if person else user_id, password_hash)

    def lines(self) -> Iterator[list[str]]:
        for person in persons(self._connection):
            roles = [f"{held.role.value} {held.place or 'instance'}" for held in person.roles]
            states = [] if person.active else ["inactive"]
            states += [] if person.password_hash else ["no password"]
            yield [person.user_id, ", ".join(roles) or "no role", *states]


class _FiledUsers(UsersFile):
    """Users in the ``users-file``."""

    def lines(self) -> Iterator[list[str]]:
        yield from ([user_id] for user_id in self.user_ids())


@contextmanager
def _users(options: argparse.Namespace) -> Iterator[_Users]:
    settings = read_settings(options.config)
    if settings.catalogue is CatalogueKind.NONE and not settings.users_file:
        hints = [part.own_users for part in server_parts() if part.own_users]
        raise ConfigError("; ".join(["catalogue = none: there is nothing to sign in to", *hints]))
    if settings.catalogue is CatalogueKind.EMBEDDED:
        with _store(settings) as connection:
            yield _StoredUsers(connection)
    elif settings.users_file:
        yield _FiledUsers(settings.users_file)
    else:
        raise ConfigError(
            f"{options.config}: users-file is missing; without it, users are those of openBIS's "
            "password-file, and are kept by openBIS"
        )


@contextmanager
def _store(settings: SourceSettings) -> Iterator[Connection]:
    engine = open_store(settings.instance_url)
    try:
        with engine.connect() as connection, work(connection) as transaction, transaction():
            yield connection
    finally:
        engine.dispose()


def _user_id(text: str) -> str:
    # Basic authentication ends a user id at the first colon and has no control characters
    # (RFC 7617), so a user with either could never sign in.
    if not text.strip() or ":" in text or any(unicodedata.category(c) == "Cc" for c in text):
        raise ConfigError(f"{text!r} cannot be a user id: it must not be blank nor contain a colon")
    return text


def _new_hash(options: argparse.Namespace) -> str:
    return hash_password(new_password(options.user, from_input=options.password_stdin))
