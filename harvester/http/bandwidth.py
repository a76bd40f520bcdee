"""Limits the bytes per second of all threads of a run together, by the time of day."""

from __future__ import annotations

import threading
import time as clocks
from collections.abc import Callable
from datetime import UTC, datetime, time

from shared.settings.bandwidth import Bandwidth

# Seconds of unused rate that the bucket can hold.
_BURST = 0.25
# Seconds; a sleep that is longer than asked by this saves up tokens.
_SHORTEST = 0.001
# Seconds after which a change of rate in the timetable takes effect.
_SLICE = 1.0


def local_time() -> time:
    """The current local time of day."""
    return datetime.now(UTC).astimezone().time()


class Throttle:
    """A token bucket with one token per byte. A thread that has read bytes from the network waits
    until the bucket has paid for them, in order; ``pause`` does the waiting and may raise."""

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
        # Bytes, ever.
        self._taken = 0
        # Bytes, ever; by a burst more than were taken, at most.
        self._paid = 0.0
        self._seen = clock()

    def take(self, count: int) -> None:
        """Pay for ``count`` bytes that have come; returns when the next ones may be read."""
        if self._table is None:
            return
        with self._lock:
            self._pay(self._table)
            self._taken += count
            mine = self._taken
        while (wait := self._wait_for(mine, self._table)) > 0:
            self._pause(min(max(wait, _SHORTEST), _SLICE))

    def _wait_for(self, mine: int, table: Bandwidth) -> float:
        """Seconds until all bytes up to ``mine`` are paid for, at the present rate."""
        with self._lock:
            rate = self._pay(table)
            return (mine - self._paid) / rate if rate and mine > self._paid else 0.0

    def _pay(self, table: Bandwidth) -> int | None:
        """Add the tokens for the time since the last call, at the rate of this moment."""
        rate, now = table.at(self._time_of_day()), self._clock()
        if rate is None:
            self._paid = float(self._taken)
        else:
            earned = self._paid + (now - self._seen) * rate
            self._paid = min(earned, self._taken + _BURST * rate)
        self._seen = now
        return rate
