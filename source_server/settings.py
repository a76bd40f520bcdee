"""The settings of the source server: ``config/source-server.properties``.

Keys that openBIS has too bear openBIS's names. How the file is read: `source_server.settings_file`.
"""

from __future__ import annotations

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from shared.resourcesync.addresses import Addresses

_DOTTED = {
    "database_kind": "database.kind",
    "authorization_project_level_enabled": "authorization.project-level.enabled",
    "authorization_project_level_users": "authorization.project-level.users",
}
_POSTGRESQL = "postgresql+psycopg"


class CatalogueKind(StrEnum):
    """What is published: our own store, or the database of an openBIS instance."""

    EMBEDDED = "embedded"
    OPENBIS = "openbis"


def key_of(name: str) -> str:
    return _DOTTED.get(name) or name.replace("_", "-")


def _boolean(value: object) -> object:
    if isinstance(value, str) and value.lower() not in {"true", "false"}:
        raise ValueError(f"must be true or false, not {value!r}")
    return value.lower() == "true" if isinstance(value, str) else value


def _whole_number(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"[0-9]+", value):
        raise ValueError(f"must be a whole number, not {value!r}")
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise ValueError(f"is no URL: {error}") from error
    if not usable or re.search(r"\s", value) or parts.query or parts.fragment:
        raise ValueError("must be an http or https URL with a host, without ? and #")
    if "@" in parts.netloc:
        raise ValueError("must not contain a user or password")
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is not a valid regular expression: {error}") from error
    return value


Boolean = Annotated[bool, BeforeValidator(_boolean)]
WholeNumber = Annotated[int, BeforeValidator(_whole_number)]
Url = Annotated[str, BeforeValidator(_url)]
Pattern = Annotated[str, BeforeValidator(_pattern)]


class SourceSettings(BaseModel):
    """All paths are absolute; those that are relative in the file lie below ``base-dir``."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=True,
        validate_by_name=True,
        validate_by_alias=True,
        alias_generator=key_of,
    )

    base_dir: Path = Path()
    """Default: the folder of the properties file."""

    server_url: Url = "http://localhost:8080/openbis"
    download_url: Url = "http://localhost:8080"
    address: str = "127.0.0.1"
    port: Annotated[WholeNumber, Field(le=65535)] = 8080
    """0: any free one."""
    auth_realm: Annotated[str, Field(pattern=r"^[ -~]+$")] = "OAI-PMH"

    catalogue: CatalogueKind = CatalogueKind.EMBEDDED
    database_url: SecretStr = SecretStr("sqlite:///data/source.db")
    """As SQLAlchemy takes it; secret because it may contain a password."""
    database_kind: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")] = "prod"
    path_info_database_url: SecretStr | None = None
    """None: found by ``database.kind``; ``none``: there is none."""
    storeroot_dir: Path = Path("data/store")
    file_service_repository_path: Path = Path("data/file-service")

    users_file: Path | None = None
    password_file: Path | None = None
    authorization_project_level_enabled: Boolean = False
    authorization_project_level_users: Pattern = ".*"

    inline_file_limit: WholeNumber = 5_000_000
    """Bytes."""

    @field_validator(
        *("base_dir", "storeroot_dir", "file_service_repository_path"),
        *("users_file", "password_file"),
    )
    @classmethod
    def _below_base(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        base = info.data.get("base_dir") or info.context or Path()
        return _absolute(base, path) if path else None

    @field_validator("database_url", "path_info_database_url")
    @classmethod
    def _usable_url(cls, url: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if url is None or (info.field_name == "path_info_database_url" and _is_none(url)):
            return url
        location = _location(url.get_secret_value(), info.data.get("base_dir") or Path())
        return SecretStr(location.render_as_string(hide_password=False))

    @model_validator(mode="after")
    def _openbis_is_complete(self) -> Self:
        if self.catalogue is not CatalogueKind.OPENBIS:
            return self
        location = make_url(self.database_url.get_secret_value())
        if location.drivername != _POSTGRESQL:
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

    def _names_another(self, location: URL) -> bool:
        return (
            "database_kind" in self.model_fields_set
            and bool(location.database)
            and location.database != f"openbis_{self.database_kind}"
        )

    @property
    def addresses(self) -> Addresses:
        return Addresses(server_url=self.server_url, download_url=self.download_url)

    @property
    def instance_url(self) -> str:
        """The database to publish. Not to be shown: it may contain a password."""
        return self._with_database("openbis").render_as_string(hide_password=False)

    @property
    def path_info_url(self) -> str | None:
        """openBIS's path-info database: as given, else found by ``database.kind``."""
        if self.path_info_database_url:
            given = self.path_info_database_url
            return None if _is_none(given) else given.get_secret_value()
        if make_url(self.database_url.get_secret_value()).database:
            return None
        return self._with_database("pathinfo").render_as_string(hide_password=False)

    def _with_database(self, name: str) -> URL:
        location = make_url(self.database_url.get_secret_value())
        if location.database:
            return location
        return location.set(database=f"{name}_{self.database_kind}")


def _is_none(url: SecretStr) -> bool:
    return url.get_secret_value().lower() == "none"


def _location(text: str, base: Path) -> URL:
    """PostgreSQL by way of psycopg; a file of SQLite lies below ``base``."""
    try:
        location = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise ValueError("is no database URL") from error
    if location.drivername in {"postgresql", "postgres", _POSTGRESQL}:
        return location.set(drivername=_POSTGRESQL)
    if location.drivername == "sqlite" and location.database not in {None, "", ":memory:"}:
        return location.set(database=str(_absolute(base, Path(str(location.database)))))
    raise ValueError("must be sqlite:///<file> or postgresql://<user>:<password>@<host>/<database>")


def _absolute(base: Path, path: Path) -> Path:
    """Without ``..``, so that two ways to write a path are seen to be one."""
    return Path(os.path.normpath(base.absolute() / path.expanduser()))
