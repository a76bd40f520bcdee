"""The harvester config file: one section for each data source, read anew for every run.

A section without ``kind`` is an openBIS data source, a `SectionConfig`: its keys and their meaning
are openBIS's, defaults those of its manual. Each section becomes settings or a list of faults, all
faults at once; a faulty section does not stop the others.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from harvester.ini import Ini, IniSection, read_ini
from harvester.properties import HarvesterSettings
from harvester.section_paths import tell_conflicts
from harvester.section_settings import BasePath, Days, SectionSettings
from opendcim.sync import section as opendcim
from opendcim.sync.section import RepositorySection
from shared.errors import ConfigError
from shared.settings.bandwidth import BandwidthSetting
from shared.settings.faults import Given, check, nearest, unknown_key
from shared.settings.model import keys_of
from shared.settings.places import absolute_below
from shared.settings.quantities import Limit, LimitSetting, PositiveDuration
from shared.settings.secrets import exposed_secrets, file_keys_of, resolve_secrets
from shared.settings.used_paths import PlaceOf, Role, UsedPath
from shared.settings.values import Boolean, Decimal, Integer, Items, Url

_DEAD = frozenset({"data-source-spaces", "harvester-spaces"})
_SYNONYMS = {"wished-number-of-streams": "whished-number-of-streams"}
"""The original's key is misspelt; both spellings are taken."""
_KIND = "kind"


def _below_store(path: Path, info: ValidationInfo) -> Path:
    """Always below the data store root, as in the original, even if it begins with ``/``."""
    settings = info.context
    if not settings:
        return path
    root: Path = settings.storeroot_dir
    below = absolute_below(root, Path(str(path).lstrip("/")))
    if not below.resolve().is_relative_to(root.resolve()):
        raise ValueError("must stay below the data store root (storeroot-dir)")
    return below


StorePath = Annotated[Path, AfterValidator(_below_store)]


class SectionConfig(SectionSettings):
    """One openBIS data source and how it is harvested."""

    resource_list_url: Url
    data_source_openbis_url: Url | None = None
    """Needed only for sources that are original openBIS, whose files need a session."""
    data_source_dss_url: Url
    data_source_auth_realm: str = "OAI-PMH"
    data_source_auth_user: str
    data_source_auth_pass: SecretStr
    space_black_list: Items = ()
    space_white_list: Items = ()

    harvester_user: str
    harvester_pass: SecretStr
    translate_using_data_source_alias: Boolean = False
    keep_original_timestamps_and_users: Boolean = True
    keep_original_frozen_flags: Boolean = True
    master_data_update_allowed: Boolean = False
    property_unassignment_allowed: Boolean = False
    deletion_allowed: Boolean = False
    max_deletions: LimitSetting = Limit(10, 0.10)
    """More are held back until the operator releases them. A tenth: of a large instance as well as
    of a small one; a few may always go."""
    trash_retention_days: Days = 30
    """0: what is deleted is gone at once."""
    max_list_time: PositiveDuration = timedelta(hours=12)
    """For the resource list, from the request to its end, tries and parts together."""
    max_failed_records: LimitSetting = Limit(100, 0.01)
    """Of the list's records; if more cannot be read, the pass fails."""

    full_sync: Boolean = False
    full_sync_interval: Days = 14
    """Days; 0 makes every run a baseline, if ``full_sync`` is on."""

    harvester_tmp_dir: StorePath = Path("temp")
    file_service_repository_path: BasePath = Path("data/file-service")
    last_sync_timestamp_file: BasePath = Path("last-sync-timestamp-file_{alias}.txt")
    not_synced_entities_file: BasePath = Path("not-synced-entities_{alias}.txt")

    whished_number_of_streams: Annotated[Integer, Field(ge=1, le=100)] | None = None
    machine_load: Annotated[Decimal, Field(gt=0, le=100)] = 0.5
    max_threads: Annotated[Integer, Field(ge=1, le=1000)] = 10
    retries_on_failure: Annotated[Integer, Field(ge=0, le=100)] = 0
    stop_on_first_failure: Boolean = False
    bandwidth_limit: BandwidthSetting | None = None

    @field_validator("data_source_auth_user")
    @classmethod
    def _fits_basic_authentication(cls, user: str) -> str:
        if ":" in user:
            raise ValueError("a user id with a colon cannot authenticate")
        return user

    @property
    def source_url(self) -> str:
        return self.resource_list_url

    @property
    def source_user(self) -> str:
        return self.data_source_auth_user

    @property
    def exclusive(self) -> dict[str, str]:
        return {
            "last-sync-timestamp-file": str(self.last_sync_timestamp_file),
            "not-synced-entities-file": str(self.not_synced_entities_file),
        }

    @property
    def written_files(self) -> dict[str, Path]:
        return {
            **super().written_files,
            "last-sync-timestamp-file": self.last_sync_timestamp_file,
            "not-synced-entities-file": self.not_synced_entities_file,
        }

    def used_paths(self, place_of: PlaceOf) -> Iterator[UsedPath]:
        yield from super().used_paths(place_of)
        work = self.harvester_tmp_dir
        service = "file-service-repository-path"
        for key, path, role, shared in (
            ("last-sync-timestamp-file", self.last_sync_timestamp_file, Role.WRITTEN, ""),
            ("not-synced-entities-file", self.not_synced_entities_file, Role.WRITTEN, ""),
            (service, self.file_service_repository_path, Role.FOLDER, service),
            ("harvester-tmp-dir", work / self.alias, Role.FOLDER, ""),
            ("harvester-tmp-dir", work / f"{self.alias}~partial", Role.FOLDER, ""),
        ):
            yield self._used(key, path, role, place_of, shared)

    @property
    def prefix(self) -> str | None:
        """What is put before codes; None if they stay as they are."""
        return f"{self.alias}_" if self.translate_using_data_source_alias else None


