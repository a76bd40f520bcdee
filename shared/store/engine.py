"""Opens a store and hands out transactions: to read, to work, and to rehearse.

SQLite needs two hooks: its Python driver begins transactions only before some statements, so that
a rehearsal would leak its writes. The driver's own BEGIN is switched off and ours is emitted.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Connection, Engine, create_engine, event, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from shared.addresses import shown_url
from shared.errors import ConfigError, SyncError
from shared.store import scratch
from shared.store.published import renew_mark, watch
from shared.store.sessions import CONNECT_ARGUMENTS, for_writing, prepare_sessions
from shared.store.tables import SCHEMA_VERSION, meta, metadata
from shared.store.upgrade import meta_values, name_database, upgrade
from shared.store.writers import PATIENCE, begin_postgresql, begin_sqlite, is_busy, write_lock

Transaction = Callable[[], AbstractContextManager[Any]]
"""Opens what a step may commit: a transaction in earnest, a savepoint in a rehearsal."""


def create_store(url: str, data_store: str | None = None) -> Engine:
    """The store at a database URL; its tables are created if there are none.

    ``data_store`` is the UUID of a data store folder that is there already, for a new instance.
    Raises `ConfigError` if it cannot be opened or was written by another version.
    """
    engine = connect(url)
    with _reported(engine):
        with changing(engine) as connection:
            metadata.create_all(connection)
            if "schema_version" not in meta_values(connection):
                _initialise(connection, data_store or str(uuid.uuid4()).upper())
        upgrade(engine)
        with engine.connect() as connection:
            _check_version(connection)
    return engine


def open_store(url: str) -> Engine:
    """The store at a database URL. Raises `ConfigError` if there is none, or as `create_store`."""
    location = make_url(url)
    if location.drivername == "sqlite" and not Path(location.database or "").exists():
        raise ConfigError(_no_store(url))
    engine = connect(url)
    with _reported(engine):
        if not inspect(engine).has_table(meta.name):
            raise ConfigError(_no_store(url))
        upgrade(engine)
        with engine.connect() as connection:
            _check_version(connection)
    return engine


@contextmanager
def opened_store(url: SecretStr) -> Iterator[Engine]:
    """As `open_store`, and closed at the end."""
    engine = open_store(url.get_secret_value())
    try:
        yield engine
    finally:
        engine.dispose()


def _no_store(url: str) -> str:
    shown = shown_url(make_url(url))
    return (
        f"database {shown}: there is no instance yet; create one with 'harvester init', "
        "'source-server load' or 'source-server demo', or correct the database URL"
    )


@contextmanager
def _reported(engine: Engine) -> Iterator[None]:
    """Say which database it was that could not be opened."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        engine.dispose()
        raise _cannot_open(engine, error) from error
    except ConfigError:
        engine.dispose()
        raise


_NO_LIMIT = -1
"""Of connections: there are as many as threads, and none of those must wait for another."""
_KEPT = 10
"""Connections; more are closed after use, and to open one takes longer than what most are for."""


_POSTGRESQL = frozenset({"postgresql", "postgres", "postgresql+psycopg"})


def connect(url: str) -> Engine:
    """An engine whose transactions behave alike on SQLite and PostgreSQL."""
    location = make_url(url)
    if location.drivername in _POSTGRESQL:
        location = location.set(drivername="postgresql+psycopg")
    if location.drivername == "sqlite" and location.database:
        Path(location.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        location,
        pool_pre_ping=location.drivername != "sqlite",
        pool_size=_KEPT,
        max_overflow=_NO_LIMIT,
        connect_args=dict(CONNECT_ARGUMENTS) if location.drivername in _POSTGRESQL else {},
    )
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        scratch.provide(engine)
        event.listen(engine, "begin", begin_sqlite)
    else:
        prepare_sessions(engine, for_writing)
        event.listen(engine, "begin", begin_postgresql)
    watch(engine)
    return engine


def _prepare_sqlite(driver: Any, _record: object) -> None:
    driver.isolation_level = None
    # FULL: files follow their rows as soon as these are committed, and a commit that a power cut
    # takes back would leave rows of files that are elsewhere.
    for pragma in ("foreign_keys=ON", f"busy_timeout={PATIENCE}", "synchronous=FULL"):
        driver.execute(f"PRAGMA {pragma}")
    driver.execute("PRAGMA journal_mode=WAL")
    driver.execute("PRAGMA cache_size=-8000")


