"""Opens a store and hands out transactions: to read, to work, and to rehearse.

SQLite needs two hooks. Its driver begins transactions only before some statements, so a rehearsal
would leak its writes. The driver's BEGIN is switched off, and this module emits BEGIN.
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
from shared.checkpoints import checkpoint
from shared.errors import ConfigError, SyncError
from shared.store import scratch
from shared.store.published import renew_mark, watch
from shared.store.sessions import CONNECT_ARGUMENTS, for_writing, prepare_sessions
from shared.store.tables import SCHEMA_VERSION, meta, metadata
from shared.store.upgrade import meta_values, name_database, upgrade
from shared.store.writers import PATIENCE, begin_postgresql, begin_sqlite, is_busy, write_lock

# Opens what a step may commit: a transaction in a real pass, a savepoint in a rehearsal.
Transaction = Callable[[], AbstractContextManager[Any]]


def create_store(url: str, data_store: str | None = None) -> Engine:
    """The store at a database URL; missing tables are created.

    ``data_store`` is the UUID of an existing data store folder, for a new instance. Raises
    `ConfigError` if the store cannot be opened or was written by another version.
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
    """The store at a database URL. Raises `ConfigError` if there is none, and as `create_store`."""
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
    """`open_store`, closed at the end of the block."""
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
    """Adds the database's name to errors of opening it."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        engine.dispose()
        raise _cannot_open(engine, error) from error
    except ConfigError:
        engine.dispose()
        raise


# Number of connections: one per thread, and no thread must wait for another's.
_NO_LIMIT = -1
# Connections kept open; opening one takes longer than most transactions.
_KEPT = 10


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
    # FULL: files are moved as soon as their rows are committed. If a power cut undid the commit,
    # the old rows would have files that are elsewhere.
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
    """An id of this database that no other one has; copies and backups have the same."""
    query = select(meta.c.value).where(meta.c.key == "database")
    return str(connection.execute(query).scalar_one_or_none() or "")


def data_store_uuid(connection: Connection) -> str:
    """The UUID that is the first folder of every data set location, as in openBIS."""
    query = select(meta.c.value).where(meta.c.key == "data_store_uuid")
    return str(connection.execute(query).scalar_one())


# Kibibytes, so that many lists may be read at once. They read the database once from end to end, so
# a larger cache would not help.
_READING = "PRAGMA cache_size=-2000"


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A read transaction with one snapshot, unaffected by later commits."""
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
    """Turns errors of the database into one that names it, without the statement, which may have
    thousands of values."""
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
    """Lets SQLite update the statistics by which it chooses indexes; PostgreSQL does so by itself.
    Call it between transactions."""
    if connection.dialect.name != "sqlite":
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA analysis_limit=1000")
    driver.execute("PRAGMA busy_timeout=0")
    try:
        driver.execute("PRAGMA main.optimize")
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise  # otherwise another writer holds the lock; the next run tries again
    finally:
        driver.execute(f"PRAGMA busy_timeout={PATIENCE}")


def interrupt(connection: Connection) -> None:
    """Ends the statement in work; called from another thread."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        driver.interrupt()
    else:
        driver.cancel()


@contextmanager
def viewing(connection: Connection) -> Iterator[None]:
    """A transaction that only reads; it may write to the connection's own tables
    (`shared.store.scratch`). Use `work` or `changing` for other writes: on SQLite, a transaction
    that begins to write after another one has written fails at once."""
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
    """A real pass: each transaction that a step opens is committed."""

    @contextmanager
    def transaction() -> Iterator[None]:
        with write_lock(connection), connection.begin():
            yield
            checkpoint("a transaction is about to be committed")
        checkpoint("a transaction is committed")

    yield transaction


@contextmanager
def rehearsal(connection: Connection) -> Iterator[Transaction]:
    """Like `work`, but nothing is committed: steps open savepoints, and all is rolled back at the
    end. A step cannot tell the difference."""
    with write_lock(connection), connection.begin() as outer:
        try:
            yield connection.begin_nested
        finally:
            outer.rollback()
