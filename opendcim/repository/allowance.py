"""Limits how often a client is sent the same list.

The list of all templates is sent once in the interval, any other list as often as the allowance
says. The clients of openDCIM ask for the list of manufacturers and for one list per subscribed
manufacturer in each run, never for all templates; people start a run several times a day. Each list
is counted by itself, so the number of subscriptions does not matter. Answers with 304 and single
templates are not counted.

The counts are kept in memory, for all workers: a restart of the server forgets them.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from shared.client_address import client_address
from source_server.workers.common import ALONE, Common

# Pairs of client and list that are kept; beyond that the oldest are forgotten.
_MOST_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """``client`` is a user or an address; ``everything`` marks lists that are sent once."""

    client: str
    name: str
    everything: bool = False


class Allowance:
    """Thread-safe. ``clock`` gives seconds that never go back."""

    def __init__(
        self,
        interval: timedelta,
        times: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        common: Common = ALONE,
    ) -> None:
        self._interval = interval
        self._times = times
        self._sent = common.one("repository-lists", _Sent, interval.total_seconds(), clock)

    @property
    def interval(self) -> timedelta:
        return self._interval

    def take(self, asked: Asked) -> int:
        """Counts the request and returns 0, or returns the seconds until it is allowed."""
        return self._sent.take(asked, self.times(asked))

    def times(self, asked: Asked) -> int:
        return 1 if asked.everything else self._times


class _Sent:
    """Times at which lists were sent, within the last ``interval`` seconds."""

    def __init__(self, interval: float, clock: Callable[[], float]) -> None:
        self._interval = interval
        self._clock = clock
        self._sent: dict[Asked, deque[float]] = {}
        self._lock = threading.Lock()

    def take(self, asked: Asked, times: int) -> int:
        """See `Allowance.take`."""
        with self._lock:
            at = self._clock()
            sent = self._sent.pop(asked, None) or deque()
            self._sent[asked] = sent  # the last to be forgotten
            start = at - self._interval
            while sent and sent[0] <= start:
                sent.popleft()
            if len(sent) >= times:
                return max(1, math.ceil(sent[0] - start))
            sent.append(at)
            if len(self._sent) > _MOST_REMEMBERED:
                del self._sent[next(iter(self._sent))]
            return 0


def client_of(user_id: str | None, host: str | None) -> str:
    """The user, from whatever address the request comes; else the address or its network."""
    return f"user {user_id}" if user_id is not None else f"address {client_address(host or '')}"
