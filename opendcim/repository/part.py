"""The repository as a part of the source server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opendcim.repository.allowance import Allowance
from opendcim.repository.app import repository_app
from opendcim.repository.pages.sessions import Sessions
from opendcim.repository.picture_store import PictureStore
from opendcim.repository.settings import RepositorySettings
from opendcim.repository.site import API, PAGES, Site
from opendcim.repository.storage import opened_repository, reading, repository_id
from shared.errors import ConfigError
from source_server.settings import SourceSettings
from source_server.web.dispatch import OpenedPart
from source_server.workers.common import ALONE, Common


@contextmanager
def repository_part(
    settings: RepositorySettings, server: SourceSettings, common: Common = ALONE
) -> Iterator[OpenedPart]:
    """Raises `ConfigError` if the database or the folder of pictures cannot be opened."""
    address = settings.opendcim_repository_address or server.download_url
    with opened_site(settings, address, common) as site:
        yield OpenedPart(
            name="openDCIM repository", prefixes=(API, PAGES), app=repository_app(site)
        )


@contextmanager
def opened_site(
    settings: RepositorySettings, address: str, common: Common = ALONE
) -> Iterator[Site]:
    """``address`` is the server's address for clients. Raises `ConfigError` if the database or the
    folder of pictures cannot be opened."""
    pictures = opened_pictures(settings)
    with opened_repository(settings.opendcim_repository_database_url) as engine:
        with reading(engine) as connection:
            repository = repository_id(connection)
        yield Site(
            engine=engine,
            pictures=pictures,
            allowance=Allowance(
                settings.opendcim_minimum_interval, settings.opendcim_allowance, common=common
            ),
            sessions=common.one("repository-sessions", Sessions),
            repository_id=repository,
            address=address.rstrip("/"),
            numbers=settings.opendcim_repository_numbers,
        )


def opened_pictures(settings: RepositorySettings) -> PictureStore:
    folder = settings.opendcim_repository_pictures_dir
    store = PictureStore(folder, largest=settings.opendcim_max_picture)
    try:
        store.prepare()
    except OSError as error:
        raise ConfigError(
            f"opendcim-repository-pictures-dir: {folder}: {error.strerror or error}; this program "
            "must be able to write there"
        ) from error
    return store
