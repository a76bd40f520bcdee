"""One writer at a time works on a store, since a transaction inserts what its own comparison found
missing. SQLite has a lock for that; on PostgreSQL an advisory lock does the same.

A writer waits a minute for the lock, or as its caller decides: then the wait can be stopped.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

# Sleeps this many seconds; raises if waiting should end.
Pause = Callable[[float], None]

_IMMEDIATE = "openbis_sync_immediate"
_PAUSE = "openbis_sync_pause"
# Milliseconds to wait for another writer, unless the caller decides.
PATIENCE = 60_000
_ASK_AGAIN = (0.01, 0.02, 0.05, 0.1)
# Seconds between tries of a writer that waits without a limit: the first tries, and all later ones.
_ASK_ON = 0.2
# Number of the advisory lock that admits one writer to a PostgreSQL database.
_WRITERS = 0x6F70656E_77726974


@contextmanager
def write_lock(connection: Connection) -> Iterator[None]:
    """Takes the write lock at the beginning of a transaction; later, another writer may have made
    that impossible."""
    connection.execution_options(**{_IMMEDIATE: True})
    try:
        yield
    finally:
        connection.execution_options(**{_IMMEDIATE: False})


def begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get(_IMMEDIATE):
        connection.exec_driver_sql("BEGIN")
    elif pause := options.get(_PAUSE):
        _begin_at_last(connection, pause)
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_at_last(connection: Connection, pause: Pause) -> None:
    """SQLite's own wait cannot be stopped, so this tries again and again without waiting."""
    with _not_waiting(connection):
        for seconds in chain(_ASK_AGAIN, repeat(_ASK_ON)):
            if _done(connection, "BEGIN IMMEDIATE"):
                return
            pause(seconds)


def begin_postgresql(connection: Connection) -> None:
    """Takes a lock that ends with its transaction."""
    options = connection.get_execution_options()
    if not options.get(_IMMEDIATE):
        return
    pause = options.get(_PAUSE)
    if pause is None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {PATIENCE}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        return
    for seconds in chain(_ASK_AGAIN, repeat(_ASK_ON)):
        if connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({_WRITERS})").scalar():
            return
        pause(seconds)


@contextmanager
def _not_waiting(connection: Connection) -> Iterator[None]:
    connection.exec_driver_sql("PRAGMA busy_timeout=0")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={PATIENCE}")


def _done(connection: Connection, statement: str) -> bool:
    """Whether SQLite did it; False if another writer holds the lock."""
    try:
        connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if not is_busy(error.orig):
            raise
        return False
    return True


def is_busy(error: BaseException | None) -> bool:
    """Whether SQLite reports that another writer holds the lock."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def wait_for_writers(target: Engine | Connection, pause: Pause) -> None:
    """Lets writes wait for other writers as long as ``pause`` allows, instead of a minute: a
    rehearsal blocks all other writers. The setting of a connection beats that of its engine."""
    if isinstance(target, Engine):
        target.update_execution_options(**{_PAUSE: pause})
    else:
        target.execution_options(**{_PAUSE: pause})
