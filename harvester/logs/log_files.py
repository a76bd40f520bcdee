"""The log file of a section: written line by line, rotated every day, removed after a while.

Several sections may share a file, and other programs may move it away between two runs.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from io import FileIO
from pathlib import Path

logger = logging.getLogger(__name__)

# Suffix of a rotated log; the original wrote the second form.
_DAY, _SECOND = "%Y-%m-%d", "%Y-%m-%d_%H-%M-%S"


class LogFileHandler(logging.Handler):
    """Appends each record in one write, so that sections that share a file do not mix their lines.
    A line that cannot be written is reported once, in the program's own log, and stops nothing."""

    def __init__(self, path: Path) -> None:
        """Raises `OSError`, also for a file that is not text: a log must not be appended to a
        database."""
        # Opened first: the logging module closes every handler at the end, half-made ones too.
        self._file = _opened(path)
        super().__init__()
        self.path = path
        self._begin = self._size()
        # Whether the last line has no end: the disk was full, or the machine went down.
        self._torn = self._begin > 0 and os.pread(self._file.fileno(), 1, self._begin - 1) != b"\n"
        self._told = False

    def _size(self) -> int:
        """The size of a regular file; 0 for pipes and devices, which cannot be read again."""
        found = os.fstat(self._file.fileno())
        return found.st_size if stat.S_ISREG(found.st_mode) else 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            line = (f"\n{text}\n" if self._torn else f"{text}\n").encode(errors="backslashreplace")
            if self._file.write(line) != len(line):
                self._torn = True
                raise OSError("only a part of a line fitted")  # noqa: TRY301 - the handler tells it
            self._torn = False
        except Exception as error:  # noqa: BLE001 - logging never raises
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        if not self._told:
            self._told = True
            logger.error("%s: the log cannot be written: %s", self.path, error)

    def tail(self, longest: int) -> bytes:
        """What was written since this handler was opened. If that is longer than the limit, only
        whole lines at its end. Raises `OSError`."""
        end = self._size()
        begin = max(self._begin, end - longest)
        written = b"".join(self._blocks(begin, end))
        return written if begin == self._begin else written.partition(b"\n")[2]

    def _blocks(self, begin: int, end: int) -> Iterator[bytes]:
        while begin < end and (block := os.pread(self._file.fileno(), end - begin, begin)):
            yield block
            begin += len(block)

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()
        super().close()


def _opened(path: Path) -> FileIO:
    file = path.open("a+b", buffering=0)
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode) and b"\0" in os.pread(file.fileno(), 512, 0):
        file.close()
        raise OSError(errno.EINVAL, "it holds something that is no log", str(path))
    return file


def tidy(path: Path, retention_days: int, now: datetime | None = None) -> None:
    """Rotate the log of an earlier day, and remove rotated logs that are too old. A failure is
    reported once in the program's own log, and stops nothing."""
    now = now or datetime.now(UTC)
    try:
        real = path.resolve()
        if real.is_file():
            _rotate(real, _local(now).date())
        if retention_days:
            _remove_old(real, _local(now).date() - timedelta(days=retention_days))
    except OSError as error:
        logger.warning("%s: an earlier log cannot be put aside or removed: %s", path, error)


def _local(time: datetime) -> datetime:
    return time.astimezone()


def _rotate(path: Path, today: date) -> None:
    """Rotate by the day of the last line: a run over midnight stays in one file."""
    with suppress(FileNotFoundError), path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # another process may rotate it at the same time
        found = os.fstat(file.fileno())
        last = _local(datetime.fromtimestamp(found.st_mtime, UTC))
        if found.st_size and last.date() < today and os.path.samestat(found, path.stat()):
            path.rename(_free_name(path, last))


def _free_name(path: Path, last: datetime) -> Path:
    for form in (_DAY, _SECOND):
        aside = path.with_name(f"{path.name}.{last.strftime(form)}")
        if not aside.exists():
            return aside
    raise FileExistsError(f"{aside} exists already")


def _remove_old(path: Path, oldest: date) -> None:
    """Remove old logs; one that cannot be removed does not keep the others."""
    errors = []
    for file in path.parent.iterdir():
        day = _day_of(file.name, path.name)
        if day and day < oldest and file.is_file() and not file.is_symlink():
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                errors.append(error)
    if errors:
        raise errors[0]


def _day_of(name: str, log_name: str) -> date | None:
    """The day of a log that was rotated by us or by the original; None for all other files."""
    ending = name.removeprefix(f"{log_name}.")
    if name == ending or not re.fullmatch(
        r"[0-9]{4}(-[0-9]{2}){2}(_[0-9]{2}(-[0-9]{2}){2})?", ending
    ):
        return None
    try:
        return datetime.strptime(ending, _SECOND if "_" in ending else _DAY).astimezone().date()
    except ValueError:
        return None
