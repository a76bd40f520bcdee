"""Places that all workers of a server share, such as those for work at the same time."""

from __future__ import annotations

from collections import Counter
from threading import Lock


class Slots:
    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[int] = Counter()
        self._lock = Lock()

    def take(self, holder: int) -> bool:
        """Take a place; False if none is free."""
        with self._lock:
            if self._taken.total() >= self._most:
                return False
            self._taken[holder] += 1
            return True

    def free(self, holder: int) -> None:
        """Give a place back."""
        with self._lock:
            self._taken -= Counter({holder: 1})

    def release(self, holder: int) -> None:
        """See `source_server.workers.common.Held`."""
        with self._lock:
            self._taken.pop(holder, None)
