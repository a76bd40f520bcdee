"""One process at a time works on a section, over all machines that share a destination.

The lock belongs to the operating system or the database and ends with its holder: on PostgreSQL an
advisory lock of the session that does the work, on SQLite a lock on a file beside the database.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

# Keeps the locks apart from those of other programs in the same database.
_APPLICATION = 0x6F70656E
# PostgreSQL notices within a minute that a machine is gone, and ends its sessions.
_KEEPALIVE = {"tcp_keepalives_idle": 30, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}


@contextmanager
def section_lock(connection: Connection, source: str) -> Iterator[bool]:
    """Tries to get the lock of a source; gives whether it succeeded. Enter it between transactions,
    with the connection that does the work."""
    if connection.dialect.name == "postgresql":
        with _advisory_lock(connection, source) as held:
            yield held
    else:
        with _file_lock(connection, source) as held:
            yield held


@contextmanager
def _advisory_lock(connection: Connection, source: str) -> Iterator[bool]:
    digest = hashlib.sha256(source.encode()).digest()
    key = {"space": _APPLICATION, "key": int.from_bytes(digest[:4], "big", signed=True)}
    with connection.begin():
        for name, value in _KEEPALIVE.items():
            connection.execute(
                text("SELECT set_config(:name, :value, false)"), {"name": name, "value": str(value)}
            )
        query = text("SELECT pg_try_advisory_lock(CAST(:space AS int), CAST(:key AS int))")
        held = bool(connection.execute(query, key).scalar_one())
    try:
        yield held
    finally:
        if held and not connection.invalidated and not connection.closed:
            with connection.begin():
                unlock = text("SELECT pg_advisory_unlock(CAST(:space AS int), CAST(:key AS int))")
                connection.execute(unlock, key)


@contextmanager
def _file_lock(connection: Connection, source: str) -> Iterator[bool]:
    path = f"{connection.engine.url.database}-{source}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held = True
    except BlockingIOError:
        held = False
    try:
        yield held
    finally:
        os.close(descriptor)
