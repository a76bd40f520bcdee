"""Opens the application file service, if the settings name its address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from shared.errors import ConfigError
from source_server.publication.catalogue import Catalogue
from source_server.settings import SourceSettings
from source_server.users.sessions import Sessions
from source_server.users.sign_in import Authenticator
from source_server.web.afs.application import AfsService, afs_application
from source_server.web.afs.files import AfsFiles
from source_server.web.afs.foreign_sessions import ForeignSessions
from source_server.web.dispatch import OpenedPart
from source_server.web.guesses import Guesses
from source_server.workers.common import ALONE, Common


@contextmanager
def opened_afs(
    settings: SourceSettings,
    catalogue: Catalogue,
    authenticator: Authenticator,
    common: Common = ALONE,
) -> Iterator[tuple[OpenedPart, ...]]:
    """The application file service at the path of ``afs-url``; nothing without that setting. Raises
    `ConfigError` if the address has no path of its own."""
    if settings.afs_url is None:
        yield ()
        return
    path = urlsplit(settings.afs_url).path.rstrip("/")
    # A part answers all paths below its own: ``/datastore_server`` would hide the lists.
    if not path or path == "/datastore_server":
        raise ConfigError("afs-url must have a path of its own, such as https://host/afs-server")
    guesses = Guesses.of(settings, common, "afs-guesses")
    with ForeignSessions.opened(settings.application_server_url, guesses) as others:
        service = AfsService(
            catalogue=catalogue,
            files=AfsFiles(catalogue),
            authenticator=authenticator,
            guesses=guesses,
            sessions=common.one("afs-sessions", Sessions),
            others=others,
        )
        app = afs_application(service, path)
        yield (OpenedPart(name="application file service", prefixes=(path,), app=app),)
