"""Timestamps on the wire: UTC, whole seconds, ``Z`` (wire-format.md, 1.5); those of files may have
milliseconds."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

_SHAPE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
).fullmatch

_HOURS = tuple(f"T{number:02}:" for number in range(24))
_MINUTES = tuple(f"{number:02}:" for number in range(60))
_SECONDS = tuple(f"{number:02}Z" for number in range(60))


class _Days(dict[int, str]):
    """ISO dates by their ordinals: a cache, since numbers are slow to format and days are few."""

    _MOST = 100_000

    def __missing__(self, ordinal: int) -> str:
        if len(self) >= self._MOST:
            self.clear()
        day = self[ordinal] = date.fromordinal(ordinal).isoformat()
        return day


_DAYS = _Days()


def format_timestamp(moment: datetime) -> str:
    """``2024-03-05T09:14:07Z``; fractions are cut off, not rounded. The moment must be aware."""
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise ValueError(f"{moment} has no time zone; give an aware datetime")
        moment = moment.astimezone(UTC)
    day = _DAYS[moment.toordinal()]
    return f"{day}{_HOURS[moment.hour]}{_MINUTES[moment.minute]}{_SECONDS[moment.second]}"


def optional_timestamp(moment: datetime | None) -> str | None:
    """Like `format_timestamp`, where the moment may be unknown."""
    return None if moment is None else format_timestamp(moment)


def format_file_time(moment: datetime) -> str:
    """``2024-03-05T09:14:07.123Z``; without a fraction if there are no milliseconds. What is finer
    is cut off."""
    seconds = format_timestamp(moment)
    milliseconds = moment.microsecond // 1000
    return f"{seconds[:-1]}.{milliseconds:03}Z" if milliseconds else seconds


def parse_timestamp(text: str) -> datetime:
    """The moment in UTC, cut to whole seconds.

    Version 1 writes ``+00:00`` for ``Z``. Other offsets are read correctly, although the original's
    own harvester drops them. A text without a zone is read as UTC. ValueError says what is wrong.
    """
    moment = _parsed(text)
    return moment.replace(microsecond=0) if moment.microsecond else moment


def parse_file_time(text: str) -> datetime:
    """The same, cut to milliseconds."""
    moment = _parsed(text)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _parsed(text: str) -> datetime:
    if _SHAPE(text) is None:
        raise ValueError(f"{text!r} is no timestamp such as 2024-03-05T09:14:07Z")
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not UTC:
            zone = moment.tzinfo
            moment = moment.astimezone(UTC) if zone else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is no timestamp: {error}") from error
    return moment
