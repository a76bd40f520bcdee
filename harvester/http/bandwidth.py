"""A limit of bytes a second for all threads of a run together, by the time of the day."""

from __future__ import annotations

import threading
import time as clocks
from collections.abc import Callable
from datetime import UTC, datetime, time

from shared.settings.bandwidth import Bandwidth

_BURST = 0.25
"""Seconds; so much of the rate may be saved up while nothing comes."""
_SHORTEST = 0.001
"""Seconds; who sleeps too long by so much has saved it up."""
_SLICE = 1.0
"""Seconds; after so long it is seen that the time table has another rate by now."""


def local_time() -> time:
    """The time of the day on the wall."""
    return datetime.now(UTC).astimezone().time()


class Throttle:
    """A bucket of tokens, one for each byte. Whoever has taken bytes off the network waits until
    they are paid for, in order; ``pause`` is how to wait, and may raise."""

    def __init__(
        self,
        table: Bandwidth | None,
        pause: Callable[[float], None],
        clock: Callable[[], float] = clocks.monotonic,
        time_of_day: Callable[[], time] = local_time,
    ) -> None:
        self._table = table
        self._pause = pause
        self._clock = clock
        self._time_of_day = time_of_day
        self._lock = threading.Lock()
        self._taken = 0
        """Bytes, ever."""
        self._paid = 0.0
        """Bytes, ever; by a burst more than were taken, at most."""
        self._seen = clock()

    def take(self, count: int) -> None:
        """So many bytes have come; returns when the next ones may be read."""
        if self._table is None:
            return
        with self._lock:
            self._pay(self._table)
            self._taken += count
            mine = self._taken
        while (wait := self._wait_for(mine, self._table)) > 0:
            self._pause(min(max(wait, _SHORTEST), _SLICE))

    def _wait_for(self, mine: int, table: Bandwidth) -> float:
        """Seconds until all bytes up to ``mine`` are paid for, as things stand."""
        with self._lock:
            rate = self._pay(table)
            return (mine - self._paid) / rate if rate and mine > self._paid else 0.0

    def _pay(self, table: Bandwidth) -> int | None:
        """For the time since the last look; the rate of now."""
        rate, now = table.at(self._time_of_day()), self._clock()
        if rate is None:
            self._paid = float(self._taken)
        else:
            earned = self._paid + (now - self._seen) * rate
            self._paid = min(earned, self._taken + _BURST * rate)
        self._seen = now
        return rate
