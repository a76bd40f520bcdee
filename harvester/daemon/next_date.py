"""The file ``run-schedule-file``: the date of the next execution, in the original's format.

It outlives the daemon, so that a run that was missed while the machine was off is made up for.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from shared.atomic_file import write_atomically

# Local time. If a change of the clock repeats it, the first of the two is meant.
_FORMAT = "%Y-%m-%d %H:%M:%S"
# Bytes of a date, with room for blanks and line breaks.
_LONGEST = 200

logger = logging.getLogger(__name__)


def read_next_date(path: Path, zone: tzinfo) -> datetime | None:
    """None without a file. A file that cannot be read counts as none, with a warning."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        logger.warning("run-schedule-file %s: cannot be read: %s", path, error)
        return None
    try:
        return datetime.strptime(text, _FORMAT).replace(tzinfo=zone).astimezone(UTC)
    except ValueError:
        logger.warning("run-schedule-file %s: %r is no date; it counts as none", path, text[:80])
        return None


def write_next_date(path: Path, moment: datetime, zone: tzinfo) -> None:
    """If the file cannot be written, the log says so, and the harvest goes on. A file that is too
    long for a date is left as it is."""
    try:
        if path.exists() and path.stat().st_size > _LONGEST:
            logger.error("run-schedule-file %s: holds something else and is left alone", path)
            return
        write_atomically(path, f"{moment.astimezone(zone):{_FORMAT}}\n")
    except OSError as error:
        logger.error("run-schedule-file %s: cannot be written: %s", path, error)  # noqa: TRY400 - the reason is enough
