"""The settings of the source server: ``config/source-server.properties``.

Keys that openBIS has too bear openBIS's names. How the file is read: `shared.settings.properties`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from sqlalchemy import URL, make_url

from shared.resourcesync.addresses import Addresses
from shared.settings.places import (
    POSTGRESQL,
    DatabaseServerUrl,
    PathBelowBase,
    PlacedSettings,
    database_url,
)
from shared.settings.properties import read_joint_settings
from shared.settings.quantities import Listen, PositiveDuration
from shared.settings.used_paths import PathRole, PlaceOf, UsedPath, database_path
from shared.settings.values import BaseUrl, Boolean, Integer, Pattern
from source_server.part import P, PartSettings, server_parts
from source_server.settings.choices import (
    AccessLog,
    AfsChecksums,
    CatalogueKind,
    PeerFormat,
)
from source_server.settings.data_stores import by_data_store, pairs

_DOTTED = {
    "database_kind": "database.kind",
    "authorization_project_level_enabled": "authorization.project-level.enabled",
    "authorization_project_level_users": "authorization.project-level.users",
}


# Workers, if the settings do not say how many.
_MOST_BY_DEFAULT = 4


def _key(name: str) -> str:
    return _DOTTED.get(name) or name.replace("_", "-")


class SourceSettings(PlacedSettings):
    """The settings of the publication, of the HTTP server, and of its users."""

    model_config = ConfigDict(alias_generator=_key)

    server_url: BaseUrl = "http://localhost:8080/openbis"
    download_url: BaseUrl = "http://localhost:8080"
    address: str = "127.0.0.1"
    # 0: any free port.
    port: Annotated[Integer, Field(ge=0, le=65535)] = 8080
    # None: `worker_count` says how many.
    workers: Annotated[Integer, Field(ge=1, le=64)] | None = None
    # None: no application file service is named to harvesters of openBIS 7.
    afs_url: BaseUrl | None = None
    # openBIS's application server, whose sessions AFS takes, too; with ``/openbis`` at its end.
    application_server_url: BaseUrl | None = None
    peer_format: PeerFormat = PeerFormat.AUTO
    auth_realm: Annotated[str, Field(pattern=r"^[ -~]+$")] = "OAI-PMH"

    catalogue: CatalogueKind = CatalogueKind.EMBEDDED
    # A URL of SQLAlchemy; secret because it may contain a password.
    database_url: DatabaseServerUrl = SecretStr("sqlite:///data/source.db")
    database_kind: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")] = "prod"
    # None: derived from ``database.kind``; ``none``: there is no such database.
    path_info_database_url: SecretStr | None = None
    storeroot_dir: PathBelowBase = Path("data/store")
    # Folders by the codes of data stores; the others use ``storeroot_dir``.
    storeroot_dirs: Annotated[
        Mapping[str, PathBelowBase] | None, BeforeValidator(by_data_store)
    ] = None
    # Path-info databases by the codes of data stores; see `data_stores`.
    path_info_database_urls: SecretStr | None = None
    afs_checksums: AfsChecksums = AfsChecksums.KNOWN
    file_service_repository_path: PathBelowBase = Path("data/file-service")
    # What is kept of an openBIS database, to tell what has changed in it.
    changes_file: PathBelowBase = Path("data/openbis-changes.db")

    users_file: PathBelowBase | None = None
    password_file: PathBelowBase | None = None
    # Bearer tokens of the users, by hash.
    tokens_file: PathBelowBase = Path("data/tokens.json")
    # Whether a database is read that is newer than this program knows.
    allow_newer_schema: Boolean = False
    authorization_project_level_enabled: Boolean = False
    authorization_project_level_users: Pattern = ".*"

    # Bytes of a file up to which its content stands in the list.
    inline_file_limit: Annotated[Integer, Field(ge=0)] = 5_000_000

    # Between two complete lists of the same patterns for the same user.
    minimum_interval: PositiveDuration | None = None
    max_lists: Annotated[Integer, Field(ge=1)] = 8
    max_lists_per_user: Annotated[Integer, Field(ge=1)] = 2

    # Wrong passwords of a user before there are pauses; 0: there are no pauses.
    max_guesses: Annotated[Integer, Field(ge=0)] = 10
    # The longest pause of an address; a user's is at most half a minute.
    longest_guess_pause: PositiveDuration = timedelta(minutes=5)
    max_connections: Annotated[Integer, Field(ge=1)] = 900
    max_connections_per_address: Annotated[Integer, Field(ge=1)] = 200

    access_log: AccessLog = AccessLog.TEXT
    monitor_address: Listen | None = None

    @field_validator("path_info_database_url")
    @classmethod
    def _usable_url(cls, url: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if url is None or _is_none(url):
            return url
        location = database_url(url.get_secret_value(), info.data.get("base_dir", Path()))
        return SecretStr(location.render_as_string(hide_password=False))

    @field_validator("path_info_database_urls")
    @classmethod
    def _usable_urls(cls, urls: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        for url in _urls_of(urls).values():
            cls._usable_url(SecretStr(url), info)
        return urls

    @model_validator(mode="after")
    def _openbis_is_complete(self) -> Self:
        if self.catalogue is not CatalogueKind.OPENBIS:
            return self
        location = make_url(self.database_url.get_secret_value())
        if location.drivername != POSTGRESQL:
            raise ValueError(
                "database-url: catalogue = openbis needs that of openBIS's PostgreSQL server, "
                "postgresql://<user>:<password>@<host>/"
            )
        if self._names_another(location):
            raise ValueError(
                f"database-url names the database {location.database}, but database.kind means "
                f"openbis_{self.database_kind}; leave one of them out"
            )
        if not self.users_file and not self.password_file:
            raise ValueError(
                "users-file or password-file is missing: catalogue = openbis needs one of them, "
                "since openBIS's database holds no passwords"
            )
        return self

    def faults_beside(self, parts: Sequence[PlacedSettings]) -> Iterator[str]:
        if self.catalogue is not CatalogueKind.NONE:
            return
        if not any(isinstance(part, PartSettings) and part.is_wanted for part in parts):
            keys = " or ".join(part.name for part in server_parts())
            hint = f"; set {keys} to true" if keys else ""
            yield f"catalogue = none: then there is nothing to serve{hint}"

    def _names_another(self, location: URL) -> bool:
        return (
            "database_kind" in self.model_fields_set
            and bool(location.database)
            and location.database != f"openbis_{self.database_kind}"
        )

    def used_paths(self, place_of: PlaceOf) -> Iterator[UsedPath]:
        """The paths that are used; those of the instance only if one is published."""
        yield from super().used_paths(place_of)
        paths = {
            "users-file": (self.users_file, PathRole.WRITTEN),
            "password-file": (self.password_file, PathRole.READ),
        }
        # The default lies wherever older settings put their folders; most servers have no tokens.
        if "tokens_file" in self.model_fields_set:
            paths["tokens-file"] = self.tokens_file, PathRole.WRITTEN
        if self.catalogue is not CatalogueKind.NONE:
            paths["storeroot-dir"] = self.storeroot_dir, PathRole.STORE
            service = self.file_service_repository_path
            paths["file-service-repository-path"] = service, PathRole.FOLDER
            yield from database_path(
                self.database_url.get_secret_value(),
                key="database-url",
                place=place_of("database-url"),
                shared="database",
            )
        if self.catalogue is CatalogueKind.OPENBIS:
            key, url = "changes-file", f"sqlite:///{self.changes_file}"
            yield from database_path(url, key=key, place=place_of(key), shared="changes")
        for key, (path, role) in paths.items():
            if path:
                yield UsedPath(key=key, path=path, place=place_of(key), role=role)

    @property
    def addresses(self) -> Addresses:
        return Addresses(server_url=self.server_url, download_url=self.download_url)

    @property
    def worker_count(self) -> int:
        """The number of processes that serve. By default one for each core that this program may
        use, up to `_MOST_BY_DEFAULT`."""
        return self.workers or min(len(os.sched_getaffinity(0)), _MOST_BY_DEFAULT)

    @property
    def instance_url(self) -> str:
        """URL of the database to publish. It may contain a password: do not show it."""
        return self._with_database("openbis").render_as_string(hide_password=False)

    @property
    def path_info_url(self) -> str | None:
        """URL of openBIS's path-info database: the given one, else derived from
        ``database.kind``."""
        if self.path_info_database_url:
            given = self.path_info_database_url
            return None if _is_none(given) else given.get_secret_value()
        if make_url(self.database_url.get_secret_value()).database:
            return None
        return self._with_database("pathinfo").render_as_string(hide_password=False)

    @property
    def data_stores(self) -> dict[str, tuple[Path, str | None]]:
        """Folder and URL of the path-info database of each data store that has its own, by code.
        What is not given for one is that of all. URLs may contain passwords."""
        roots, urls = self.storeroot_dirs or {}, _urls_of(self.path_info_database_urls)
        return {
            code: (
                roots.get(code, self.storeroot_dir),
                self._path_info_of(urls[code]) if code in urls else self.path_info_url,
            )
            for code in sorted({*roots, *urls})
        }

    def _path_info_of(self, url: str) -> str | None:
        if url.lower() == "none":
            return None
        return database_url(url, self.base_dir).render_as_string(hide_password=False)

    def _with_database(self, name: str) -> URL:
        location = make_url(self.database_url.get_secret_value())
        if location.database:
            return location
        return location.set(database=f"{name}_{self.database_kind}")


def _urls_of(urls: SecretStr | None) -> dict[str, str]:
    return pairs(urls.get_secret_value()) if urls else {}


def _is_none(url: SecretStr) -> bool:
    return url.get_secret_value().lower() == "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """The settings in one file: those of the publication, and of each part beside it."""

    source: SourceSettings
    parts: tuple[PartSettings, ...]

    def of(self, model: type[P]) -> P:
        """The settings of the part that has this model."""
        return next(part for part in self.parts if isinstance(part, model))


def read_settings(path: Path, environ: Mapping[str, str] = os.environ) -> SourceSettings:
    """The settings of the publication alone; errors as in `read_server_settings`."""
    return read_server_settings(path, environ).source


def read_server_settings(path: Path, environ: Mapping[str, str] = os.environ) -> ServerSettings:
    """Raises `ConfigError` with all faults, each naming file and line (or variable) and key."""
    models = [part.settings for part in server_parts()]
    source, parts = read_joint_settings(SourceSettings, models, path, environ)
    return ServerSettings(source=source, parts=tuple(parts))
