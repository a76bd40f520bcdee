"""Recognises the entries of a list that are, byte for byte, those of the last one.

The entries of the last list are kept as fingerprints in the order of that list. Lists are nearly
always in the same order, so a window that moves along finds almost all of them. An entry that has
moved out of the window counts as new and is read: that costs time and changes nothing.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Set
from contextlib import nullcontext
from hashlib import blake2b
from itertools import islice

from sqlalchemy import Connection, text

# A fingerprint, and the position of what was read from the entry.
_ENTRY = struct.Struct(">16sq")
# Entries that are kept in one row.
_CHUNK = 5_000
# Entries in which an entry is looked for; as objects, about 10 MB.
_WINDOW = 50_000
_OBSERVED = 1_000


def fingerprint(entry: bytes) -> bytes:
    return blake2b(entry, digest_size=16).digest()


class EntryOrder:
    """The fingerprints of a list in its order, in the table ``incoming_order``."""

    def __init__(self, connection: Connection, generation: int) -> None:
        self._connection = connection
        self.generation = generation
        self._number = 0
        self._chunk = bytearray()

    def entries(self) -> Iterator[tuple[bytes, int]]:
        """What an earlier `add` has written, chunk by chunk: others may write in between."""
        query = text(
            "SELECT entries FROM incoming_order WHERE generation = :generation AND number = :number"
        )
        for number in range(1 << 62):
            place = {"generation": self.generation, "number": number}
            # what is gone is asked for in the transaction that drops it
            with nullcontext() if self._connection.in_transaction() else self._connection.begin():
                chunk = self._connection.execute(query, place).scalar_one_or_none()
            if chunk is None:
                return
            yield from _ENTRY.iter_unpack(chunk)

    def add(self, value: bytes, position: int) -> None:
        self._chunk += _ENTRY.pack(value, position)
        if len(self._chunk) >= _CHUNK * _ENTRY.size:
            self.write()

    def write(self) -> None:
        """Write what was added since the last time."""
        statement = text("INSERT INTO incoming_order VALUES (:generation, :number, :entries)")
        row = {"generation": self.generation, "number": self._number}
        with self._connection.begin():
            self._connection.execute(statement, {**row, "entries": bytes(self._chunk)})
        self._chunk.clear()
        self._number += 1

    def drop_others(self) -> None:
        statement = text("DELETE FROM incoming_order WHERE generation <> :generation")
        with self._connection.begin():
            self._connection.execute(statement, {"generation": self.generation})


class KnownEntries:
    """The entries of the last list, taken off one by one as they come again.

    A `shared.resourcesync.reader.Known`. ``invalid`` are positions of what does not count although
    its entry may come again. ``observe`` is called after a fixed number of entries, and may raise;
    ``confirm`` before the first entry is taken as known, and raises if nothing may be.
    """

    def __init__(
        self,
        before: Iterator[tuple[bytes, int]],
        invalid: Set[int],
        now: EntryOrder,
        observe: Callable[[int], None],
        confirm: Callable[[], None] | None = None,
    ) -> None:
        self._confirm = confirm
        self._before = before
        self._invalid = invalid
        self._now = now
        self._observe = observe
        self._window: dict[bytes, int] = {}
        self._left_behind: list[int] = []
        self._misses = 0
        self._pending: bytes | None = None
        self._count = 0
        self._load()

    @property
    def count(self) -> int:
        """How many entries have come again."""
        return self._count

    def has(self, entry: bytes) -> bool:
        """Whether the entry is known. If not, `read` may tell what was read from it."""
        value = fingerprint(entry)
        position = self._window.pop(value, None)
        if position is None and self._window:
            self._missed()
            position = self._window.pop(value, None)
        if position is None:
            self._pending = value
            return False
        if self._confirm:
            self._confirm()
            self._confirm = None
        self._pending = None
        self._now.add(value, position)
        self._count += 1
        if self._count % _CHUNK == 0 or not self._window:
            self._load()
        if self._count % _OBSERVED == 0:
            self._observe(_OBSERVED)
        return True

    def forget(self) -> None:
        """The last entry will not be recognised next time."""
        self._pending = None

    def read(self, position: int) -> None:
        """What was read from the last entry has this position."""
        # Without a fingerprint of its own it will not be recognised, and so be dropped.
        self._now.add(self._pending or os.urandom(16), position)
        self._pending = None

    def gone(self) -> Iterator[int]:
        """Once the list has ended: the positions of what does not count any more."""
        yield from self._invalid
        yield from self._left_behind
        yield from self._window.values()
        yield from (position for _, position in self._before if position not in self._invalid)

    def end(self) -> int:
        """Keep the entries of this list alone; returns their generation."""
        self._now.write()
        self._now.drop_others()
        return self._now.generation

    def _missed(self) -> None:
        """Look further ahead; beyond the window, leave behind what was passed over."""
        self._misses += 1
        if len(self._window) < _WINDOW:
            self._load()
        elif self._misses % _CHUNK == 0:
            for value in list(self._window)[:_CHUNK]:
                self._left_behind.append(self._window.pop(value))
            self._load()

    def _load(self) -> None:
        counting = (entry for entry in self._before if entry[1] not in self._invalid)
        self._window.update(islice(counting, _CHUNK))
