"""Moves files and whole folders, such that a move can be repeated after a kill.

While the old place exists, the move is not done, with one exception: between two file systems, the
new place of a folder is complete before the old one is removed. So the new place of a folder must
be free before.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from shared.atomic_file import name_aside, sync_folder

# Another file system, or one that takes no more links, or none at all.
_NO_LINKS = frozenset((errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP))


def move(origin: Path, target: Path) -> None:
    """Move a file or folder, replacing what lies at the target. Without an origin nothing is done:
    it was moved before."""
    if not origin.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        # Within a file system a rename leaves nothing half done, so what lies at the target is not
        # a part of this move and is replaced.
        if _device(origin) == _device(target.parent):
            remove(target)
        elif origin.is_dir():  # copied whole, and killed then; a file is just copied again
            remove(origin)
            return
    try:
        origin.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _put(origin, target, shutil.copy2)
        remove(origin)
    else:
        sync_folder(target.parent)
    sync_folder(origin.parent)


def merge(origin: Path, target: Path) -> None:
    """Put every file below a folder in the same place below another one, whose other files stay; a
    file of the same name is replaced. Then the origin is removed; while it exists, the merge can be
    repeated."""
    if not origin.exists():
        return
    for folder, _, names in os.walk(origin):
        home = target / Path(folder).relative_to(origin)
        home.mkdir(parents=True, exist_ok=True)
        for name in names:
            _put(Path(folder, name), home / name, link_or_copy)
    remove(origin)
    sync_folder(origin.parent)


def clash(origin: Path, target: Path) -> Path | None:
    """A place where `merge` would have to put a file on a folder, or the other way round."""
    for folder, _, names in os.walk(origin):
        home = target / Path(folder).relative_to(origin)
        if os.path.lexists(home) and not home.is_dir():
            return home
        for name in names:
            if (home / name).is_dir() and not (home / name).is_symlink():
                return home / name
    return None


def duplicate(origin: Path, target: Path) -> None:
    """Put the same files at the target, too, if there are any; as links where possible."""
    if origin.exists() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        _put(origin, target, link_or_copy)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_empty(folder: Path) -> None:
    """Remove a folder and the folders in it, as far as they contain no file."""
    for place, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):  # it is not empty
            Path(place).rmdir()


def _put(origin: Path, target: Path, copy: Callable[[str, str], object]) -> None:
    """Copy to a temporary file, sync, rename."""
    # Not `written_aside`: folders are put, too, and a half-copied one stays for the next try.
    aside = name_aside(target)
    remove(aside)
    if origin.is_dir():
        shutil.copytree(origin, aside, symlinks=True, copy_function=copy)
    else:
        copy(str(origin), str(aside))
    _sync(aside)
    aside.replace(target)
    aside.unlink(missing_ok=True)  # renaming does nothing if both are links to the same file
    sync_folder(target.parent)


def link_or_copy(origin: str | Path, target: str | Path) -> None:
    """Give the file another name, too: by a link, or by a copy where the file system refuses
    links."""
    try:
        Path(target).hardlink_to(origin)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copy2(origin, target)


def _sync(path: Path) -> None:
    if path.is_file():
        with path.open("rb") as file:
            os.fsync(file.fileno())
        return
    for folder, _, names in os.walk(path):
        for name in names:
            _sync(Path(folder, name))
        sync_folder(Path(folder))


def _device(path: Path) -> int:
    return path.stat().st_dev
