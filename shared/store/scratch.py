"""Where SQLite keeps what a connection needs for itself: lists that are read, and plans of a pass.

Not in SQLite's own temporary database: when that has outgrown its cache and a transaction is rolled
back, as each rehearsal is, it may be malformed afterwards (seen with 3.40 as well as with 3.54,
with caches of some sizes only). A file like that of every database does not have this fault. It
loses its name as soon as it is open, so that nothing of it is left, however the program ends.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

SCHEMA = "pg_temp"
"""As PostgreSQL calls the place of a session's own tables, so that one text serves both."""

_CACHE = 4_000
"""Kibibytes."""


def provide(engine: Engine) -> None:
    """Let each connection of a SQLite engine have such a place."""
    database = engine.url.database
    folder = Path(database).resolve().parent if database else None

    def attach(driver: Any, _record: object) -> None:
        _attach(driver, folder)

    def renew(driver: Any, _record: object) -> None:
        """Room that is not needed any more is given back when the connection is."""
        if driver is not None and driver.execute(f"PRAGMA {SCHEMA}.page_count").fetchone()[0]:
            try:
                driver.execute(f"DETACH {SCHEMA}")
            except sqlite3.OperationalError:  # something reads from it still, as after an error,
                return  # which this one must not hide
            _attach(driver, folder)

    event.listen(engine, "connect", attach)
    event.listen(engine, "checkin", renew)


def _attach(driver: sqlite3.Connection, folder: Path | None) -> None:
    try:
        handle, path = tempfile.mkstemp(prefix=".openbis-sync-", dir=folder)
    except OSError as error:
        place = folder or tempfile.gettempdir()
        raise sqlite3.OperationalError(
            f"no file can be made in {place}: {error.strerror}"
        ) from error
    try:
        driver.execute(f"ATTACH ? AS {SCHEMA}", (path,))
    finally:
        os.close(handle)
        Path(path).unlink()
    # a journal in memory has no file; what is written for the first time is not in it
    for pragma in ("journal_mode=MEMORY", "synchronous=OFF", f"cache_size=-{_CACHE}"):
        driver.execute(f"PRAGMA {SCHEMA}.{pragma}")
