"""Fixtures for all tests: a real PostgreSQL, and the real openBIS databases in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.postgres import OPENBIS_DATA, Postgres, server_folder

LoadOpenBis = Callable[[str], str]
"""Takes the name of a file of ../shared/data/openbis without ``.sql``, gives a database URL."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL, one for all workers of a run."""
    server = Postgres(server_folder())
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """An empty database of the test's own."""
    with postgres.fresh() as url:
        yield url


@pytest.fixture(scope="session")
def load_openbis(postgres: Postgres) -> LoadOpenBis:
    """Loads a real openBIS database, for reading only: it is shared by all tests."""
    _need_shared_data()
    return postgres.load_openbis


@pytest.fixture
def copy_openbis(postgres: Postgres) -> Iterator[LoadOpenBis]:
    """Loads a real openBIS database as a copy of the test's own, to write into."""
    _need_shared_data()
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(postgres.fresh_openbis(name))


def _need_shared_data() -> None:
    if not OPENBIS_DATA.is_dir():
        pytest.skip(f"{OPENBIS_DATA} is not there")
