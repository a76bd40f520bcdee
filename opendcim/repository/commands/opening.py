"""Opens the repository of the settings for one command."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from opendcim.repository.settings import RepositorySettings
from opendcim.repository.storage import opened_repository, reading, writing
from opendcim.repository.users import User
from source_server.settings import read_server_settings

# Commands on this machine may do everything; the history names this user for them.
OPERATOR = User(user_id="operator", administrator=True)


def repository_settings(options: argparse.Namespace) -> RepositorySettings:
    """Raises `ConfigError` if the settings file has any fault."""
    return read_server_settings(options.config).of(RepositorySettings)


@contextmanager
def changing(options: argparse.Namespace) -> Iterator[Connection]:
    """A transaction that writes; rolled back if the block fails."""
    settings = repository_settings(options)
    with (
        opened_repository(settings.opendcim_repository_database_url) as engine,
        writing(engine) as connection,
    ):
        yield connection


@contextmanager
def looking(options: argparse.Namespace) -> Iterator[Connection]:
    """A transaction that reads."""
    settings = repository_settings(options)
    with (
        opened_repository(settings.opendcim_repository_database_url) as engine,
        reading(engine) as connection,
    ):
        yield connection
