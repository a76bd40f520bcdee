"""Whether the destination's database can be opened and written to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from harvester.runs.findings import Finding, broken, broken_by, doubtful, fine
from harvester.settings.harvester import HarvesterSettings
from shared.addresses import shown_url
from shared.errors import ConfigError, SyncError
from shared.store.engine import database_errors, open_store
from shared.store.trial import try_writing

_SUBJECT = "database"


class OpenDestination:
    """The destination's database, if it can be opened. The caller closes it."""

    def __init__(self, settings: HarvesterSettings) -> None:
        self.settings = settings
        self._engine: Engine | None = None
        self.finding = self._open()

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()

    @contextmanager
    def connected(self) -> Iterator[Connection | None]:
        """A connection; None if the database cannot be opened. `SyncError` if connecting fails."""
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
            try_writing(engine)
        except SyncError as error:
            if "database is locked" in str(error):
                return doubtful(_SUBJECT, f"{shown}: somebody else writes to it; try again later")
            return broken(_SUBJECT, f"{error.__cause__ or error}".splitlines()[0])
        return fine(_SUBJECT, f"{shown} can be written to")
