"""Whether the destination's database can be opened and written to, and by whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine, select

from harvester.openbis.section import SectionConfig
from harvester.runs.destination import authorise, data_store
from harvester.runs.findings import Finding, broken, broken_by, doubtful, fine, untried
from harvester.settings.harvester import HarvesterSettings
from shared.addresses import shown_url
from shared.errors import ConfigError, SyncError
from shared.model.kinds import Kind
from shared.store.engine import database_errors, open_store, rehearsal
from shared.store.files import DataStore
from shared.store.incoming import Incoming
from shared.store.mounted import mount_faults
from shared.store.tables import entity, meta

_SUBJECT = "database"
_PATIENCE = 2000
"""Milliseconds to wait for somebody else who writes; a run would wait longer."""
_TRIAL = {"key": "openbis-sync-check", "value": ""}


class OpenDestination:
    """The destination, as far as it can be opened; to be closed."""

    def __init__(self, settings: HarvesterSettings) -> None:
        self._settings = settings
        self._engine: Engine | None = None
        self.finding = self._open()

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()

    def check_user(self, section: SectionConfig) -> Finding:
        subject = "harvester-user"
        if self._engine is None:
            return untried(subject, "the database cannot be opened")
        try:
            with database_errors(self._engine), self._engine.connect() as connection:
                authorise(connection, section)
        except SyncError as error:
            return broken_by(subject, error)
        return fine(subject, f"{section.harvester_user} may log in, and is an instance admin")

    def data_store(self, section: SectionConfig) -> DataStore | None:
        if self._engine is None:
            return None
        with database_errors(self._engine), self._engine.connect() as connection:
            return data_store(connection, section, self._settings)

    def unmounted(self, section: SectionConfig) -> list[str]:
        """What is wrong with the folders of the destination, if anything."""
        if self._engine is None:
            return []
        with database_errors(self._engine), self._engine.connect() as connection:
            store = data_store(connection, section, self._settings)
            return list(mount_faults(connection, store, section.alias))

    def known_data_sets(self, codes: Iterable[str]) -> set[str]:
        """Those that are here already."""
        if self._engine is None:
            return set()
        query = select(entity.c.perm_id).where(
            entity.c.kind == Kind.DATA_SET, entity.c.perm_id.in_(list(codes))
        )
        with database_errors(self._engine), self._engine.connect() as connection:
            return set(connection.execute(query).scalars())

    def spaces_of(self, section: SectionConfig) -> set[str]:
        """The spaces that the section brought, by their codes in the source."""
        if self._engine is None:
            return set()
        query = select(entity.c.code).where(
            entity.c.kind == Kind.SPACE, entity.c.source == section.alias
        )
        prefix = (section.prefix or "").upper()
        with database_errors(self._engine), self._engine.connect() as connection:
            return {code.removeprefix(prefix) for code in connection.execute(query).scalars()}

    def _open(self) -> Finding:
        try:
            engine = open_store(self._settings.database_url.get_secret_value())
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
