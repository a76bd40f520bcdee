"""A template as it is submitted: its tree, its form, its pictures, and its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from opendcim.records.fields import SNMP_VERSIONS, USUAL_SNMP_VERSION
from opendcim.records.records import Template
from opendcim.records.writing import write_submission
from opendcim.sync.installation.comparing import FieldChange, differences
from opendcim.sync.installation.installed import LocalTemplate
from opendcim.sync.installation.weights import pounds_of
from opendcim.sync.pictures import (
    CheckedPicture,
    NoPictureError,
    examined,
    is_safe_name,
    name_in_repository,
)
from opendcim.sync.repository.lists import TEMPLATE
from opendcim.sync.section import Units
from shared.errors import ItemError

# PHP drops a form with more fields, without an error.
MOST_FIELDS = 1000
_MIME = {".png": "image/png", ".jpg": "image/jpeg", ".gif": "image/gif"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """``pictures`` by side; ``record`` has the repository's ids and units."""

    record: Template
    pictures: Mapping[str, tuple[str, CheckedPicture]]

    @property
    def tree(self) -> dict[str, object]:
        return write_submission(self.record)

    @property
    def form(self) -> dict[str, str]:
        """The tree as form fields in PHP's brackets. Ports are keyed by number, as browsers do
        it."""
        return dict(_fields("", self.tree))

    @property
    def files(self) -> dict[str, tuple[str, bytes, str]]:
        return {
            side: (name, picture.content, _MIME[picture.extension])
            for side, (name, picture) in self.pictures.items()
        }

    @property
    def digest(self) -> str:
        """Equal for equal submissions."""
        # The tree has names only; another picture under the same name is another submission.
        hashes = {side: picture.sha256 for side, (_, picture) in self.pictures.items()}
        text = json.dumps([self.tree, hashes], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def lost_in(self, stored: Template) -> list[str]:
        """Fields that differ from what was sent. Published pictures have addresses instead of
        names."""
        changes = differences(self.record, stored)
        return [str(change) for change in changes if not _is_dropped_by_design(change)]


def _is_dropped_by_design(change: FieldChange) -> bool:
    """The original keeps the SNMP version of a template, but not those of its details."""
    return bool(change.part) and change.field.name == "snmp_version"


def parcel(
    local: LocalTemplate,
    manufacturer_id: int,
    folder: Path,
    units: Units,
    published: Template | None,
) -> Parcel:
    """``manufacturer_id`` is the repository's; ``published`` is its present template. Raises
    `ItemError` if a picture is missing or invalid."""
    pictures = _with_distinct_names(dict(_pictures(local, folder)))
    names = {side: name for side, (name, _) in pictures.items()}
    pounds = published.weight if published else None
    record = replace(
        local.record,
        manufacturer_id=manufacturer_id,
        weight=pounds_of(local.record.weight, units, pounds),
        front_picture_file=names.get("front", ""),
        rear_picture_file=names.get("rear", ""),
    )
    return Parcel(record=_as_sent(record), pictures=pictures)


def _as_sent(record: Template) -> Template:
    """The template as the repository will store it: without parts of other device types, and with a
    valid SNMP version."""
    known = record.snmp_version in SNMP_VERSIONS
    return replace(
        record,
        snmp_version=record.snmp_version if known else USUAL_SNMP_VERSION,
        slots=record.slots if record.is_chassis else (),
        cdu=record.cdu if record.is_cdu else None,
        sensor=record.sensor if record.is_sensor else None,
    )


def _with_distinct_names(
    pictures: dict[str, tuple[str, CheckedPicture]],
) -> dict[str, tuple[str, CheckedPicture]]:
    """Gives pictures with the same name different names: the repository keeps both in one place."""
    if {"front", "rear"} <= pictures.keys():
        (front, one), (rear, other) = pictures["front"], pictures["rear"]
        if front.casefold() == rear.casefold() and one.sha256 != other.sha256:
            pictures["rear"] = (f"rear-{rear}", other)
    return pictures


def _pictures(
    local: LocalTemplate, folder: Path
) -> Iterator[tuple[str, tuple[str, CheckedPicture]]]:
    for side, file in local.record.picture_files.items():
        if not file:
            continue
        if not is_safe_name(file):
            raise ItemError(TEMPLATE, local.model, f"{side} picture: {file!r} is no file name")
        try:
            # A missing picture is not simply left out: when the original approves a submission
            # without a picture, the published template loses its own.
            picture = examined((folder / file).read_bytes())
        except OSError as error:
            raise ItemError(
                TEMPLATE,
                local.model,
                f"{side} picture: {folder / file}: {error.strerror}; put it there, or choose "
                "another in openDCIM",
            ) from error
        except NoPictureError as error:
            raise ItemError(
                TEMPLATE, local.model, f"{side} picture: {folder / file} is not sent: {error}"
            ) from error
        yield side, (name_in_repository(local.global_id, file), picture)


def _fields(prefix: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _fields(f"{prefix}[{name}]" if prefix else str(name), member)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            key = member.get("PortNumber", index) if isinstance(member, Mapping) else index
            yield from _fields(f"{prefix}[{key}]", member)
    else:
        yield prefix, "" if value is None else str(value)