def _initialise(connection: Connection, data_store: str) -> None:
    connection.execute(
        meta.insert(),
        [
            {"key": "schema_version", "value": SCHEMA_VERSION},
            {"key": "data_store_uuid", "value": data_store},
        ],
    )
    name_database(connection)
    renew_mark(connection)


def _check_version(connection: Connection) -> None:
    version = meta_values(connection).get("schema_version")
    if version != SCHEMA_VERSION:
        raise ConfigError(
            f"database {shown_url(connection.engine.url)}: it has schema version {version}, this "
            f"program needs {SCHEMA_VERSION}; use the version of openbis-sync that wrote it"
        )


def _cannot_open(engine: Engine, error: SQLAlchemyError | sqlite3.Error) -> ConfigError:
    reason = str(error.orig if isinstance(error, DBAPIError) else error).strip().splitlines()[0]
    return ConfigError(
        f"database {shown_url(engine.url)}: cannot be opened ({reason}); "
        "check the database URL, and that the server runs and lets this user in"
    )


def database_name(connection: Connection) -> str:
    """What tells this database from every other one; a copy or a backup has the same."""
    query = select(meta.c.value).where(meta.c.key == "database")
    return str(connection.execute(query).scalar_one_or_none() or "")


def data_store_uuid(connection: Connection) -> str:
    """The UUID that is the first folder of every data set location, as in openBIS."""
    query = select(meta.c.value).where(meta.c.key == "data_store_uuid")
    return str(connection.execute(query).scalar_one())


_READING = "PRAGMA cache_size=-2000"
"""Kibibytes, so many lists may be read at once. They go through the database from one end to the
other, and a large cache has nothing of it twice."""


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """One consistent view, however long it is read, and whatever is committed meanwhile."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        else:
            connection.connection.driver_connection.execute(_READING)  # type: ignore[union-attr]
        with connection.begin():
            yield connection


@contextmanager
def database_errors(engine: Engine) -> Iterator[None]:
    """What a database refuses, or that it is gone, as an error that says which one it was; without
    the statement, which may hold thousands of values."""
    driver: Any = engine.dialect.loaded_dbapi
    try:
        yield
    except (DBAPIError, driver.Error) as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        shown = shown_url(engine.url)
        raise SyncError(f"database {shown}: {reason}; nothing is lost, the next run goes on") from (
            error
        )


def refresh_statistics(connection: Connection) -> None:
    """Let SQLite look at how its tables have grown, so that it chooses the right indexes;
    PostgreSQL does so by itself. To be called between transactions."""
    if connection.dialect.name != "sqlite":
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA analysis_limit=1000")
    driver.execute("PRAGMA busy_timeout=0")
    try:
        driver.execute("PRAGMA main.optimize")
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise  # else another writer is in the way; the next run looks again
    finally:
        driver.execute(f"PRAGMA busy_timeout={PATIENCE}")


def interrupt(connection: Connection) -> None:
    """End the statement that the database is at work on. To be called from another thread."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        driver.interrupt()
    else:
        driver.cancel()


@contextmanager
def viewing(connection: Connection) -> Iterator[None]:
    """A transaction that only reads; into its own tables (`shared.store.scratch`) the connection
    may write. What is to write more opens `work` or `changing`: on SQLite a transaction that begins
    to write halfway fails at once if another one has written meanwhile."""
    with connection.begin():
        yield


@contextmanager
def viewed(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that only reads."""
    with engine.connect() as connection, viewing(connection):
        yield connection


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that writes, with the writer's lock."""
    with engine.connect() as connection, work(connection) as transaction, transaction():
        yield connection


@contextmanager
def work(connection: Connection) -> Iterator[Transaction]:
    """In earnest: what a step opens is a transaction, and stays."""

    @contextmanager
    def transaction() -> Iterator[None]:
        with write_lock(connection), connection.begin():
            yield

    yield transaction


@contextmanager
def rehearsal(connection: Connection) -> Iterator[Transaction]:
    """Like `work`, but nothing stays: what would be committed is only a savepoint, and in the end
    all is rolled back. No step can tell the difference."""
    with write_lock(connection), connection.begin() as outer:
        try:
            yield connection.begin_nested
        finally:
            outer.rollback()
