"""What sections of every kind have in common: name, notices, log and connection.

Each kind of section adds its own keys; `harvester.settings.section_kinds` finds the kinds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from harvester.settings.harvester import HarvesterSettings
from shared.settings.model import Settings
from shared.settings.places import absolute_below
from shared.settings.quantities import Durations, LogFormat, PositiveDuration, Size
from shared.settings.used_paths import PathRole, PlaceOf, UsedPath, log_path
from shared.settings.values import Addresses, Boolean, Integer, SecretUrl, Url


def _below_base(path: Path, info: ValidationInfo) -> Path:
    """The absolute path; ``{alias}`` in a default is replaced."""
    named = Path(str(path).replace("{alias}", str(info.data.get("data_source_alias", ""))))
    settings = info.context
    return absolute_below(settings.base_dir, named) if settings else named


BasePath = Annotated[Path, AfterValidator(_below_base)]
Days = Annotated[Integer, Field(ge=0, le=36500)]

_NO_PUNCTUATION = str.maketrans("", "", "_-.")


class SectionSettings(Settings):
    """``name`` is that of the section; all other fields are keys."""

    unwritten = frozenset({"name"})

    name: str
    data_source_alias: str = Field(default_factory=lambda given: given["name"])

    dry_run: Boolean = False
    verbose: Boolean = Field(default_factory=lambda given: given["dry_run"])
    log_file: BasePath = Path("synchronization_{alias}.log")
    log_format: LogFormat = LogFormat.TEXT
    # 0: logs are kept for ever.
    log_retention_days: Days = 90
    email_addresses: Addresses = ()
    webhook_url: SecretUrl | None = None

    # Seconds without a single byte from the data source.
    timeout: Annotated[Integer, Field(ge=1, le=86400)] = 600
    # After this time without progress the run ends; the next one goes on.
    stall_timeout: PositiveDuration = timedelta(hours=1)
    # The pauses between the tries of a request.
    retry_pauses: Durations = tuple(timedelta(seconds=seconds) for seconds in (1, 4, 15))
    max_connections_per_source: Annotated[Integer, Field(ge=1, le=1000)] = 10
    max_run_time: PositiveDuration | None = None
    # Bytes of files in one run.
    max_transfer: Size | None = None

    tls_verify: Boolean = True
    ca_bundle: BasePath | None = None
    client_certificate: BasePath | None = None
    client_key: BasePath | None = None
    client_key_password: SecretStr | None = None
    # None: the environment decides (``HTTPS_PROXY``, ``NO_PROXY``).
    proxy: Url | None = None

    @field_validator("data_source_alias")
    @classmethod
    def _is_code(cls, alias: str) -> str:
        if not alias.isascii() or not alias.translate(_NO_PUNCTUATION).isalnum():
            raise ValueError(
                f"{alias!r} cannot be part of an openBIS code; set data-source-alias to letters, "
                "digits, '_', '-' and '.'"
            )
        return alias

    @field_validator("ca_bundle")
    @classmethod
    def _is_of_use(cls, bundle: Path | None, info: ValidationInfo) -> Path | None:
        if bundle and not info.data.get("tls_verify", True):
            raise ValueError("has no effect beside tls-verify = false; remove one of them")
        return bundle

    @field_validator("client_key", "client_key_password")
    @classmethod
    def _goes_with_a_certificate(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and info.data.get("client_certificate", value) is None:
            raise ValueError("needs client-certificate, too")
        return value

    @classmethod
    def defaults_from(cls, _settings: HarvesterSettings, /) -> dict[str, str]:
        """By key: values of the program's own settings for sections that have none."""
        return {}

    @property
    def alias(self) -> str:
        """The mark of this section's runs and entities in the destination."""
        return self.data_source_alias

    @property
    def source_url(self) -> str:
        """The address of the data source."""
        raise NotImplementedError

    @property
    def source_user(self) -> str:
        """The user who signs in to the data source; empty: none."""
        raise NotImplementedError

    @property
    def exclusive(self) -> dict[str, str]:
        """By key: files, folders and databases that no other section may use."""
        raise NotImplementedError

    @property
    def written_files(self) -> dict[str, Path]:
        """By key: the files that each run writes."""
        return {"log-file": self.log_file}

    def used_paths(self, place_of: PlaceOf) -> Iterator[UsedPath]:
        """Every file and folder that runs of this section read or write."""
        key = "log-file"
        yield log_path(key=key, path=self.log_file, place=place_of(key), section=self.name)
        read = {
            "ca-bundle": self.ca_bundle,
            "client-certificate": self.client_certificate,
            "client-key": self.client_key,
        }
        for key, path in read.items():
            if path:
                yield self._used(key, path, PathRole.READ, place_of)

    def _used(
        self, key: str, path: Path, role: PathRole, place_of: PlaceOf, shared: str = ""
    ) -> UsedPath:
        return UsedPath(
            key=key, path=path, role=role, place=place_of(key), section=self.name, shared=shared
        )


# The settings of one kind of section.
S = TypeVar("S", bound=SectionSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sections:
    """Sections that can run."""

    sections: tuple[SectionSettings, ...]

    def of_kind(self, settings: type[S]) -> tuple[S, ...]:
        """The sections with settings of this kind."""
        return tuple(one for one in self.sections if isinstance(one, settings))
