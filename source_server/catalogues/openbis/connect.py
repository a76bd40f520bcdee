"""Connections to PostgreSQL, read only, with messages that tell operators what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, TextClause, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from shared.addresses import database_address, described
from shared.errors import ConfigError
from shared.store.sessions import CONNECT_ARGUMENTS, SEES_ALL_ROWS, for_reading, prepare_sessions

_CONNECT_SECONDS = 10
# Lists have whole seconds and harvesters compare strictly: without the margin, a change in the
# second of ``at`` would never be harvested (wire-format.md, 1.6).
_MARGIN = timedelta(seconds=1)

# Settings for many small queries, for which JIT and parallel workers cost more than they save.
_SETTINGS = ("set local jit = off", "set local max_parallel_workers_per_gather = 0")

# The schema of all openBIS tables; ``options`` in the URL of the database can name another.
_SCHEMA = {"search_path": "public"}

# PostgreSQL's ``least`` passes over null: without another open transaction the present counts.
_LOW_WATER_MARK = text("""
select least(min(xact_start), now()) from pg_stat_activity where pid <> pg_backend_pid()
""")

# PostgreSQL shows null for the times of other roles' sessions unless the user has these rights.
# The mark would then silently be the present.
_MAY_SEE_TRANSACTIONS = text("""
select current_user as me, t.tableowner as owner, pg_is_in_recovery() as standby,
       pg_has_role(current_user, 'pg_read_all_stats', 'usage')
           or pg_has_role(current_user, t.tableowner, 'usage') as allowed
  from pg_tables t
 where t.tablename = 'samples_all' and t.schemaname = any (current_schemas(false))
""")


def reading_engine(url: str) -> Engine:
    """An engine whose transactions are all read only.

    Statements are planned anew each time: a plan made for ten ids is a bad one for a thousand.
    """
    try:
        address = database_address(url)
    except ValueError as fault:
        raise ConfigError(f"the database URL of openBIS: {fault}") from fault
    if address.get_backend_name() not in {"postgresql", "postgres"}:
        raise ConfigError(
            f"the database URL of openBIS begins with {address.drivername}, not with postgresql"
        )
    engine = create_engine(
        address.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        max_overflow=20,
        execution_options={"postgresql_readonly": True},
        connect_args={
            **CONNECT_ARGUMENTS,
            "prepare_threshold": None,
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": "openbis-sync source server",
        },
    )
    schema = {} if "options" in address.query else _SCHEMA
    prepare_sessions(engine, for_reading, {**SEES_ALL_ROWS, **schema})
    return engine


@contextmanager
def connected(engine: Engine) -> Iterator[Connection]:
    """A connection. ConfigError if the database cannot be reached."""
    try:
        connection = engine.connect()
    except OperationalError as fault:
        reason = str(fault.orig).strip().splitlines()[0]
        raise ConfigError(
            f"cannot connect to {described(engine.url)}: {reason}; check that PostgreSQL runs and"
            " accepts connections from here, and the database's name, user and password"
        ) from fault
    with connection:
        yield connection


_UNTRANSLATABLE = "22P05"


@contextmanager
def none_if_untranslatable() -> Iterator[None]:
    """Skip the block if the encoding of the database lacks a character of the question: nothing
    there can have such a name."""
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _UNTRANSLATABLE:
            raise


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees the database as it is now, whatever is committed later."""
    with connected(engine) as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            for setting in _SETTINGS:
                connection.exec_driver_sql(setting)
            connection.exec_driver_sql("select 1")  # the first query takes the snapshot
            yield connection


# Rows fetched per round trip.
_ROWS = 1_000


def plain_rows(
    connection: Connection, query: TextClause, parameters: Mapping[str, Any]
) -> Iterator[tuple[Any, ...]]:
    """All rows as the driver returns them, for millions of values: SQLAlchemy's rows take more than
    twice the time."""
    with connection.execute(query, parameters) as result:
        cursor: Any = result.cursor
        while rows := cursor.fetchmany(_ROWS):
            yield from rows


def low_water_mark(engine: Engine) -> datetime:
    """The start of the server's oldest open transaction, cut to seconds, less a second.

    openBIS stamps its changes with the start of the transaction. What is not committed when this is
    asked has a later stamp (wire-format.md, 1.6). Ask before taking a snapshot.
    """
    with connected(engine) as connection:
        oldest: datetime = connection.execute(_LOW_WATER_MARK).scalar_one()
    return oldest.astimezone(UTC).replace(microsecond=0) - _MARGIN


def check_low_water_mark(connection: Connection) -> None:
    """Raises ConfigError if this user cannot see openBIS's open transactions: changes that are
    committed while a list is read would then never be harvested."""
    row = connection.execute(_MAY_SEE_TRANSACTIONS).one()
    where = described(connection.engine.url)
    if row.standby:
        raise ConfigError(
            f"{where} is a standby, which does not know the transactions that are open on its"
            " primary; connect to the primary"
        )
    if not row.allowed:
        raise ConfigError(
            f"{where}: {row.me} may not see when the transactions of {row.owner} began, which the"
            f' list\'s "at" needs; let an administrator run: grant pg_read_all_stats to "{row.me}"'
        )
