"""The embedded store as the destination of one section."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from harvester.openbis.destination.access import authorise, data_store
from harvester.openbis.destination.embedded.deletions import (
    EmbeddedDeletions,
    EmbeddedGuard,
    EmbeddedTrash,
)
from harvester.openbis.destination.embedded.files import (
    EmbeddedAttachments,
    EmbeddedDataSets,
    EmbeddedFileWork,
    EmbeddedServiceFiles,
)
from harvester.openbis.destination.embedded.rows import (
    EmbeddedDefinitions,
    EmbeddedEntities,
    EmbeddedOriginals,
    EmbeddedPlan,
)
from harvester.openbis.destination.file_work import end_replacements
from harvester.openbis.destination.trash import pass_over
from harvester.openbis.section import SectionConfig
from harvester.settings.harvester import HarvesterSettings
from shared.store import engine
from shared.store.engine import Transaction
from shared.store.files import DataStore
from shared.store.mounted import check_mounted, mark_folders
from shared.store.sources import finish_source, start_source


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedDestination:
    """See `port.whole.SectionDestination`. ``source`` marks the rows of the section; ``store``
    holds its files."""

    connection: Connection
    source: str
    store: DataStore

    @property
    def plan(self) -> EmbeddedPlan:
        return EmbeddedPlan(self.connection, self.source)

    @property
    def deletions(self) -> EmbeddedDeletions:
        return EmbeddedDeletions(self.connection, self.source)

    @property
    def guard(self) -> EmbeddedGuard:
        return EmbeddedGuard(self.connection, self.source)

    @property
    def trash(self) -> EmbeddedTrash:
        return EmbeddedTrash(self.connection, self.source)

    @property
    def definitions(self) -> EmbeddedDefinitions:
        return EmbeddedDefinitions(self.connection, self.source)

    @property
    def entities(self) -> EmbeddedEntities:
        return EmbeddedEntities(self.connection, self.source)

    @property
    def originals(self) -> EmbeddedOriginals:
        return EmbeddedOriginals(self.connection, self.source)

    @property
    def file_work(self) -> EmbeddedFileWork:
        return EmbeddedFileWork(self.connection, self.source)

    @property
    def attachments(self) -> EmbeddedAttachments:
        return EmbeddedAttachments(self.connection, self.source)

    @property
    def service_files(self) -> EmbeddedServiceFiles:
        return EmbeddedServiceFiles(self.connection, self.source)

    @property
    def data_sets(self) -> EmbeddedDataSets:
        return EmbeddedDataSets(self.connection, self.source)

    def rehearsal(self) -> AbstractContextManager[Transaction]:
        return engine.rehearsal(self.connection)

    def work(self) -> AbstractContextManager[Transaction]:
        return engine.work(self.connection)

    def begins(self, url: str, started: datetime) -> None:
        start_source(self.connection, self.source, url, started)
        pass_over(self.connection, self.store.trashed_deletions())

    def ends(self, at: datetime | None) -> None:
        finish_source(self.connection, self.source, at)
        mark_folders(self.connection, self.store)

    def tidy(self) -> None:
        engine.refresh_statistics(self.connection)

    def interrupt(self) -> None:
        engine.interrupt(self.connection)


def opened(
    connection: Connection, config: SectionConfig, settings: HarvesterSettings
) -> EmbeddedDestination:
    """Open the destination. Raises `ConfigError` if the section may not write there, or a folder is
    missing. What a killed run was replacing is put back, unless this run only rehearses. The caller
    holds the section's lock, and opens a transaction to read."""
    authorise(connection, config)
    store = data_store(connection, config, settings)
    check_mounted(connection, store, config.alias)
    if not config.dry_run:
        end_replacements(connection, store, config.alias)
    return EmbeddedDestination(connection=connection, source=config.alias, store=store)
