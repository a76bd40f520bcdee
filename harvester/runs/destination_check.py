"""Whether the destination's database can be opened and written to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

from harvester.runs.findings import Finding, broken, broken_by, doubtful, fine
from harvester.settings.harvester import HarvesterSettings
from shared.addresses import shown_url
from shared.errors import ConfigError, SyncError
from shared.store.engine import database_errors, open_store, rehearsal
from shared.store.incoming import Incoming
from shared.store.tables import meta

_SUBJECT = "database"
_PATIENCE = 2000
"""Milliseconds to wait for somebody else who writes; a run would wait longer."""
_TRIAL = {"key": "openbis-sync-check", "value": ""}


class OpenDestination:
    """The destination, as far as it can be opened; to be closed."""

    def __init__(self, settings: HarvesterSettings) -> None:
        self.settings = settings
        self._engine: Engine | None = None
        self.finding = self._open()

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()

    @contextmanager
    def connected(self) -> Iterator[Connection | None]:
        """A connection; None if the database cannot be opened. `SyncError` if it fails."""
        if self._engine is None:
            yield None
            return
        with database_errors(self._engine), self._engine.connect() as connection:
            yield connection

    def _open(self) -> Finding:
        try:
            engine = open_store(self.settings.database_url.get_secret_value())
        except ConfigError as error:
            return broken_by(_SUBJECT, error)
        self._engine = engine
        shown = shown_url(engine.url)
        try:
            _write_and_roll_back(engine)
        except SyncError as error:
            if "database is locked" in str(error):
                return doubtful(_SUBJECT, f"{shown}: somebody else writes to it; try again later")
            return broken(_SUBJECT, f"{error.__cause__ or error}".splitlines()[0])
        return fine(_SUBJECT, f"{shown} can be written to")


def _write_and_roll_back(engine: Engine) -> None:
    """A row of a table that stays, and the temporary tables that every run needs."""
    with database_errors(engine), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            driver: Any = connection.connection.driver_connection
            driver.execute(f"PRAGMA busy_timeout={_PATIENCE}")
        with rehearsal(connection) as transaction, transaction():
            Incoming(connection)
            connection.execute(meta.insert(), _TRIAL)
