"""The least speed of a download: if any byte counted as progress, one byte a second could occupy a
run for ever."""

from __future__ import annotations

import time
from collections.abc import Callable

from harvester.http.retries import PassingError

# Bytes a second, on average over ``timeout``; a modem is faster.
SLOWEST = 100


class Pace:
    """The pace of one body. Only the time in which the program waits for the network counts."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._waited = 0.0
        self._bytes = 0
        self._since = clock()

    def came(self, count: int) -> None:
        """Count bytes; raises `PassingError` if too few have come for too long."""
        self._waited += self._clock() - self._since
        self._bytes += count
        if self._waited < self._seconds:
            return
        if self._bytes < SLOWEST * self._waited:
            raise PassingError(
                f"only {self._bytes:,} bytes came in {self._waited:.0f} seconds, less than "
                f"{SLOWEST} a second"
            )
        self._waited, self._bytes = 0.0, 0

    def waits(self) -> None:
        """Begin to wait for more bytes."""
        self._since = self._clock()
