"""Files of data sets that an earlier run could not bring whole: it was killed, stopped or out of
time.

Its temporary folders are kept until the data set is wanted again. Then each file with the right
checksum is taken over, so a data set that takes longer than a run can arrive over several runs.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from harvester.http.partials import KEPT, KEPT_UNASKED, remove, stale
from harvester.openbis.transfers.guard import is_the_same
from shared.file_times import set_file_time
from shared.model.entities import FileNode
from shared.store.files import ASIDE


class Leftovers:
    """``folder`` is where the folders are kept. It may also hold files, which are left alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: dict[str, list[Path]] = {}
        self._asked: set[str] = set()
        self._lying: dict[str, list[Path]] | None = None

    def drop(self, code: str, temporary: Path) -> None:
        """The data set will not come any more. To be called before `collect`."""
        if self._lying is None:  # there may be many to drop
            self._lying = _by_code(*_folders(temporary), *_folders(self._folder))
        for folder in self._lying.pop(code, ()):
            remove(folder)

    def collect(self, temporary: Path) -> None:
        """Keep what lies in the temporary folder, before that is cleared."""
        for folder in _folders(temporary):
            self.keep(folder)
        self._found = _by_code(*_folders(self._folder))

    def keep(self, folder: Path) -> None:
        """Keep a folder with files of a data set for a later run; an empty one is removed. Errors
        are ignored: all of it can be fetched again."""
        with suppress(OSError):
            if any(path.is_file() for path in folder.rglob("*")):
                self._folder.mkdir(parents=True, exist_ok=True)
                kept = folder.rename(self._folder / folder.name)
                # A rename keeps the folder's time, and `tidy` counts the days from that.
                os.utime(kept)
            else:
                shutil.rmtree(folder)

    def take(self, code: str, wanted: FileNode, target: Path, moved: Callable[[], None]) -> bool:
        """Move a file to its place if it is here and certainly the right one."""
        self._asked.add(code)
        for folder in self._found.get(code, ()):
            file = folder / wanted.path
            if file.is_file() and is_the_same(file, wanted, moved):
                file.rename(target)
                if wanted.modified is not None:
                    set_file_time(target, wanted.modified)
                return True
        return False

    def forget(self, code: str) -> None:
        """Remove what is kept of a data set: it has arrived, or the disk is full."""
        for folder in self._found.pop(code, ()):
            remove(folder)

    def tidy(self, *, all_is_here: bool, now: float | None = None) -> None:
        """Remove what no run has asked for. ``all_is_here``: this run has brought everything."""
        stale(
            self._folder,
            lambda path: path.is_dir() and _is_unasked(path, self._asked),
            KEPT_UNASKED if all_is_here else KEPT,
            time.time() if now is None else now,
        )


def _folders(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(p for p in folder.iterdir() if p.is_dir() and ASIDE.fullmatch(p.name))
    return []


def _by_code(*folders: Path) -> dict[str, list[Path]]:
    found: defaultdict[str, list[Path]] = defaultdict(list)
    for folder in folders:
        found[_code(folder)].append(folder)
    return found


def _code(folder: Path) -> str:
    found = ASIDE.fullmatch(folder.name)
    return found[1] if found else ""


def _is_unasked(folder: Path, asked: set[str]) -> bool:
    """Whether a folder was not asked for. Only our folders count: others are not ours to remove."""
    code = _code(folder)
    return bool(code) and code not in asked
