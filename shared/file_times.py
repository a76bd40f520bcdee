"""Modification times of files that a source dates, in milliseconds.

Files of AFS data may have no checksum. Then length and time tell whether a file is the same.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from shared.store.rows import milliseconds

_NANOSECONDS = 1_000_000


def set_file_time(path: Path, modified: datetime) -> None:
    """Date a file. A file system that cannot hold the time keeps another one: the database has
    it."""
    time = milliseconds(modified) * _NANOSECONDS
    with suppress(OSError, OverflowError):
        os.utime(path, ns=(time, time))


def file_time(path: Path) -> int:
    """When a file was modified, in milliseconds since 1970. Raises `OSError`."""
    return path.stat().st_mtime_ns // _NANOSECONDS
