"""Limits of disk space and time for a list, over all its parts and tries."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from shared.errors import SourceError

# The longest list, unpacked.
MOST_BYTES = 1 << 40
# Bytes from one look at the disk to the next.
_LOOK = 1 << 24
_LEAST = 1 << 30
# The fiftieth part of the disk stays free, or a gigabyte if that is less.
_PART = 50


def free_bytes_kept(total: int) -> int:
    """The bytes of a disk of this size that a list leaves free."""
    return min(_LEAST, total // _PART)


class ListAllowance:
    """What one list has used so far. One thread at a time may use it."""

    def __init__(
        self, folder: Path, longest: timedelta, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = folder
        self._longest = longest
        self._clock = clock
        self._began = clock()
        self._bytes = 0
        # The first call looks at the disk at once, not only after 16 MiB.
        self._unseen = _LOOK

    def check(self, count: int) -> None:
        """To be called before ``size`` bytes are written. Raises `SourceError`."""
        if self._clock() - self._began > self._longest.total_seconds():
            raise SourceError(
                f"the list is not here after {self._longest} (max-list-time); if the source "
                "needs more time, allow it more"
            )
        self._bytes += count
        self._unseen += count
        if self._unseen < _LOOK:
            return
        self._unseen = 0
        usage = shutil.disk_usage(self._folder)
        if usage.free < free_bytes_kept(usage.total):
            raise SourceError(
                f"the list is larger than the room for it: after {self._bytes:,} bytes only "
                f"{usage.free:,} are free in {self._folder}; make room below harvester-tmp-dir, or "
                "see what the data source sends"
            )
        if self._bytes > MOST_BYTES:
            raise SourceError(f"the list has over {MOST_BYTES:,} bytes; no list is that long")
