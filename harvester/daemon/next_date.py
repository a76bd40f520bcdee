"""The file of ``run-schedule-file``: when the daemon is to harvest next, in the original's format.

It outlives the daemon, so that a run is made up for that was missed while the machine was off.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from shared.atomic_file import write_atomically

_FORMAT = "%Y-%m-%d %H:%M:%S"
"""Local time; one that a change of the clock repeats is the first of the two."""
_LONGEST = 200
"""Bytes of a date, with what an operator may have added."""

logger = logging.getLogger(__name__)


def read_next_date(path: Path, zone: tzinfo) -> datetime | None:
    """None if there is none; what cannot be read is told and counts as none."""
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
    """If it cannot be written, the log says so, and the harvest goes on. A file that is too long
    for a date is something else, and stays."""
    try:
        if path.exists() and path.stat().st_size > _LONGEST:
            logger.error("run-schedule-file %s: holds something else and is left alone", path)
            return
        write_atomically(path, f"{moment.astimezone(zone):{_FORMAT}}\n")
    except OSError as error:
        logger.error("run-schedule-file %s: cannot be written: %s", path, error)  # noqa: TRY400 - the reason is enough
