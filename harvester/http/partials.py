"""Keeps the beginnings of large files until the rest has come, in this run or a later one.

Each beginning is a file named by a digest of what identifies its content. A small file beside it
holds the validator (ETag) of the answer that it comes from. Neither is trusted: a content is
verified whole in the end, so a kill at any moment costs at most the bytes that were kept.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from shared.checkpoints import checkpoint
from shared.verification import Expected

# Age at which a beginning that no run asked for is removed.
KEPT = timedelta(days=7)
# The same if a run brought everything without it: the item may only be paused.
KEPT_UNASKED = timedelta(days=2)
_NAME = re.compile(r"[0-9a-f]{40}")
_NOTE = ".validator"
_LONGEST_VALIDATOR = 1000


def partial_name(path: str, expected: Expected) -> str:
    """A digest of the path of the URL and of all that the list says of the content."""
    sums = (expected.length, expected.crc32, expected.checksum, expected.sha256)
    return hashlib.blake2b(repr((path, sums)).encode(), digest_size=20).hexdigest()


class Partial:
    """The beginning of one content, open for appending."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.file = file
        self._path = path
        self._note = path.with_name(path.name + _NOTE)

    @property
    def validator(self) -> str | None:
        """The validator of the answer that the content comes from; None if it is unknown."""
        try:
            text = self._note.read_text("ascii")
        except (OSError, ValueError):
            return None
        return text if text.isprintable() and text else None

    def begin(self, validator: str | None) -> None:
        """Start from the first byte of a new answer. At no moment does old content have a new
        validator."""
        self.file.seek(0)
        self.file.truncate()
        self._note.unlink(missing_ok=True)
        if validator and validator.isascii() and len(validator) <= _LONGEST_VALIDATOR:
            self._note.write_text(validator, "ascii")

    def move(self, target: Path) -> None:
        """Sync the whole content to the disk and move it to its target."""
        # Not `shared.atomic_file`: what is kept aside stays for the next run if this one fails, and
        # the target is no file that is read yet: the caller renames it.
        self.file.flush()
        os.fsync(self.file.fileno())
        checkpoint("a large file is about to be put in place", str(target))
        try:
            self._path.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy(self._path, target)
        self.remove()

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


class Partials:
    """The folder of partial files; it is made when it is needed. One process uses it at a time,
    which the lock of the section ensures; that process may have many threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._in_use: set[str] = set()
        self._asked: set[str] = set()

    @contextmanager
    def open(self, name: str) -> Iterator[Partial | None]:
        """Open the beginning of a content; None if another thread has it open. `OSError` if the
        disk is full or refuses."""
        with self._lock:
            busy = name in self._in_use
            self._in_use.add(name)
            self._asked.add(name)
        if busy:
            yield None
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / name
            path.touch()
            with path.open("r+b") as file:
                yield Partial(path, file)
        finally:
            with self._lock:
                self._in_use.discard(name)

    def tidy(self, *, all_is_here: bool, now: float | None = None) -> None:
        """Remove what no run has asked for lately. ``all_is_here``: this run has brought
        everything."""
        stale(
            self._folder,
            lambda path: path.is_file() and _is_unasked(path.name, self._asked),
            KEPT_UNASKED if all_is_here else KEPT,
            time.time() if now is None else now,
        )


def _is_unasked(name: str, asked: set[str]) -> bool:
    """Whether this run did not ask for a file. Only files that `partial_name` named count: all
    others are not ours to remove."""
    content = name.removesuffix(_NOTE)
    return _NAME.fullmatch(content) is not None and content not in asked


def stale(folder: Path, unasked: Callable[[Path], bool], kept: timedelta, now: float) -> None:
    """Remove entries that no run has used for this time, and the folder if it is then empty. Errors
    are ignored: the next run tries again."""
    with suppress(OSError):
        for path in list(folder.iterdir()):
            if unasked(path) and now - path.stat().st_mtime > kept.total_seconds():
                remove(path)
        folder.rmdir()


def remove(path: Path) -> None:
    """Remove a file, or a folder with its contents."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    """Copy to another file system."""
    with source.open("rb") as reading, target.open("r+b") as writing:
        shutil.copyfileobj(reading, writing, 1 << 20)
        writing.flush()
        os.fsync(writing.fileno())
