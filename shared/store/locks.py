"""One worker at a time on a section, over all processes and machines that share a destination.

Both locks are the system's own and end with their holder, however it ends: PostgreSQL's advisory
lock belongs to the session of the connection, which is the one that does the work; on SQLite, whose
database is a file, it is a lock on a file beside it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

_APPLICATION = 0x6F70656E
"""So that the locks do not meet those of other programs in the same database."""
_KEEPALIVE = {"tcp_keepalives_idle": 30, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}
"""After a minute PostgreSQL notices that a machine is gone, and ends its sessions."""


@contextmanager
def section_lock(connection: Connection, source: str) -> Iterator[bool]:
    """Tries to be the only one who works on a source; whether it succeeded. To be entered between
    transactions, and held on the connection that does the work."""
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
