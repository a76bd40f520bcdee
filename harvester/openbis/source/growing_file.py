"""A file that one thread writes while others read it, so that a list is read while it arrives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from harvester.openbis.source.items import BegunAnewError
from shared.checkpoints import checkpoint
from shared.paths import naming

# Bytes that a reader gets at most at once; what a parser makes of them takes ten times as many.
_BLOCK = 1 << 18


class UnwantedError(Exception):
    """No reader is left: the writer may stop."""


class GrowingFile:
    """A file with one writer and any number of readers, each of which reads from the beginning."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        # Open only while it is written: a list may lie in thousands of parts.
        self._file: FileIO | None = None
        self._changed = threading.Condition()
        self._length = 0
        self._tries = 0
        self._ended = False
        self._unwanted = False
        self._error: BaseException | None = None

    def begin_anew(self) -> None:
        """Drop what an earlier try has written."""
        with self._changed:
            self._tries += self._length > 0
            self._length = 0
            file = self._opened()
            file.seek(0)
            file.truncate()
            self._changed.notify_all()

    def write(self, chunk: bytes) -> None:
        """Raises `UnwantedError`, or `OSError` if the disk is full."""
        with self._changed:
            if self._unwanted:
                raise UnwantedError
            file = self._opened()
            rest = memoryview(chunk)
            with naming(self.path):
                while rest:  # a disk that is nearly full takes the beginning, and then refuses
                    rest = rest[file.write(rest) :]
            self._length += len(chunk)
            checkpoint("a part of the list is written", str(self.path))
            self._changed.notify_all()

    def _opened(self) -> FileIO:
        if self._file is None:
            self._file = FileIO(self.path, "w")
        return self._file

    def end(self, error: BaseException | None = None) -> None:
        """The file is whole; or, with an error, nothing more will come, and every reader gets the
        error."""
        with self._changed:
            self._ended, self._error = True, error
            if self._file is not None:
                self._file.close()
            self._changed.notify_all()

    def give_up(self) -> None:
        """The readers do not want the file any more."""
        with self._changed:
            self._unwanted = True

    def wait(self) -> Path:
        """The path, once the file is whole. Raises the error that ended the writing."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended)
        if self._error:
            raise self._error
        return self.path

    def blocks(self) -> Iterator[bytes]:
        """All bytes, as they come. Raises `BegunAnewError`, or the error that ended the writing."""
        tries, position = self._tries, 0
        with self.path.open("rb", buffering=0) as file:
            while available := self._more_than(position, tries):
                # A new try may cut the file just now. Then this block may be wrong, and the next
                # question raises `BegunAnewError`, so that no mixture counts as a list.
                block = file.read(min(available, _BLOCK))
                position += len(block)
                yield block

    def _more_than(self, position: int, tries: int) -> int:
        """The number of bytes behind a position, once there are some; 0 at the end."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._length > position or self._tries != tries or self._ended
            )
            if self._tries != tries:
                raise BegunAnewError
            if self._length > position:
                return self._length - position
            if self._error:
                raise self._error
            return 0
