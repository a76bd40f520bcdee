"""Opens the instance to publish, and the users who may read it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine

from shared.errors import ConfigError
from shared.store.engine import data_store_uuid, open_store
from shared.store.files import DataStore
from shared.store.mounted import mount_faults
from source_server.catalogues.embedded import EmbeddedCatalogue, StoreUsers
from source_server.catalogues.missing_files import MissingFiles
from source_server.catalogues.openbis.catalogue import OpenBisAccess, open_openbis
from source_server.catalogues.openbis.passwords import PasswordFile
from source_server.publication.catalogue import Catalogue
from source_server.settings import SourceSettings
from source_server.settings.choices import AfsChecksums, CatalogueKind
from source_server.users.sign_in import UserDirectory
from source_server.users.users_file import UsersFile
from source_server.workers.common import ALONE, Common

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An instance to publish. The ``directories`` are asked for a user in their order."""

    catalogue: Catalogue
    directories: tuple[UserDirectory, ...]


@contextmanager
def opened(settings: SourceSettings, common: Common = ALONE) -> Iterator[Instance]:
    """Open the instance of the settings. Raises `ConfigError` if that fails."""
    if settings.catalogue is CatalogueKind.NONE:
        raise ConfigError("catalogue = none: there is no instance; set catalogue = embedded")
    if settings.catalogue is CatalogueKind.OPENBIS:
        with _openbis(settings) as catalogue:
            yield Instance(catalogue=catalogue, directories=_files(settings))
        return
    engine = open_store(settings.instance_url)
    try:
        embedded = EmbeddedCatalogue(
            engine,
            store_root=settings.storeroot_dir,
            service_root=settings.file_service_repository_path,
            missing=MissingFiles(common),
        )
        directories = (StoreUsers(engine), *_files(settings))
        _warn_of_missing_folders(engine, settings)
        yield Instance(catalogue=embedded, directories=directories)
    finally:
        engine.dispose()


def _warn_of_missing_folders(engine: Engine, settings: SourceSettings) -> None:
    """Warn, but do not fail: an instance that was only loaded (`source-server load`) never has
    files."""
    with engine.connect() as connection:
        store = DataStore(
            root=settings.storeroot_dir,
            uuid=data_store_uuid(connection),
            service_root=settings.file_service_repository_path,
            temporary=settings.storeroot_dir / "temp",
        )
        for fault in mount_faults(connection, store, source=None):
            logger.warning("%s", fault)


@contextmanager
def opened_directories(settings: SourceSettings) -> Iterator[tuple[UserDirectory, ...]]:
    """Open the users alone, for parts beside the instance; they are asked in this order. Raises
    `ConfigError` if they cannot be opened."""
    if settings.catalogue is not CatalogueKind.EMBEDDED:
        yield _files(settings)
        return
    engine = open_store(settings.instance_url)
    try:
        yield StoreUsers(engine), *_files(settings)
    finally:
        engine.dispose()


@contextmanager
def _openbis(settings: SourceSettings) -> Iterator[Catalogue]:
    catalogue = open_openbis(
        settings.instance_url,
        store_root=settings.storeroot_dir,
        path_info_url=settings.path_info_url,
        others=settings.data_stores,
        file_service_root=settings.file_service_repository_path,
        access=OpenBisAccess(
            project_level_users=(
                settings.authorization_project_level_users
                if settings.authorization_project_level_enabled
                else None
            ),
            allow_newer_schema=settings.allow_newer_schema,
            computes_afs_checksums=settings.afs_checksums is AfsChecksums.COMPUTED,
            states=settings.changes_file,
        ),
    )
    try:
        yield catalogue
    finally:
        catalogue.close()


def _files(settings: SourceSettings) -> tuple[UserDirectory, ...]:
    """The users in files. Our own file comes first: its hashes are the stronger ones."""
    directories: list[UserDirectory] = []
    if settings.users_file:
        directories.append(UsersFile(settings.users_file))
    if settings.password_file:
        directories.append(PasswordFile(settings.password_file))
    return tuple(directories)
