"""Opens the repository's database, and hands out transactions to read and to write.

There is one writer at a time: by SQLite's lock, or by the lock of a row on PostgreSQL.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from opendcim.repository.tables import SCHEMA_VERSION, meta, metadata
from shared.addresses import shown_url
from shared.errors import ConfigError
from shared.store.engine import connect
from shared.store.writers import write_lock

# Times in this form compare as texts; `published` relies on that for ``since`` and maxima.
_TIME = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """``number`` grows with each change, and so does ``at``: no two changes have the same second,
    so a client that asks since a time misses nothing."""

    number: int
    at: str


@contextmanager
def opened_repository(url: SecretStr) -> Iterator[Engine]:
    """Creates missing tables. Raises `ConfigError` if the database cannot be opened."""
    engine = connect(url.get_secret_value())
    try:
        with _naming_the_database(engine):
            _prepare(engine)
        yield engine
    finally:
        engine.dispose()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A read transaction with one snapshot."""
    with engine.connect() as connection:
        # PostgreSQL's usual READ COMMITTED gives each statement a snapshot of its own.
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A write transaction without other writers beside it; rolled back if the block fails."""
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            with connection.begin():
                connection.execute(select(meta).where(_change_row).with_for_update())
                yield connection
        else:
            with write_lock(connection), connection.begin():
                yield connection


_change_row = meta.c.key == "change"


def next_change(connection: Connection) -> Change:
    """Number and time of this transaction's change, for the rows that it touches."""
    number = int(_value(connection, "change")) + 1
    last = datetime.strptime(_value(connection, "changed"), _TIME).replace(tzinfo=UTC)
    at = time_text(max(datetime.now(UTC), last + timedelta(seconds=1)))
    for key, value in (("change", str(number)), ("changed", at)):
        connection.execute(meta.update().where(meta.c.key == key).values(value=value))
    return Change(number=number, at=at)


def last_change(connection: Connection) -> Change:
    return Change(number=int(_value(connection, "change")), at=_value(connection, "changed"))


def repository_id(connection: Connection) -> str:
    """Random, so that ETags of one repository mean nothing to another."""
    return _value(connection, "repository")


def time_text(moment: datetime) -> str:
    """Time in UTC, in seconds, as in all tables of the repository."""
    return moment.astimezone(UTC).strftime(_TIME)


def now() -> str:
    return time_text(datetime.now(UTC))


def _value(connection: Connection, key: str) -> str:
    return str(connection.execute(select(meta.c.value).where(meta.c.key == key)).scalar_one())


def _prepare(engine: Engine) -> None:
    try:
        with engine.connect() as connection, write_lock(connection), connection.begin():
            metadata.create_all(connection)
            if connection.execute(select(meta)).first() is None:
                connection.execute(meta.insert(), _first_values())
    except IntegrityError:  # another process has just created it
        pass
    # This is a new transaction: if another process was first, the one above was rolled back.
    with engine.connect() as connection:
        version = _value(connection, "schema_version")
    if version != SCHEMA_VERSION:
        raise ConfigError(
            f"database {shown_url(engine.url)}: its repository has schema version {version}, this "
            f"program needs {SCHEMA_VERSION}; use the version of openbis-sync that wrote it"
        )


def _first_values() -> list[dict[str, str]]:
    values = {
        "schema_version": SCHEMA_VERSION,
        "repository": secrets.token_hex(8),
        "change": "0",
        "changed": now(),
    }
    return [{"key": key, "value": value} for key, value in values.items()]


@contextmanager
def _naming_the_database(engine: Engine) -> Iterator[None]:
    """Turn errors into a `ConfigError` that names the database."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        reason = str(error.orig if isinstance(error, DBAPIError) else error)
        shown = shown_url(engine.url)
        raise ConfigError(
            f"opendcim-repository-database-url: {shown} cannot be opened "
            f"({reason.strip().splitlines()[0]}); check the URL, and that the server runs and lets "
            "this user in"
        ) from error
