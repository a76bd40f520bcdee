"""``harvester.properties``: the harvester's instance, its mails, its schedule.

The keys are openBIS's own, so that the ``plugin.properties`` of an original harvester can be
used as it is. How the file is read: `shared.settings.properties`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from harvester.settings.run_schedule import RunSchedule, TimeOfDay
from shared.settings.places import DatabaseUrl, PathBelowBase, PlacedSettings
from shared.settings.properties import read_properties_settings
from shared.settings.quantities import Durations, Listen, LogFormat, PositiveDuration
from shared.settings.used_paths import PathRole, PlaceOf, UsedPath, database_path
from shared.settings.values import Boolean, Integer

_DOTTED = ("mail_", "database_kind")


def _key(name: str) -> str:
    dotted = name.startswith(_DOTTED)
    return name.replace("_", "." if dotted else "-")


class HarvesterSettings(PlacedSettings):
    """The settings of the harvester as a whole; the data sources have a file of their own."""

    model_config = ConfigDict(alias_generator=_key)
    ignored_keys = frozenset({"class"})  # of an original ``plugin.properties``

    harvester_config_file: PathBelowBase

    # A URL of SQLAlchemy; secret because it may contain a password.
    database_url: DatabaseUrl = SecretStr("sqlite:///data/harvester.db")
    storeroot_dir: PathBelowBase = Path("data/store")
    file_service_repository_path: PathBelowBase = Path("data/file-service")

    # None: no mail is sent.
    mail_smtp_host: str | None = None
    mail_smtp_port: Annotated[Integer, Field(ge=1, le=65535)] = 25
    mail_smtp_user: str | None = None
    mail_smtp_password: SecretStr | None = None
    mail_smtp_starttls: Boolean = False
    mail_smtp_ssl: Boolean = False
    mail_from: str | None = None

    parallel_sections: Annotated[Integer, Field(ge=1, le=100)] = 1
    # Days for which the destination remembers runs.
    run_retention_days: Annotated[Integer, Field(ge=1, le=36500)] = 400
    monitor_address: Listen | None = None
    # The format of the daemon's own log, which goes to standard error.
    log_format: LogFormat = LogFormat.TEXT

    # This key and the following ones are for the daemon: `harvester.execution.schedule`.
    interval: PositiveDuration = timedelta(days=1)
    start: TimeOfDay | None = None
    run_schedule: RunSchedule = ()
    run_schedule_file: PathBelowBase = Path("data/next-run.txt")
    execute_only_once: Boolean = False
    retry_intervals_after_failure: Durations = ()
    database_kind: str | None = None

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

    def used_paths(self, place_of: PlaceOf) -> Iterator[UsedPath]:
        for key, path, role in (
            ("harvester-config-file", self.harvester_config_file, PathRole.READ),
            ("storeroot-dir", self.storeroot_dir, PathRole.STORE),
            ("run-schedule-file", self.run_schedule_file, PathRole.WRITTEN),
        ):
            yield UsedPath(key=key, path=path, place=place_of(key), role=role)
        key = "file-service-repository-path"
        yield UsedPath(
            key=key,
            path=self.file_service_repository_path,
            place=place_of(key),
            role=PathRole.FOLDER,
            shared=key,
        )
        url = self.database_url.get_secret_value()
        yield from database_path(url, key="database-url", place=place_of("database-url"))


def read_settings(path: Path, environ: Mapping[str, str] = os.environ) -> HarvesterSettings:
    """Raises `ConfigError` with all faults of the file, each naming file, line and key."""
    return read_properties_settings(HarvesterSettings, path, environ)