_KINDS: Mapping[str, type[SectionSettings]] = {
    "openbis": SectionConfig,
    opendcim.KIND: RepositorySection,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """``sections`` can run; ``faults`` says by section name why others cannot. Faults that belong
    to no section stand under ``''``. ``warnings`` hinder nothing."""

    sections: tuple[SectionSettings, ...]
    faults: Mapping[str, list[str]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def openbis(self) -> tuple[SectionConfig, ...]:
        """Those whose data source is an openBIS."""
        return tuple(one for one in self.sections if isinstance(one, SectionConfig))


def read_config(
    path: Path, settings: HarvesterSettings, environ: Mapping[str, str] = os.environ
) -> ConfigFile:
    """Raises `ConfigError` only if there is nothing to judge: no file, or no section in it."""
    ini = read_ini(path)
    if not ini.sections:
        raise ConfigError(f"{path}: there is no section; begin one with [name]")
    warnings = [*ini.warnings, *_exposed(ini, path)]
    read = []
    for section in ini.sections.values():
        if section.entries or section.faults:
            read.append((section, _read_section(section, settings, environ)))
        else:
            section.warn(section.place, "ignored, because it has no keys")
    readable = [(section, config) for section, config in read if config]
    _tell_shared(readable)
    tell_conflicts(readable, settings, path)
    for section in ini.sections.values():
        warnings += section.warnings
    return ConfigFile(
        sections=tuple(c for section, c in read if c and not section.faults),
        faults={s.name: s.faults for s in ini.sections.values() if s.faults},
        warnings=tuple(warnings),
    )


def _read_section(
    section: IniSection, settings: HarvesterSettings, environ: Mapping[str, str]
) -> SectionSettings | None:
    """The section's settings if they can be read; its faults are added to it."""
    model = _model_of(section)
    if model is None:
        return None
    known = _known_entries(section, model)
    _warn_of_absolute_folder(section, known.get("harvester-tmp-dir"))
    secrets = resolve_secrets(model, known, base=settings.base_dir, environ=environ)
    for warning in secrets.warnings:
        section.warn(warning.place, warning.text)
    beside = {"name": section.name}
    if model is SectionConfig:
        beside["file-service-repository-path"] = str(settings.file_service_repository_path)
    config, faults = check(
        model,
        secrets.given,
        place=section.place,
        beside=beside,
        unread=secrets.unread,
        context=settings,
    )
    for fault in (*secrets.faults, *faults):
        section.fault(fault.place, fault.text)
    return config


def _model_of(section: IniSection) -> type[SectionSettings] | None:
    """The settings that a section of this kind has; None, and a fault, if there is no such kind."""
    entry = section.entries.get(_KIND)
    kind = entry.value if entry and entry.value else "openbis"
    if entry and kind not in _KINDS:
        near = nearest(kind, _KINDS)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(_KINDS)}"
        section.fault(entry.place, f"{_KIND}: there is no kind {kind!r}; {hint}")
    return _KINDS.get(kind)


def _exposed(ini: Ini, path: Path) -> list[str]:
    """That others may read a password in the file."""
    told = (
        exposed_secrets(model, path, one.entries)
        for one in ini.sections.values()
        for model in _KINDS.values()
    )
    return [text for text in told if text][:1]


def _known_entries(section: IniSection, model: type[SectionSettings]) -> dict[str, Given]:
    """Entries that are not blank; others are warned of, or are faults."""
    keys = [key for name, key in keys_of(model).items() if name != "name"]
    keys += file_keys_of(model)
    known: dict[str, Given] = {}
    for key, entry in _one_spelling(section):
        if key == _KIND:
            continue
        if key in _DEAD:
            section.warn(entry.place, f"{key}: this key never had an effect; remove it")
        elif key not in keys:
            section.fault(entry.place, unknown_key(key, [*keys, *_SYNONYMS]))
        elif entry.value:
            known[key] = entry
    return known


def _one_spelling(section: IniSection) -> Iterable[tuple[str, Given]]:
    for key, entry in section.entries.items():
        official = _SYNONYMS.get(key, key)
        if official != key and official in section.entries:
            section.fault(entry.place, f"{key}: given already as {official}; remove one of them")
        else:
            yield official, entry


def _warn_of_absolute_folder(section: IniSection, entry: Given | None) -> None:
    if entry and entry.value.startswith("/"):
        text = "harvester-tmp-dir: taken relative to the data store root, although it starts with /"
        section.warn(entry.place, text)


def _tell_shared(read: list[tuple[IniSection, SectionSettings]]) -> None:
    """Faults of sections that would overwrite each other's entities or files.

    Aliases are compared as openBIS compares codes: in upper case.
    """
    users: dict[tuple[str, str], list[IniSection]] = defaultdict(list)
    for section, config in read:
        users["data-source-alias", config.alias.upper()].append(section)
        for key, value in config.exclusive.items():
            users[key, value].append(section)
    for (key, value), sections in users.items():
        for section in sections if len(sections) > 1 else ():
            entry = section.entries.get(key)
            others = ", ".join(f"[{other.name}]" for other in sections if other is not section)
            text = f"{key}: {value} is used by {others}, too; each section needs its own"
            section.fault(entry.place if entry else section.place, text)
