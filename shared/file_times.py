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


def set_file_time(path: Path, modified: datetime) -> bool:
    """Date a file; returns whether the file system can hold that time. If not, it is no error: the
    database has the time, too."""
    time = milliseconds(modified)
    with suppress(OSError, OverflowError):
        os.utime(path, ns=(time * _NANOSECONDS, time * _NANOSECONDS))
        # Some file systems round times without an error, FAT to two seconds.
        return file_time(path) == time
    return False


def file_time(path: Path) -> int:
    """When a file was modified, in milliseconds since 1970. Raises `OSError`."""
    return path.stat().st_mtime_ns // _NANOSECONDS
