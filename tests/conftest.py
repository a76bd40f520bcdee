"""Fixtures for all tests: a real PostgreSQL, and openBIS databases in it, made and given."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import certifi
import pytest

from shared.masking import forget_secrets
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue, open_openbis
from tests.support.openbis.examples import EXAMPLES, Examples, unpack_given_store
from tests.support.servers.mariadb import MariaDb, is_installed
from tests.support.servers.postgres import Postgres, server_folder

pytest_plugins = ("tests.support.plugins.skips", "tests.support.plugins.measured")

# Takes the name of an openBIS database, made or given, and gives its URL.
LoadOpenBis = Callable[[str], str]

# Takes a database URL and the settings of `open_openbis`; the data store is empty by default.
OpenCatalogue = Callable[..., OpenBisCatalogue]


@pytest.fixture(autouse=True)
def _no_known_secrets() -> None:
    """The programs are started for one set of settings; tests read many in one process."""
    forget_secrets()


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


@pytest.fixture
def postgres_store_url(postgres: Postgres) -> Iterator[str]:
    """The same for a store, whose tables are made but not filled (see
    `tests.support.servers.postgres.STORE`)."""
    with postgres.fresh_store() as url:
        yield url


@pytest.fixture(scope="session")
def load_openbis(postgres: Postgres) -> LoadOpenBis:
    """Loads an openBIS database, for reading only: it is shared by all tests."""
    return postgres.load_openbis


@pytest.fixture
def copy_openbis(postgres: Postgres) -> Iterator[LoadOpenBis]:
    """Loads an openBIS database as a copy of the test's own, to write into."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(postgres.fresh_openbis(name))


@pytest.fixture(scope="session", params=EXAMPLES)
def examples(request: pytest.FixtureRequest) -> Examples:
    """The richest instance: once the made one, once the given one."""
    return EXAMPLES[request.param]


@pytest.fixture
def open_catalogue(
    copy_openbis: LoadOpenBis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OpenCatalogue]:
    """Opens catalogues over openBIS databases, and closes them before the copies go."""
    del copy_openbis
    empty = tmp_path_factory.mktemp("empty_store")
    with ExitStack() as stack:

        def opened(url: str, **settings: Any) -> OpenBisCatalogue:
            catalogue = open_openbis(url, **({"store_root": empty} | settings))
            stack.callback(catalogue.close)
            return catalogue

        yield opened


@pytest.fixture(scope="session")
def x192_store(examples: Examples, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data store folder of the richest instance, for reading only."""
    folder = tmp_path_factory.mktemp("x192_store")
    examples.fill_store(folder)
    return folder


@pytest.fixture(scope="session")
def x213_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The given data store folder of an openBIS 7, with the files of its AFS; for reading only."""
    folder = tmp_path_factory.mktemp("x213_store")
    unpack_given_store("x213_store", folder)
    return folder


@pytest.fixture
def x192_store_copy(x192_store: Path, tmp_path: Path) -> Path:
    """The same as a copy of the test's own."""
    return Path(shutil.copytree(x192_store, tmp_path / "store"))


@pytest.fixture(scope="session")
def x192(
    examples: Examples, load_openbis: LoadOpenBis, x192_store: Path
) -> Iterator[OpenBisCatalogue]:
    """The richest instance, with its data store and path info, for reading only."""
    catalogue = open_openbis(
        load_openbis(examples.database),
        store_root=x192_store,
        path_info_url=load_openbis(examples.path_info),
    )
    yield catalogue
    catalogue.close()


@pytest.fixture(scope="session")
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A single certificate: to read all that httpx brings takes longer than a small harvest."""
    mark = "-----END CERTIFICATE-----\n"
    file = tmp_path_factory.mktemp("authority") / "one.pem"
    file.write_text(Path(certifi.where()).read_text().split(mark)[0] + mark)
    return file


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """A real MariaDB; tests that need it are skipped only where it is not installed."""
    if not is_installed():
        pytest.skip("MariaDB is not installed (Debian: mariadb-server)")
    server = MariaDb()
    yield server
    server.stop()


@pytest.fixture
def mariadb_url(mariadb: MariaDb) -> Iterator[str]:
    """An empty database of the test's own."""
    with mariadb.fresh() as url:
        yield url
