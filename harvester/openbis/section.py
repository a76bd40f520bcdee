"""The settings of a section whose data source is an openBIS: openBIS's own keys, with the defaults
of its manual (harvester-semantics.md, 1.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from harvester.openbis.roots import Root, Roots
from harvester.settings.harvester import HarvesterSettings
from harvester.settings.section import BasePath, Days, SectionSettings
from shared.resourcesync.roots import ENTITY_ROOTS, RootKind
from shared.settings.bandwidth import BandwidthSetting
from shared.settings.model import Given
from shared.settings.places import absolute_below
from shared.settings.quantities import Limit, LimitSetting, PositiveDuration
from shared.settings.used_paths import PathRole, PlaceOf, UsedPath
from shared.settings.values import Boolean, Decimal, Integer, Items, Url, split_items


def _below_store(path: Path, info: ValidationInfo) -> Path:
    """A path below the data store root, as in the original, even if it begins with ``/``."""
    settings = info.context
    if not settings:
        return path
    root: Path = settings.storeroot_dir
    below = absolute_below(root, Path(str(path).lstrip("/")))
    if not below.resolve().is_relative_to(root.resolve()):
        raise ValueError("must stay below the data store root (storeroot-dir)")
    return below


StorePath = Annotated[Path, AfterValidator(_below_store)]

_ROOTS = "exportable-perm-ids"
_FLAGS = (
    "with_levels_below",
    "with_objects_and_data_sets_parents",
    "with_objects_and_data_sets_children",
    "with_objects_and_data_sets_other_spaces",
)

_LISTS = "space_white_list", "space_black_list", "exportable_perm_ids"
# The fields that say what is selected.
SELECTING = (*_LISTS, *_FLAGS)
_DEFINITIONS = frozenset(RootKind) - ENTITY_ROOTS.keys()


class SourceVersion(StrEnum):
    """The version of openBIS of a data source, or that it is to be recognised."""

    AUTO = "auto"
    OPENBIS_20 = "20.10"
    OPENBIS_7 = "7"


class SectionConfig(SectionSettings):
    """One openBIS data source and how it is harvested."""

    ineffective_keys = frozenset({"data-source-spaces", "harvester-spaces"})
    other_spellings: ClassVar[Mapping[str, str]] = {
        "wished-number-of-streams": "whished-number-of-streams"  # the original's key is misspelt
    }
    never_blank: ClassVar[Mapping[str, str]] = {
        _ROOTS: "names no root, so nothing would be selected; name some, or remove the key"
    }

    resource_list_url: Url
    # Needed only for sources that are original openBIS, whose files need a session.
    data_source_openbis_url: Url | None = None
    data_source_dss_url: Url
    data_source_auth_realm: str = "OAI-PMH"
    data_source_auth_user: str
    data_source_auth_pass: SecretStr
    space_black_list: Items = ()
    space_white_list: Items = ()

    source_version: SourceVersion = SourceVersion.AUTO
    # What is selected at an openBIS 7.
    exportable_perm_ids: Roots = ()
    with_levels_below: Boolean = False
    with_objects_and_data_sets_parents: Boolean = False
    with_objects_and_data_sets_children: Boolean = False
    with_objects_and_data_sets_other_spaces: Boolean = False
    # A key of openBIS 7. The files of its AFS come into the data store here, as all files do.
    harvester_afs_url: Url | None = None

    harvester_user: str
    harvester_pass: SecretStr
    translate_using_data_source_alias: Boolean = False
    keep_original_timestamps_and_users: Boolean = True
    keep_original_frozen_flags: Boolean = True
    master_data_update_allowed: Boolean = False
    property_unassignment_allowed: Boolean = False
    deletion_allowed: Boolean = False
    # More are held back until the operator releases them. A tenth: of a large instance as well as
    # of a small one; a few may always go.
    max_deletions: LimitSetting = Limit(10, 0.10)
    # 0: what is deleted is gone at once.
    trash_retention_days: Days = 30
    # For the resource list, from the request to its end, tries and parts together.
    max_list_time: PositiveDuration = timedelta(hours=12)
    # How many records of the list may be unreadable before the pass fails.
    max_failed_records: LimitSetting = Limit(100, 0.01)

    full_sync: Boolean = False
    # Days; 0 makes every run a baseline, if ``full_sync`` is on.
    full_sync_interval: Days = 14
    # Entries that are the same as in the last list, byte for byte, are not read again.
    skip_unchanged_entries: Boolean = True

    harvester_tmp_dir: StorePath = Path("temp")
    file_service_repository_path: BasePath = Path("data/file-service")
    last_sync_timestamp_file: BasePath = Path("last-sync-timestamp-file_{alias}.txt")
    not_synced_entities_file: BasePath = Path("not-synced-entities_{alias}.txt")

    # The original's settings have these two keys. They are taken without effect.
    whished_number_of_streams: Annotated[Integer, Field(ge=1, le=100)] | None = None
    machine_load: Annotated[Decimal, Field(gt=0, le=100)] = 0.5
    max_threads: Annotated[Integer, Field(ge=1, le=1000)] = 10
    retries_on_failure: Annotated[Integer, Field(ge=0, le=100)] = 0
    stop_on_first_failure: Boolean = False
    bandwidth_limit: BandwidthSetting | None = None

    @field_validator("data_source_auth_user")
    @classmethod
    def _fits_basic_authentication(cls, user: str) -> str:
        # HTTP's basic authentication ends the user id at the first colon.
        if ":" in user:
            raise ValueError("a user id with a colon cannot authenticate")
        return user

    @field_validator("exportable_perm_ids")
    @classmethod
    def _selects_something(cls, roots: tuple[Root, ...], info: ValidationInfo) -> tuple[Root, ...]:
        """Entities are selected by roots or by lists of spaces, which depends on the version of the
        source."""
        spaces = bool(info.data.get("space_white_list") or info.data.get("space_black_list"))
        version = info.data.get("source_version")
        if roots and spaces:
            raise ValueError(
                "stands beside space-white-list or space-black-list, which an openBIS 7 ignores; "
                "remove the lists, or these roots"
            )
        if roots and version is SourceVersion.OPENBIS_20:
            raise ValueError(
                "has no effect at an openBIS 20.10 (source-version), which sends everything then; "
                "select by space-white-list there"
            )
        if roots and not any(root.kind in ENTITY_ROOTS for root in roots):
            raise ValueError("names definitions only, so nothing would be selected; name entities")
        if version is SourceVersion.OPENBIS_7 and not roots:
            _check_spaces(spaces=spaces, url=info.data.get("data_source_openbis_url"))
        return roots

    @field_validator(*_FLAGS)
    @classmethod
    def _widens_a_selection(cls, wanted: object, info: ValidationInfo) -> object:
        if not wanted:
            return wanted
        if info.data.get("source_version") is SourceVersion.OPENBIS_20:
            raise ValueError("has no effect at an openBIS 20.10 (source-version); remove it")
        # A list that is at fault itself is not in ``data``; it must not count as missing, too.
        if not any(info.data.get(name, True) for name in _LISTS):
            raise ValueError(f"has no effect without {_ROOTS}; name the roots there, or remove it")
        return wanted

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
            ("last-sync-timestamp-file", self.last_sync_timestamp_file, PathRole.WRITTEN, ""),
            ("not-synced-entities-file", self.not_synced_entities_file, PathRole.WRITTEN, ""),
            (service, self.file_service_repository_path, PathRole.FOLDER, service),
            ("harvester-tmp-dir", work / self.alias, PathRole.FOLDER, ""),
            ("harvester-tmp-dir", self.partial_folder, PathRole.FOLDER, ""),
        ):
            yield self._used(key, path, role, place_of, shared)

    @classmethod
    def defaults_from(cls, settings: HarvesterSettings, /) -> dict[str, str]:
        return {"file-service-repository-path": str(settings.file_service_repository_path)}

    @classmethod
    def notes(cls, given: Mapping[str, Given], /) -> Iterator[tuple[str, str]]:
        key = "harvester-tmp-dir"
        if key in given and given[key].value.startswith("/"):
            yield key, "taken relative to the data store root, although it starts with /"
        yield from _notes_on_roots(given)

    @property
    def partial_folder(self) -> Path:
        """The folder for beginnings of files. It lies beside the temporary folder of the section,
        which each run clears; no alias contains a ``~``, so the names do not clash."""
        return self.harvester_tmp_dir / f"{self.alias}~partial"

    @property
    def prefix(self) -> str | None:
        """The prefix of codes; None if codes stay as they are."""
        return f"{self.alias}_" if self.translate_using_data_source_alias else None


def _check_spaces(*, spaces: bool, url: str | None) -> None:
    """At an openBIS 7 without roots."""
    if not spaces:
        raise ValueError(
            "is missing: an openBIS 7 (source-version) lists only what it names; or name spaces in "
            "space-white-list"
        )
    if url is None:
        raise ValueError(
            "is missing: an openBIS 7 (source-version) knows no space-white-list and no "
            "space-black-list; with data-source-openbis-url its spaces can be looked up"
        )


def _notes_on_roots(given: Mapping[str, Given]) -> Iterator[tuple[str, str]]:
    """What openBIS 7 takes, and what has no effect here or there."""
    if "harvester-afs-url" in given:
        yield (
            "harvester-afs-url",
            "has no effect: the files of the AFS come into the data store here, as all files do",
        )
    children = "with-objects-and-data-sets-children"
    if _is_on(given, children) and _ROOTS in given and not _is_on(given, "with-levels-below"):
        yield children, "has no effect without with-levels-below = true"
    named = split_items(given[_ROOTS].value) if _ROOTS in given else ()
    kinds = [item.partition(":")[0].strip() for item in named]
    if more := sorted({kind for kind in kinds if kind in _DEFINITIONS}):
        yield (
            _ROOTS,
            f"{', '.join(more)}: not asked for, since definitions come with what uses them",
        )


def _is_on(given: Mapping[str, Given], key: str) -> bool:
    return key in given and given[key].value.lower() == "true"
