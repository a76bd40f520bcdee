"""``harvester.properties``: where the harvester's instance lies, how it mails, when it runs.

It takes openBIS's own names, so that the ``plugin.properties`` of an original harvester can be
used as it is. Each key can be overridden by an environment variable: ``OPENBIS_SYNC_`` and the key
in upper case, with ``_`` for ``.`` and ``-``. A variable that is empty counts as not set.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator

from harvester.ini import Given
from harvester.keys import (
    Boolean,
    Integer,
    Settings,
    check,
    keys_of,
    left_to_fill_in,
    secret_keys_of,
    unknown_key,
)
from shared.errors import ConfigError
from shared.properties_file import Property, read_entries

_DOTTED = ("mail_", "database_kind")
_IGNORED = frozenset({"class"})
"""Keys of an original ``plugin.properties`` that mean nothing here."""


def _key(name: str) -> str:
    dotted = name.startswith(_DOTTED)
    return name.replace("_", "." if dotted else "-")


class HarvesterSettings(Settings):
    """All paths are absolute. Those that are relative in the file lie below ``base-dir``."""

    model_config = ConfigDict(alias_generator=_key)

    base_dir: Path = Path()
    """Default: the folder of the properties file."""
    harvester_config_file: Path

    database_url: SecretStr = SecretStr("sqlite:///data/harvester.db")
    """As SQLAlchemy takes it; secret because it may contain a password."""
    storeroot_dir: Path = Path("data/store")
    file_service_repository_path: Path = Path("data/file-service")

    mail_smtp_host: str | None = None
    """None: no mail is sent."""
    mail_smtp_port: Annotated[Integer, Field(ge=1, le=65535)] = 25
    mail_smtp_user: str | None = None
    mail_smtp_password: SecretStr | None = None
    mail_smtp_starttls: Boolean = False
    mail_smtp_ssl: Boolean = False
    mail_from: str | None = None

    interval: str = "1 d"
    """This and the following are for the daemon, and as they stand in the file."""
    start: str | None = None
    run_schedule: str | None = None
    run_schedule_file: str | None = None
    execute_only_once: str = "false"
    retry_intervals_after_failure: str | None = None
    database_kind: str | None = None

    @field_validator(
        "base_dir", "harvester_config_file", "storeroot_dir", "file_service_repository_path"
    )
    @classmethod
    def _below_base(cls, path: Path, info: ValidationInfo) -> Path:
        base = info.data.get("base_dir") or info.context or Path()
        return absolute_below(base, path)

    @field_validator("database_url")
    @classmethod
    def _usable_url(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        return SecretStr(_database_url(url.get_secret_value(), info.data.get("base_dir", Path())))

    @field_validator("mail_smtp_host")
    @classmethod
    def _is_host(cls, host: str | None) -> str | None:
        if host and not re.fullmatch(r"[A-Za-z0-9.:_-]+", host):
            raise ValueError(f"must be the name of a mail server, not {host!r}")
        return host

    @model_validator(mode="after")
    def _mail_is_complete(self) -> Self:
        if self.mail_smtp_host and not self.mail_from:
            raise ValueError("mail.from is missing: mail.smtp.host needs a sender")
        if self.mail_smtp_starttls and self.mail_smtp_ssl:
            raise ValueError("mail.smtp.starttls and mail.smtp.ssl exclude each other")
        if bool(self.mail_smtp_user) != bool(self.mail_smtp_password):
            raise ValueError("mail.smtp.user and mail.smtp.password need each other")
        return self


def read_settings(path: Path, environ: Mapping[str, str] = os.environ) -> HarvesterSettings:
    """Raises `ConfigError` with all faults of the file, each naming file, line and key."""
    given = {entry.key: _in_file(path, entry) for entry in read_entries(path) if entry.value}
    keys = list(keys_of(HarvesterSettings).values())
    for key in keys:
        variable = variable_of(key)
        if environ.get(variable, "").strip():
            place = f"environment variable {variable}"
            given[key] = Given(value=environ[variable].strip(), place=place)
    faults = _strangers(given, keys)
    known = {key: entry for key, entry in given.items() if key in keys}
    context = path.absolute().parent
    settings, more = check(HarvesterSettings, known, place=str(path), context=context)
    faults += [f"{place}: {text}" for place, text in more]
    if faults or settings is None:
        raise ConfigError(faults)
    return settings


def variable_of(key: str) -> str:
    """The environment variable that overrides a key."""
    return "OPENBIS_SYNC_" + re.sub(r"[.-]", "_", key).upper()


def _in_file(path: Path, entry: Property) -> Given:
    return Given(value=entry.value, place=f"{path}:{entry.line}")


def _strangers(given: Mapping[str, Given], keys: list[str]) -> list[str]:
    """Faults of unknown keys and of values that are still to be filled in."""
    faults = []
    secret = secret_keys_of(HarvesterSettings)
    for key, entry in given.items():
        gap = left_to_fill_in(entry.value, secret=key in secret)
        if key not in keys and key not in _IGNORED:
            faults.append(f"{entry.place}: {unknown_key(key, keys)}")
        elif gap:
            faults.append(f"{entry.place}: {key}: {gap}")
    return faults


def _database_url(url: str, base: Path) -> str:
    """PostgreSQL by way of psycopg; the file of SQLite below ``base``, in ``sqlite:///<path>``."""
    scheme, _, rest = url.partition("://")
    name = scheme.partition("+")[0]
    if name == "sqlite" and re.fullmatch(r"/[^?]+(\?.*)?", rest):
        file, mark, options = rest[1:].partition("?")
        return f"sqlite:///{absolute_below(base, Path(file))}{mark}{options}"
    if name in {"postgresql", "postgres"} and re.fullmatch(r"[^/?]*/[^/?]+(\?.*)?", rest):
        return f"postgresql+psycopg://{rest}"
    raise ValueError("must be sqlite:///<file> or postgresql://<user>:<password>@<host>/<database>")


def absolute_below(base: Path, path: Path) -> Path:
    """Links and ``..`` resolved, so that two ways to write a path are seen to be one."""
    return (base.absolute() / path).resolve()
