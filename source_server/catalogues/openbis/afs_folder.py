"""The folder of an owner of AFS data: what of it is content, and what it holds.

Paths begin at the owner's folder; there is no ``original/``. What is thrown away or an earlier
state (``.afs.trash``, ``.afs.snapshots``) is content, as openBIS's own sync delivers it
(openbis-7-sync.md, 3.3). Caches and the working folders of harvesters are none
(openbis-database.md, 4.3).
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from source_server.catalogues.openbis.data_store import file_below

CACHES = ".afs"
CACHED_MD5 = "-hash.md5"
_BACKUP = ".afs-sync-backup-"
_TRASH = ".afs.trash"
_SNAPSHOTS = ".afs.snapshots"
# Looks at a folder that is written to meanwhile.
_LOOKS = 3


class Seen(NamedTuple):
    """A file; length and time are from the same look. ``has_cache``: a hash of it is cached."""

    path: str
    length: int
    modified_ns: int
    has_cache: bool


@dataclass(slots=True)
class Content:
    """What a folder holds, by path in byte order.

    ``unreadable`` are paths that cannot be listed: unreadable ones, links that lead nowhere or to
    what is no content, special files. ``changed_ns`` is the latest change of all files and folders.
    ``is_steady``: no folder changed during the look, so that nothing was missed that moved.
    """

    files: list[Seen] = field(default_factory=list)
    empty_folders: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    changed_ns: int = 0
    is_steady: bool = True


def is_content(path: str) -> bool:
    """Whether a path within the owner's folder is content, by its names alone."""
    first, *others = path.split("/")
    return _is_content_in("", first) and CACHES not in others


def content_file(folder: Path, path: str) -> Path | None:
    """The file of the content with this path, as `data_store.file_below`. A link to what is no
    content counts as one that leads out of the folder."""
    if not is_content(path):
        return None
    file = file_below(folder, path)
    if file is None or not is_content(file.relative_to(folder.resolve()).as_posix()):
        return None
    return file


def content_of(folder: Path) -> Content:
    """What the folder holds now. A folder that changes meanwhile is looked at again, but not
    forever: a file that moves during a look may be seen in neither place."""
    for _ in range(_LOOKS):
        content = _Look(folder).content()
        if content.is_steady:
            break
    return content


class _Look:
    """One walk through the folder, each folder and file of which is asked for once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._now_ns = time.time_ns()
        self._found = Content()
        self._states: list[tuple[str, tuple[int, int]]] = []

    def content(self) -> Content:
        waiting = [""]
        while waiting:
            waiting += self._look_into(waiting.pop())
        found = self._found
        found.is_steady = found.is_steady and all(map(self._is_unchanged, self._states))
        found.files.sort(key=lambda each: os.fsencode(each.path))
        found.empty_folders.sort(key=os.fsencode)
        found.unreadable.sort(key=os.fsencode)
        return found

    def _look_into(self, path: str) -> list[str]:
        """Note the files of a folder; the paths of the folders in it."""
        place = self._place(path)
        cached = _cached(place)
        try:
            # The state is taken before the names are: a change between the two then makes the look
            # unsteady. In the other order the state would hide it.
            status = os.stat(place)  # noqa: PTH116 - for each folder
            with os.scandir(place) as entries:
                content = {
                    _below(path, entry.name): entry
                    for entry in entries
                    if _is_content_in(path, entry.name)
                }
        except (FileNotFoundError, NotADirectoryError):
            self._found.is_steady = False
            return []
        except OSError:
            self._found.unreadable.append(path or ".")
            return []
        self._states.append((place, _state(status)))
        self._note_change(status)
        if not content and path and not _is_made_by_the_service(path):
            self._found.empty_folders.append(path)
        return [below for below, entry in content.items() if self._is_folder(below, entry, cached)]

    def _is_folder(self, path: str, entry: os.DirEntry[str], cached: frozenset[str]) -> bool:
        """Whether it is a folder; if not, it is noted."""
        try:
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                return True
            self._note_change(status)
            if stat.S_ISLNK(status.st_mode):
                status = self._target_of(path) or status
        except FileNotFoundError:
            self._found.is_steady = False
            return False
        except OSError:
            self._found.unreadable.append(path)
            return False
        if stat.S_ISREG(status.st_mode):
            self._note_change(status)
            has_cache = f"{entry.name}{CACHED_MD5}" in cached
            self._found.files.append(Seen(path, status.st_size, status.st_mtime_ns, has_cache))
            # A file that may not be read is listed, too: its length is known and can be compared.
            if os.access(entry.path, os.R_OK, effective_ids=True):
                return False
        self._found.unreadable.append(path)
        return False

    def _target_of(self, path: str) -> os.stat_result | None:
        target = content_file(self._folder, path)
        return target.stat() if target else None

    def _note_change(self, status: os.stat_result) -> None:
        """A program can set the time of a file's content, also one in the past, but not that of the
        last change of any kind. A time in the future says nothing."""
        modified = status.st_mtime_ns if status.st_mtime_ns <= self._now_ns else 0
        self._found.changed_ns = max(self._found.changed_ns, status.st_ctime_ns, modified)

    def _is_unchanged(self, noted: tuple[str, tuple[int, int]]) -> bool:
        place, state = noted
        try:
            return _state(os.stat(place)) == state  # noqa: PTH116 - for each folder
        except OSError:
            return False

    def _place(self, path: str) -> str:
        return f"{self._folder}/{path}" if path else str(self._folder)


def _is_content_in(folder: str, name: str) -> bool:
    return name != CACHES and (bool(folder) or not name.startswith(_BACKUP))


def _below(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _state(status: os.stat_result) -> tuple[int, int]:
    return status.st_mtime_ns, status.st_ctime_ns


def _is_made_by_the_service(path: str) -> bool:
    """Whether an empty folder was left by the service itself, as openBIS's own sync sees it."""
    return path == _TRASH or _SNAPSHOTS in path.split("/")


def _cached(place: str) -> frozenset[str]:
    """The names of the hashes that are cached for the files of a folder."""
    caches = Path(place, CACHES)
    try:
        # Nothing outside of the owner's folder is looked at, so a link is no folder of caches.
        if caches.is_symlink():
            return frozenset()
        return frozenset(name for name in os.listdir(caches) if name.endswith(CACHED_MD5))  # noqa: PTH208 - names
    except OSError:
        return frozenset()  # there are none
