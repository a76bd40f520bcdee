"""Commands on the trash. Each holds the lock of the section whose rows it changes; the files follow
at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine

from harvester.memory.runs import at_work, latest_list
from harvester.openbis.destination.access import data_store
from harvester.openbis.destination.file_work import StoreFiles, end_replacements, finish_files
from harvester.openbis.destination.moving import clash
from harvester.openbis.destination.restoring import (
    Restoration,
    Wish,
    keep_what_is_replaced,
    restore,
)
from harvester.openbis.destination.trash import Deletion, pass_over, purge
from harvester.openbis.section import SectionConfig
from harvester.runs.trusted_clock import dated
from harvester.settings.harvester import HarvesterSettings
from shared.errors import BusyError, ConfigError
from shared.model.kinds import Kind
from shared.store.engine import Transaction, data_store_uuid, viewing, work
from shared.store.files import DataStore
from shared.store.locks import section_lock
from shared.store.loss_kinds import Loss
from shared.store.mounted import check_mounted


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashKeeper:
    """Restores and purges deletions. ``sections`` are the configured ones; deletions of other
    sections can be restored and purged, too."""

    engine: Engine
    settings: HarvesterSettings
    sections: Sequence[SectionConfig]

    def restore(self, source: str, wish: Wish) -> Restoration:
        """Bring back the wanted items of a deletion, as far as possible. Raises `ConfigError` if
        the deletion does not have them, and `BusyError`."""
        with self._alone(source) as (connection, transaction, store):
            with transaction():
                now = dated(datetime.now(UTC), latest_list(connection, source))
                replaces = keep_what_is_replaced(connection, wish, source, now)
            if replaces:
                with transaction():
                    finish_files(connection, source, StoreFiles(store))
            return self._restore(connection, transaction, wish, store)

    @staticmethod
    def _restore(
        connection: Connection, transaction: Transaction, wish: Wish, store: DataStore
    ) -> Restoration:
        with transaction():
            restoration = restore(connection, wish, _Obstacles(store, wish.deletion).of)
            if fault := _fault(wish, restoration):
                raise ConfigError(fault)
            return restoration

    def purge(self, chosen: Sequence[Deletion]) -> None:
        """Remove deletions for good. `BusyError`."""
        for source in sorted({deletion.source for deletion in chosen}):
            numbers = [deletion.number for deletion in chosen if deletion.source == source]
            with self._alone(source) as (connection, transaction, _), transaction():
                purge(connection, numbers)

    @contextmanager
    def _alone(self, source: str) -> Iterator[tuple[Connection, Transaction, DataStore]]:
        with (
            self.engine.connect() as connection,
            section_lock(connection, source) as held,
            work(connection) as transaction,
        ):
            with viewing(connection):
                if not held:
                    raise BusyError(_who(connection, self._name(source), source))
                store = self._store(connection, source)
                check_mounted(connection, store, source)
                end_replacements(connection, store, source)
            files = StoreFiles(store)
            with transaction():  # finish what a killed run left undone
                finish_files(connection, source, files)
                pass_over(connection, store.trashed_deletions())
            yield connection, transaction, store
            with transaction():
                finish_files(connection, source, files)

    def _section(self, source: str) -> SectionConfig | None:
        return next((one for one in self.sections if one.alias == source), None)

    def _name(self, source: str) -> str:
        section = self._section(source)
        return section.name if section else source

    def _store(self, connection: Connection, source: str) -> DataStore:
        if section := self._section(source):
            return data_store(connection, section, self.settings)
        return DataStore(
            root=self.settings.storeroot_dir,
            uuid=data_store_uuid(connection),
            service_root=self.settings.file_service_repository_path,
            temporary=self.settings.storeroot_dir / "temp" / source,
        )


def _fault(wish: Wish, restoration: Restoration) -> str | None:
    listed = f"'harvester trash list {wish.deletion}' shows what it has"
    kind = f"{wish.kind} " if wish.kind else ""
    if restoration.unknown:
        names = ", ".join(restoration.unknown)
        return f"deletion {wish.deletion} does not have {kind}{names}; {listed}"
    if not restoration.counts and not restoration.refusals:
        return f"deletion {wish.deletion} has nothing of kind {wish.kind}; {listed}"
    return None


def _who(connection: Connection, name: str, source: str) -> str:
    other = at_work(connection, source)
    who = f"{other.worker} (run {other.id})" if other else "another process"
    return f"[{name}] {who} is at work on this section; try again when it is done"


@dataclass(frozen=True, slots=True)
class _Obstacles:
    """The reasons why files cannot come back."""

    store: DataStore
    deletion: int

    def of(self, kind: str, name: str) -> str | None:
        store = self.store
        try:
            if kind in {Kind.DATA_SET, Loss.DATA_SET_CONTENT}:
                trashed = store.trashed_data_set(self.deletion, name)
                return _of_data_set(kind, trashed, store.data_set_folder(name))
            trashed = store.trashed_service_file(self.deletion, name)
            home = store.service_file(name)
        except ValueError as error:
            return str(error)
        if not trashed.is_file():
            return f"is not in the trash ({trashed})"
        if kind == Kind.FILE and home.exists():
            return _in_the_way(home)
        return None


def _of_data_set(kind: str, trashed: Path, home: Path) -> str | None:
    if not trashed.is_dir():
        return f"its files are not in the trash ({trashed})"
    if kind == Kind.DATA_SET:
        return _in_the_way(home) if home.exists() else None
    if place := clash(trashed, home):
        return f"{place} is a file here and a folder in the trash, or the other way round"
    return None


def _in_the_way(home: Path) -> str:
    return f"{home} is there already, and no section knows of it; move it away first"
