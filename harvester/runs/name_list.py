"""A sorted list of names that may be long: a run can bring a million items."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator

# More than so many go to the disk, to a place that SQLite makes for them and takes away again
# (``SQLITE_TMPDIR``, ``TMPDIR``, /var/tmp).
_FEW = 2_000

# Nobody else sees the table, and nobody looks for it after a crash.
_PREPARATION = ("PRAGMA journal_mode = MEMORY", "CREATE TABLE name (name TEXT NOT NULL)")


class NameList:
    """Takes names in any order and yields them sorted. One thread at a time may use it."""

    def __init__(self) -> None:
        self._few: list[str] = []
        self._many: sqlite3.Connection | None = None
        self._moved = 0
        # So many names are not there, because the disk was full.
        self.lost = 0

    def __len__(self) -> int:
        """The number of names that were added."""
        return len(self._few) + self._moved + self.lost

    def add(self, name: str) -> None:
        self._few.append(name)
        if len(self._few) > _FEW:
            self._move()

    def __iter__(self) -> Iterator[str]:
        if self._many is None:
            yield from sorted(self._few)
            return
        self._move()
        given = 0
        try:
            for (name,) in self._many.execute("SELECT name FROM name ORDER BY 1"):
                given += 1
                yield name
        except sqlite3.Error:
            self.lost += self._moved - given
            self._moved = given

    def _move(self) -> None:
        """Move the names to the disk. If it is full, the names are lost: they are not worth a
        failure."""
        try:
            with self._on_disk() as disk:
                disk.executemany("INSERT INTO name VALUES (?)", ((name,) for name in self._few))
            self._moved += len(self._few)
        except (sqlite3.Error, UnicodeEncodeError):
            self.lost += len(self._few)
        self._few.clear()

    def _on_disk(self) -> sqlite3.Connection:
        if self._many is None:
            self._many = sqlite3.connect("", check_same_thread=False)
            weakref.finalize(self, self._many.close)
            for statement in _PREPARATION:
                self._many.execute(statement)
        return self._many

    def forget(self) -> None:
        """Remove the names from the disk, when they are not needed any more."""
        if self._many is not None:
            self._many.close()
            self._many, self._moved = None, 0
            self._few.clear()
