"""Limits of bandwidth, by the time of day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time
from typing import Annotated

from pydantic import BeforeValidator

from shared.settings.quantities import parse_size

_ADVICE = "write a size for a second (10 M), or a time table: 08:00,512k 19:00,off"


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """A timetable. Each entry holds from its time of day to the next entry, the last one also until
    the first. None is no limit."""

    entries: tuple[tuple[time, int | None], ...]

    def at(self, moment: time) -> int | None:
        """Bytes per second at a local time of day; None if there is no limit then."""
        begun = [limit for begin, limit in self.entries if begin <= moment]
        return begun[-1] if begun else self.entries[-1][1]


def parse_bandwidth(text: str) -> Bandwidth:
    """Parse ``10 M``, or ``08:00,512k 19:00,off``. Raises `ValueError`."""
    if "," not in text and not re.search(r"\d:\d", text):
        return Bandwidth(((time(), _rate(text)),))
    entries: dict[time, int | None] = {}
    for item in text.split():
        found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d),(\S+)", item, re.ASCII)
        if found is None:
            raise ValueError(f"{item!r} is no entry of a time table; {_ADVICE}")
        begin = time(int(found[1]), int(found[2]))
        if begin in entries:
            raise ValueError(f"{begin:%H:%M} stands twice in the time table")
        entries[begin] = _rate(found[3])
    return Bandwidth(tuple(sorted(entries.items(), key=lambda entry: entry[0])))


def _rate(text: str) -> int | None:
    if text.strip().lower() == "off":
        return None
    try:
        rate = parse_size(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no bandwidth; {_ADVICE}") from error
    if rate == 0:
        raise ValueError("0 would stop everything; write off for no limit")
    return rate


def _bandwidth(value: object) -> object:
    return parse_bandwidth(value) if isinstance(value, str) else value


BandwidthSetting = Annotated[Bandwidth, BeforeValidator(_bandwidth)]
