"""Lines of the log stay whole when several processes write to the same file.

A pipe takes only a few kilobytes in one piece, and a line of the access log may be longer.
"""

from __future__ import annotations

import fcntl
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any


class LineLock:
    """A lock among the threads of all processes that stem from the one that made it. The system
    frees it when a process ends. It has the methods that `logging` uses of its own locks."""

    def __init__(self, file: IO[bytes]) -> None:
        """``file`` is one that is not used otherwise."""
        self._file = file
        self._threads = threading.RLock()
        self._depth = 0

    def acquire(self) -> bool:
        self._threads.acquire()
        if not self._depth:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
        self._depth += 1
        return True

    def release(self) -> None:
        self._depth -= 1
        if not self._depth:
            fcntl.lockf(self._file, fcntl.LOCK_UN)
        self._threads.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_error: object) -> None:
        self.release()

    def _at_fork_reinit(self) -> None:
        """Called by `logging` in a new process."""
        self._threads = threading.RLock()
        self._depth = 0


@contextmanager
def locked_lines(logger: logging.Logger, lock: LineLock) -> Iterator[None]:
    """Use the lock for all handlers of a logger, until the end of the block."""
    handlers: list[Any] = list(logger.handlers)
    before = [handler.lock for handler in handlers]
    for handler in handlers:
        handler.lock = lock
    try:
        yield
    finally:
        for handler, own in zip(handlers, before, strict=True):
            handler.lock = own
