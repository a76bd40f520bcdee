"""A file for the temporary tables of an SQLite connection: incoming lists and plans.

SQLite's own temporary database is not used: once it has outgrown its cache, rolling back a
transaction, as each rehearsal does, may corrupt it (seen with 3.40 and 3.54, with some cache sizes
only). An attached database file does not have this fault. It is unlinked as soon as it is open, so
nothing remains, however the program ends. A section may have a file of its own that stays
(`shared.store.kept_list`).
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

# PostgreSQL's name for the schema of temporary tables, so that one SQL text serves both.
SCHEMA = "pg_temp"

# Kibibytes.
_CACHE = 4_000


def provide(engine: Engine) -> None:
    """Gives each connection of an SQLite engine such a file."""
    database = engine.url.database
    folder = Path(database).resolve().parent if database else None

    def attach(driver: Any, _record: object) -> None:
        _attach(driver, folder)

    def renew(driver: Any, _record: object) -> None:
        """Space that is not needed any more is freed when the connection is returned."""
        if driver is not None and driver.execute(f"PRAGMA {SCHEMA}.page_count").fetchone()[0]:
            try:
                driver.execute(f"DETACH {SCHEMA}")
            except sqlite3.OperationalError:  # something reads from it still, as after an error,
                return  # which this one must not hide
            _attach(driver, folder)

    event.listen(engine, "connect", attach)
    event.listen(engine, "checkin", renew)


def use(connection: Connection, path: Path) -> None:
    """Lets the connection's own tables lie in this file, which stays, until `release`. No
    transaction may be open. Raises `sqlite3.DatabaseError` if it is no database; then the
    connection has no file for these tables."""
    driver: Any = connection.connection.driver_connection
    _detach(driver)
    _attach_file(driver, path)


def release(connection: Connection) -> None:
    """The connection gets a file as others have. Raises `sqlite3.OperationalError` if something
    still reads from the one that it has."""
    driver: Any = connection.connection.driver_connection
    _detach(driver)
    database = connection.engine.url.database
    _attach(driver, Path(database).resolve().parent if database else None)


def _detach(driver: sqlite3.Connection) -> None:
    if SCHEMA in {name for _, name, _ in driver.execute("PRAGMA database_list")}:
        driver.execute(f"DETACH {SCHEMA}")


def _attach(driver: sqlite3.Connection, folder: Path | None) -> None:
    try:
        handle, path = tempfile.mkstemp(prefix=".openbis-sync-", dir=folder)
    except OSError as error:
        place = folder or tempfile.gettempdir()
        raise sqlite3.OperationalError(
            f"no file can be made in {place}: {error.strerror}"
        ) from error
    try:
        _attach_file(driver, Path(path))
    finally:
        os.close(handle)
        Path(path).unlink()


def _attach_file(driver: sqlite3.Connection, path: Path) -> None:
    driver.execute(f"ATTACH ? AS {SCHEMA}", (str(path),))
    # a journal in memory has no file; what is written for the first time is not in it
    for pragma in ("journal_mode=MEMORY", "synchronous=OFF", f"cache_size=-{_CACHE}"):
        driver.execute(f"PRAGMA {SCHEMA}.{pragma}")
