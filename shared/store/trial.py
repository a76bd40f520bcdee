"""A trial of a store: whether a run could write to it. Nothing of it stays."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from shared.store.engine import database_errors, rehearsal
from shared.store.incoming import Incoming
from shared.store.tables import meta

_PATIENCE = 2000
"""Milliseconds to wait for another writer; a run would wait longer."""
_ROW = {"key": "openbis-sync-check", "value": ""}


def try_writing(engine: Engine) -> None:
    """Write a row of a table that stays, and make the temporary tables that every run needs; then
    roll back. Raises `SyncError`."""
    with database_errors(engine), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            driver: Any = connection.connection.driver_connection
            driver.execute(f"PRAGMA busy_timeout={_PATIENCE}")
        with rehearsal(connection) as transaction, transaction():
            Incoming(connection)
            connection.execute(meta.insert(), _ROW)
