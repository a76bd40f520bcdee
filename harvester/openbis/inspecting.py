"""Checks the files that a section has brought: each must lie in its place, unchanged.

A baseline (``full-sync``) checks existence and length of all files; a repair also their checksums
(of AFS data without checksums, their times), if that is wanted. What failed before, and what
operators ask for, is checked in each run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import Connection

from harvester.openbis.destination.brought import Brought, Key, brought
from shared.errors import ItemError
from shared.file_times import file_time
from shared.model.kinds import Kind
from shared.store.files import DataStore
from shared.verification import Expected, matches


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Items that are not in the data store as they came, by kind and perm id, with the faults of
    their files. A file goes by its name, the content of an attachment by its SHA-256, a file of the
    file service by ""."""

    faults: Mapping[Key, Mapping[str, str]] = field(default_factory=dict)

    def of(self, kind: str) -> dict[str, Mapping[str, str]]:
        """The faults by perm id."""
        return {perm_id: found for (one, perm_id), found in self.faults.items() if one == kind}

    def text(self, kind: str, perm_id: str) -> str:
        """The faults of one item; the first ones are named."""
        found = list(self.faults.get((kind, perm_id), {}).values())
        more = ", and more" if len(found) > _NAMED else ""
        return "; ".join(found[:_NAMED]) + more


NO_DAMAGE = Damage()
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspector:
    """Checks files between transactions. ``moved`` is called after each file and within large ones,
    and may raise. ``contents``: read the files and compare checksums."""

    connection: Connection
    store: DataStore
    source: str
    moved: Callable[[], None]

    def look(self, *, contents: bool, only: Collection[Key] | None = None) -> Damage:
        """Check everything that the section has brought, or only the given items."""
        faults: defaultdict[Key, dict[str, str]] = defaultdict(dict)
        for one in brought(self.connection, self.source, only):
            self.moved()
            if one.kind == Kind.DATA_SET and len(faults.get(one.key, ())) > _NAMED:
                continue  # enough to bring it again; there may be a million
            if fault := self._fault(one, contents=contents):
                part = one.name if one.sha256 is None else one.sha256
                faults[one.key][part] = f"{one.name} {fault}".strip()
        return Damage(faults=dict(faults))

    def _fault(self, one: Brought, *, contents: bool) -> str | None:
        try:
            place = self._place(one)
        except ValueError as error:
            return f"cannot lie in the data store: {error}"
        if one.is_folder:
            return fault_of_folder(place)
        if fault := fault_of(place, one.expected, contents=contents, moved=self.moved):
            return fault
        return fault_of_time(place, one.expected, one.modified) if contents else None

    def _place(self, one: Brought) -> Path:
        if one.kind == Kind.DATA_SET:
            return self.store.data_set_file(one.perm_id, one.name)
        if one.sha256 is not None:
            return self.store.attachment(one.sha256)
        return self.store.service_file(one.perm_id)


def irreparable(kind: str, perm_id: str, fault: str) -> ItemError:
    """The error of an item that is damaged here and no longer in the list."""
    reason = f"{fault}; it cannot be brought again, since the data source's list does not have it"
    return ItemError(kind, perm_id, reason)


def not_ours_to_look_after(kind: str, perm_id: str) -> str:
    """The remark on a requested item that this section did not bring."""
    return (
        f"{kind} {perm_id} stands in the not-synced-entities-file, and there is nothing to look "
        "after: the list does not have it, it has no files, or it belongs to another section"
    )


def fault_of(
    place: Path, expected: Expected, *, contents: bool, moved: Callable[[], None] = lambda: None
) -> str | None:
    """The fault of a file in the data store; None if it is right."""
    try:
        if not place.is_file():
            return "is no file in the data store" if place.exists() else _MISSING
        length = place.stat().st_size
        if expected.length not in {None, length}:
            return f"has {length} bytes in the data store, not {expected.length}"
        if contents and expected.proves and not matches(place, _whole(expected, length), moved):
            return "has another checksum in the data store"
    except OSError as error:
        return f"cannot be read in the data store: {error.strerror}"
    return None


def fault_of_folder(place: Path) -> str | None:
    """The fault of an empty folder of AFS data; None if it is there."""
    if place.is_dir():
        return None
    return "is no folder in the data store" if place.exists() else _MISSING


def fault_of_time(place: Path, expected: Expected, modified: int | None) -> str | None:
    """The fault of a file for which there is no checksum, and that is dated otherwise than at its
    source; None if it is right."""
    if modified is None or expected.proves or not 0 <= modified < _DATABLE:
        return None
    try:
        is_right = abs(file_time(place) - modified) <= _INEXACT
    except OSError as error:
        return f"cannot be read in the data store: {error.strerror}"
    return None if is_right else "has another modification time in the data store than it came with"


def _whole(expected: Expected, length: int) -> Expected:
    """What a whole file must have, with the length of the file if the list has none."""
    return replace(expected, length=length) if expected.length is None else expected


_MISSING = "is missing in the data store"
# Milliseconds: how inexact times of file systems may be, and up to when they all can date files.
_INEXACT = 2_000
_DATABLE = 2**31 * 1_000
