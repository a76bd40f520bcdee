"""One writer at a time works on a store, since what a transaction inserts was found missing by a
comparison within it. SQLite has a lock for that, and on PostgreSQL one of our own does the same.

Whoever waits for it waits a minute, or as somebody said: so that it can be told to stop.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

Pause = Callable[[float], None]
"""Lets so many seconds pass; raises if it is no longer worth while to wait."""

_IMMEDIATE = "openbis_sync_immediate"
_PAUSE = "openbis_sync_pause"
PATIENCE = 60_000
"""Milliseconds to wait for another writer, if nobody said how to wait."""
_ASK_AGAIN = (0.01, 0.02, 0.05, 0.1)
_ASK_ON = 0.2
"""Seconds between two tries of somebody who waits as long as it takes: the first ones, and then."""
_WRITERS = 0x6F70656E_77726974
"""The number of the lock that lets one writer at a time into a PostgreSQL database."""


@contextmanager
def write_lock(connection: Connection) -> Iterator[None]:
    """Take the write lock when a transaction begins; halfway through, another writer may have made
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
    """SQLite's own waiting cannot be told to stop, so it is asked again and again not to wait."""
    with _not_waiting(connection):
        for seconds in chain(_ASK_AGAIN, repeat(_ASK_ON)):
            if _done(connection, "BEGIN IMMEDIATE"):
                return
            pause(seconds)


def begin_postgresql(connection: Connection) -> None:
    """The lock ends with its transaction, however that ends."""
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
    """Whether SQLite did it; False if another writer is in the way."""
    try:
        connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if not is_busy(error.orig):
            raise
        return False
    return True


def is_busy(error: BaseException | None) -> bool:
    """Whether SQLite says that another writer is in the way."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def wait_for_writers(target: Engine | Connection, pause: Pause) -> None:
    """From now on what writes there waits for other writers as long as ``pause`` lets it, instead
    of a minute: a rehearsal keeps all others from writing. What is said of a connection counts
    more than what is said of its engine."""
    if isinstance(target, Engine):
        target.update_execution_options(**{_PAUSE: pause})
    else:
        target.execution_options(**{_PAUSE: pause})
