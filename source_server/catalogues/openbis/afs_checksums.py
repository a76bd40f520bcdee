"""MD5 sums of AFS files: those that the application file service has cached, and computed ones."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from io import BufferedReader
from pathlib import Path

from source_server.catalogues.openbis.afs_folder import CACHED_MD5, CACHES, Seen, content_file

_LOG = logging.getLogger(__name__)

# Device, i-node, size, time of the content, time of any change.
Key = tuple[int, int, int, int, int]

_MD5 = re.compile(rb"[0-9A-Fa-f]{32}")
_HEX_DIGITS = 32
# Sums that are remembered, in 100 MB of memory at most.
_MOST = 250_000
# Seconds after which a sum is forgotten that no list has asked for.
_UNUSED = 7 * 24 * 3600.0


def cached_md5(folder: Path, seen: Seen) -> str | None:
    """The sum that the service has cached beside a file, as lower-case hex.

    None if there is none, if it is older than the file, or if the file has changed since it was
    seen. The form of the cache is not documented: what is not 32 hex digits is not used.
    """
    above, _, name = seen.path.rpartition("/")
    cache = Path(folder, above, CACHES, f"{name}{CACHED_MD5}")
    with suppress(OSError), _plain_file(cache) as file:
        # One byte more than a sum has: a cache that goes on behind it is not of the known form.
        digits = file.read(_HEX_DIGITS + 1)
        written_ns = os.fstat(file.fileno()).st_mtime_ns
        if written_ns < seen.modified_ns or not _MD5.fullmatch(digits):
            return None
        if _key(Path(folder, seen.path).stat())[2:4] == (seen.length, seen.modified_ns):
            return digits.decode().lower()
    return None


class ComputedSums:
    """Computes sums, each once for a device, i-node, size and times, and remembers them.

    When ``most`` are remembered, no further one is until others have not been asked for in a long
    time: lists ask for all of them in turn, and to forget the oldest would forget each before it
    is asked for again. Threads may share it.
    """

    def __init__(self, most: int = _MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._sums: dict[Key, tuple[bytes, float]] = {}
        self._lock = threading.Lock()
        self._next_look = 0.0

    def __len__(self) -> int:
        return len(self._sums)

    def md5(self, folder: Path, seen: Seen) -> str | None:
        """The sum of a file, as lower-case hex; None if it cannot be read, or has changed since it
        was seen."""
        with suppress(OSError):
            place = _target(folder, seen.path)
            key = _key(place.stat())
            if key[2:4] != (seen.length, seen.modified_ns):
                return None
            digest = self._remembered(key) or _computed(place, key)
            if digest is not None:
                # Also for a remembered sum: that it was asked for keeps it from being forgotten.
                self._remember(key, digest)
                return digest.hex()
        return None

    def _remembered(self, key: Key) -> bytes | None:
        with self._lock:
            found = self._sums.get(key)
        return found[0] if found else None

    def _remember(self, key: Key, digest: bytes) -> None:
        now = self._clock()
        with self._lock:
            if key not in self._sums and len(self._sums) >= self._most:
                self._forget(now)
                if len(self._sums) >= self._most:
                    return
            self._sums[key] = digest, now

    def _forget(self, now: float) -> None:
        """Forget what was not asked for in a long time, if this was not tried just before."""
        if now < self._next_look:
            return
        self._next_look = now + _UNUSED / 100
        self._sums = {k: each for k, each in self._sums.items() if now - each[1] < _UNUSED}
        if len(self._sums) >= self._most:
            _LOG.warning(
                "afs-checksums = computed: the checksums of %d files are remembered, those of"
                " further files are computed anew for each list",
                self._most,
            )


def _target(folder: Path, path: str) -> Path:
    """The file itself if the path is a link. OSError if that is no content."""
    place = Path(folder, path)
    target = content_file(folder, path) if place.is_symlink() else place
    if target is None:
        raise FileNotFoundError(place)
    return target


def _computed(place: Path, key: Key) -> bytes | None:
    """None if the file is another one than the key says, or changes while it is read."""
    with _plain_file(place) as file:
        digest = hashlib.file_digest(file, partial(hashlib.md5, usedforsecurity=False)).digest()
        return digest if _key(os.fstat(file.fileno())) == key else None


def _key(status: os.stat_result) -> Key:
    return (
        *(status.st_dev, status.st_ino, status.st_size),
        *(status.st_mtime_ns, status.st_ctime_ns),
    )


def _plain_file(path: Path) -> BufferedReader:
    """The opened file. OSError if it is a link or no file."""
    # Without O_NONBLOCK, to open a pipe would wait until another program writes to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(f"{path} is not a file")
