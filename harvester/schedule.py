"""When the daemon harvests: the scheduling keys of openBIS's maintenance tasks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from harvester.properties import HarvesterSettings
from shared.errors import ConfigError

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "sec": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "hours": timedelta(hours=1),
    "d": timedelta(days=1),
    "days": timedelta(days=1),
}
"""As openBIS reads them; a number alone counts milliseconds there, and here too."""

_SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The pause between the beginnings of two runs, and when the first one begins."""

    interval: timedelta
    first: datetime
    once: bool = False


def schedule_of(settings: HarvesterSettings, now: datetime) -> Schedule:
    """Raises `ConfigError` with all faults of the scheduling keys. ``now`` is aware, local time."""
    faults: list[str] = []
    if settings.run_schedule:
        faults.append("run-schedule: is not supported yet; use interval and start")
    interval = _duration(settings.interval)
    if interval is None:
        faults.append(
            f"interval: {settings.interval!r} is no duration; write a number and one of "
            f"{', '.join(_UNITS)}, at least 1 s, for example 1 d"
        )
    first = _first(settings.start, now)
    if first is None:
        faults.append(f"start: {settings.start!r} is no time of the day; write HH:mm")
    once = settings.execute_only_once.lower()
    if once not in {"true", "false"}:
        faults.append("execute-only-once: write true or false")
    if faults or interval is None or first is None:
        raise ConfigError(faults)
    return Schedule(interval=interval, first=first, once=once == "true")


def _duration(text: str) -> timedelta | None:
    found = re.fullmatch(r"\s*(\d+)\s*([a-z]*)\s*", text.lower())
    unit = _UNITS.get(found[2] or "ms") if found else None
    if found is None or unit is None:
        return None
    duration = int(found[1]) * unit
    return duration if duration >= _SHORTEST else None


def _first(start: str | None, now: datetime) -> datetime | None:
    """At once, or at the given time of the day: today if it is still to come, else tomorrow."""
    if not start:
        return now
    found = re.fullmatch(r"\s*([01]?\d|2[0-3]):([0-5]\d)\s*", start)
    if found is None:
        return None
    today = now.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
    return today if today >= now else today + timedelta(days=1)
