"""Tries whether files can be written where a run would write them; every trial file is removed."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from harvester.runs.findings import Finding, broken, fine

_PREFIX = ".openbis-sync-check-"
# More bytes than a full disk may have left in its last block.
_TRIED = bytes(65536)


def check_folder(subject: str, folder: Path, key: str) -> Finding:
    """Whether a folder can be written to; ``key`` is the setting that names it."""
    try:
        with _trial_file(folder):
            return fine(subject, f"{folder} can be written to")
    except OSError as error:
        return broken(subject, _unwritable(folder, key, error))


def check_file(subject: str, file: Path, key: str) -> Finding:
    """Whether a file can be written. Its folder must be writable, since most files are written to a
    temporary file first; and the file itself, if it exists."""
    there = os.access(file, os.F_OK)
    if there and not file.is_file():
        return broken(subject, f"{file} is no file; correct {key}")
    if there and not os.access(file, os.R_OK | os.W_OK):
        return broken(subject, f"{file} cannot be written to; give this program's user the right")
    return check_folder(subject, file.parent, key)


def check_work_folder(folder: Path, store: Path) -> Finding:
    """Whether the temporary folder and the data store lie on one file system: fetched files are
    renamed from one into the other."""
    subject, key = "work folder", "harvester-tmp-dir"
    try:
        with _trial_file(store) as target, _trial_file(folder) as file:
            file.replace(target)
    except OSError as error:
        if error.errno == errno.EXDEV:
            return broken(
                subject,
                f"{folder} lies on another file system than the data store {store}; choose another "
                f"{key}, or mount both as one",
            )
        return broken(subject, _unwritable(folder, key, error))
    return fine(subject, f"{folder} can be written to, on the file system of the data store")


def _unwritable(folder: Path, key: str, error: OSError) -> str:
    reason = error.strerror or type(error).__name__
    advice = {
        errno.ENOSPC: "make room",
        errno.EDQUOT: "make room, or have the quota raised",
        errno.EROFS: f"mount it for writing, or correct {key}",
        errno.ENOTDIR: f"a file stands where a folder should be; correct {key}",
        errno.EEXIST: f"a file stands where a folder should be; correct {key}",
    }.get(error.errno or 0, f"give this program's user the right, or correct {key}")
    return f"{folder} cannot be written to: {reason}; {advice}"


@contextmanager
def _trial_file(folder: Path) -> Iterator[Path]:
    """A file with some bytes on the disk. Folders that had to be made for it are removed again."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder, prefix=_PREFIX, delete=False) as file:
            path = Path(file.name)
            try:
                file.write(_TRIED)
                file.flush()
                # Some file systems report a full disk only when bytes are forced to it.
                os.fsync(file.fileno())
                yield path
            finally:
                path.unlink(missing_ok=True)
    finally:
        for place in missing:
            with suppress(OSError):  # something else is in it by now, or it could not be made
                place.rmdir()
