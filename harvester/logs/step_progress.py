"""The progress of a step as lines of the log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harvester.runs.amounts import shown_size
from harvester.runs.progress import Progress, Received
from harvester.runs.run_log import Fields

# Items between two lines, as in the original.
_MANY = 10_000


# Takes a text for people and values for programs.
Tell = Callable[[str, Fields], None]


class StepProgress:
    """Writes a line after a fixed number of items, and from time to time if there was progress
    since. Every call is passed on to ``bar``. Safe for threads."""

    def __init__(self, title: str, tell: Tell, received: Received, bar: Progress) -> None:
        self._title = title
        self._tell = tell
        self._received = received
        self._bar = bar
        self._began = time.monotonic()
        self._bytes_before = received()
        self._done = self._total = self._size = 0
        self._told = (0, 0)
        self._lock = threading.Lock()

    def expect(self, total: int, *, size: int = 0) -> None:
        self._total, self._size = total, size
        self._bar.expect(total, size=size)

    def advance(self, count: int = 1) -> None:
        before, self._done = self._done, self._done + count
        self._bar.advance(count)
        if before // _MANY != self._done // _MANY:
            self.tell()

    def tell_if_moved(self) -> None:
        """Write a line if there was progress since the last one; a timer calls this."""
        if (self._done, self._bytes) != self._told:
            self.tell()

    def tell(self, word: str = "") -> None:
        """Write a progress line in the original's form; the position follows ``word``."""
        with self._lock:
            self._told = (self._done, self._bytes)
            seconds = time.monotonic() - self._began
            text = ": ".join(part for part in (word, self._position()) if part)
            fields: Fields = {
                "done": self._done,
                "total": self._total or None,
                "bytes": self._bytes,
                "seconds": round(seconds, 3),
            }
            self._tell(f"[{self._title}] [time: {seconds:5.0f} sec] {text}", fields)

    @property
    def _bytes(self) -> int:
        return self._received() - self._bytes_before

    def _position(self) -> str:
        parts = []
        if self._total:
            parts.append(f"{self._done:,} of {self._total:,} items")
        elif self._done:
            parts.append(f"{self._done:,} items")
        if self._bytes:
            of = f" of {shown_size(self._size)}" if self._size else ""
            parts.append(f"{shown_size(self._bytes)}{of} received")
        return ", ".join(parts)


@contextmanager
def every(seconds: float, call: Callable[[], None]) -> Iterator[None]:
    """Call a function again and again, from another thread, while the block runs."""
    ended = threading.Event()

    def tick() -> None:
        while not ended.wait(seconds):
            call()

    clock = threading.Thread(target=tick, name="progress", daemon=True)
    clock.start()
    try:
        yield
    finally:
        ended.set()
        clock.join()
