"""Files and folders that settings name, and which of them would destroy or publish each other.

Every path of every settings file is listed with its role. Paths that follow from another one are
included: the write-ahead log of SQLite beside its database, the work folders of a section. Two
paths conflict if at least one of them is written and one lies on or in the other. Only a
`PathRole.STORE` may contain others, beside the folders that it uses itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from itertools import combinations
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from shared.settings.model import Given
from shared.settings.places import absolute_below

# The store's own entries in the root of a data store: shares, attachments, trash, set-aside.
_STORE_FOLDERS = re.compile(r"[0-9]+|attachments|trash|set-aside", re.IGNORECASE)
_PUT_ASIDE = r"\.[0-9]{4}(-[0-9]{2}){2}(_[0-9]{2}(-[0-9]{2}){2})?"
# Files beside a database: those of SQLite, and the locks of sections.
_COMPANIONS = r"-(wal|shm|journal|.+\.lock)"


class PathRole(Enum):
    """How a program uses a path."""

    READ = "is read"
    WRITTEN = "is written"
    FOLDER = "is a folder of its own, in which files are written and removed"
    STORE = "is the data store"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedPath:
    """``section`` is empty for settings of a whole program. ``beside`` matches suffixes of files
    that a program keeps beside this one. Paths of one ``shared`` group may be the same."""

    key: str
    path: Path
    place: str
    role: PathRole
    section: str = ""
    shared: str = ""
    beside: str | None = None
    _resolved: Path = field(init=False, repr=False)
    _folded: tuple[str, ...] = field(init=False, repr=False)
    _identity: tuple[int, int] | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        resolved = _resolved(self.path)
        object.__setattr__(self, "_resolved", resolved)
        # Some file systems take names that differ in letter case for one.
        object.__setattr__(self, "_folded", tuple(part.casefold() for part in resolved.parts))
        object.__setattr__(self, "_identity", _identity(self.path))

    @property
    def is_only_read(self) -> bool:
        return self.role is PathRole.READ

    def is_same(self, other: UsedPath) -> bool:
        """Whether both are one file: by name, by hard link or by a second mount."""
        if self._folded == other._folded:
            return True
        return self._identity is not None and self._identity == other._identity

    def contains(self, other: UsedPath) -> bool:
        size = len(self._folded)
        return len(other._folded) > size and other._folded[:size] == self._folded

    def tolerates_inside(self, other: UsedPath) -> bool:
        """Whether another path may lie in this one."""
        if self.role is not PathRole.STORE:
            return False
        first = other._resolved.parts[len(self._resolved.parts)]
        return not _STORE_FOLDERS.fullmatch(first)

    def writes_beside(self, other: UsedPath) -> bool:
        """Whether the other path has the name of a file that belongs to this one."""
        if self.beside is None or self._folded[:-1] != other._folded[:-1]:
            return False
        name, own = other._folded[-1], self._folded[-1]
        return re.fullmatch(re.escape(own) + self.beside, name, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two paths that must not be used together."""

    first: UsedPath
    second: UsedPath
    # The relation of the first path to the second.
    relation: str

    def fault_of(self, one: UsedPath) -> str:
        """The text of the fault for one of the two paths; it begins with its key."""
        other = self.second if one is self.first else self.first
        lies = self.relation if one is self.first else _REVERSED[self.relation]
        of = f"[{other.section}] " if other.section else ""
        whose = f"{of}{other.key}, {other.place}"
        return (
            f"{one.key}: {one.path} {lies} {other.path}, which {other.role.value} ({whose}); give "
            "each a place of its own, or data are lost"
        )


_SAME, _INSIDE, _AROUND = "is the same as", "lies in", "contains"
_NEEDS_NAME, _HAS_NAME = (
    "keeps a file beside it under the name of",
    "has the name of a file kept for",
)
_REVERSED = {
    _SAME: _SAME,
    _INSIDE: _AROUND,
    _AROUND: _INSIDE,
    _NEEDS_NAME: _HAS_NAME,
    _HAS_NAME: _NEEDS_NAME,
}


def conflicts(paths: Iterable[UsedPath]) -> Iterator[Conflict]:
    """All pairs that must not be used together. Two paths that are only read never conflict."""
    for first, second in combinations(list(paths), 2):
        if first.is_only_read and second.is_only_read:
            continue
        if relation := _relation(first, second):
            yield Conflict(first=first, second=second, relation=relation)


def _relation(first: UsedPath, second: UsedPath) -> str | None:
    if first.is_same(second):
        is_shared = bool(first.shared) and first.shared == second.shared
        return None if is_shared else _SAME
    if second.contains(first):
        return None if second.tolerates_inside(first) else _INSIDE
    if first.contains(second):
        return None if first.tolerates_inside(second) else _AROUND
    if second.writes_beside(first):
        return _HAS_NAME
    return _NEEDS_NAME if first.writes_beside(second) else None


def log_path(**values: Any) -> UsedPath:
    """A log, which is rotated each day; several sections may write to one log."""
    return UsedPath(role=PathRole.WRITTEN, shared="log", beside=_PUT_ASIDE, **values)


def database_path(url: str, **values: Any) -> Iterator[UsedPath]:
    """The file of a SQLite database; nothing for other databases."""
    location = make_url(url)
    if location.get_backend_name() == "sqlite" and location.database:
        path = Path(location.database)
        yield UsedPath(path=path, role=PathRole.WRITTEN, beside=_COMPANIONS, **values)


def secret_files(
    given: Mapping[str, Given], file_keys: Iterable[str], base: Path, section: str = ""
) -> Iterator[UsedPath]:
    """Files that hold one secret each (keys that end with ``-file``)."""
    for key in file_keys:
        if key in given and given[key].value:
            with suppress(ValueError):  # a fault where the secret is read
                path = absolute_below(base, Path(given[key].value))
                place = given[key].place
                yield UsedPath(key=key, path=path, place=place, role=PathRole.READ, section=section)


# Returns the place of a key: ``file:line``, or another origin of its value.
PlaceOf = Callable[[str], str]


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # links in a circle: an error when it is opened
        return path.absolute()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
