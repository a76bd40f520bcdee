"""Tries whether a run could write to a store; leaves nothing behind."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from shared.store.engine import database_errors, rehearsal
from shared.store.incoming import Incoming
from shared.store.tables import meta

# Milliseconds to wait for another writer; a run would wait longer.
_PATIENCE = 2000
_ROW = {"key": "openbis-sync-check", "value": ""}


def try_writing(engine: Engine) -> None:
    """Writes a row of a permanent table, creates the temporary tables of a run, and rolls back.
    Raises `SyncError`."""
    with database_errors(engine), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            driver: Any = connection.connection.driver_connection
            driver.execute(f"PRAGMA busy_timeout={_PATIENCE}")
        with rehearsal(connection) as transaction, transaction():
            Incoming(connection)
            connection.execute(meta.insert(), _ROW)
