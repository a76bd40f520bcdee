"""The key ``run-schedule``: when the daemon harvests, in openBIS's two notations.

``cron:`` and six fields (second, minute, hour, day, month, weekday), of which the second may be
left out; or a list of moments such as ``3.FR 22:15, 1.OCT 5``. Both are in local time. All
parts of a moment must fit, as in openBIS: a day and a weekday must come together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from typing import Annotated

from pydantic import BeforeValidator

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Days of the months.
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_CRON = "cron:"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRule:
    """All moments of which each part is one of these. Monday is weekday 0. ``counter`` 3 takes only
    the third such weekday of a month."""

    seconds: tuple[int, ...] = (0,)
    minutes: tuple[int, ...] = (0,)
    hours: tuple[int, ...]
    days: tuple[int, ...] = tuple(range(1, 32))
    months: tuple[int, ...] = tuple(range(1, 13))
    weekdays: tuple[int, ...] = tuple(range(7))
    counter: int | None = None

    def __post_init__(self) -> None:
        if all(min(self.days) > _LONGEST[month - 1] for month in self.months):
            raise ValueError("that day never comes")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """A field of cron. ``names`` stand for the numbers from ``lowest`` on."""

    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()
    any_marks: tuple[str, ...] = ("*",)


_WEEKDAY = _Field(
    name="weekday", lowest=0, highest=7, names=("sun", *WEEKDAYS[:6]), any_marks=("*", "?")
)
_FIELDS = (
    _Field(name="second", lowest=0, highest=59),
    _Field(name="minute", lowest=0, highest=59),
    _Field(name="hour", lowest=0, highest=23),
    _Field(name="day", lowest=1, highest=31, any_marks=("*", "?")),
    _Field(name="month", lowest=1, highest=12, names=_MONTHS),
    _WEEKDAY,
)

_MOMENT = re.compile(
    r"(?:(?:(?P<counter>\d)\.\s*)?(?P<weekday>mon?|tue?|wed?|thu?|fri?|sat?|sun?)\s+)?"
    r"(?:(?P<day>\d{1,2})(?:[.\s]\s*(?P<month>\d{1,2}|[a-z]{3}))?\.?\s+)?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{1,2}))?",
    re.IGNORECASE,
)
_FORMS = (
    "write cron: and second, minute, hour, day, month, weekday, for example cron: 0 30 2 * * *; or "
    "moments such as 6, 18:30, SAT 1:30, 3.FR 22:15, 1. 5:00, 1.OCT 5:15"
)


def parse_run_schedule(text: str) -> tuple[CalendarRule, ...]:
    """Raises `ValueError`, which says what is wrong and how to write it."""
    try:
        if text.strip().lower().startswith(_CRON):
            return (_cron(text.strip()[len(_CRON) :]),)
        return tuple(_moment(item.strip()) for item in text.split(","))
    except ValueError as error:
        raise ValueError(f"{text!r} is no schedule: {error}; {_FORMS}") from error


def _cron(text: str) -> CalendarRule:
    texts = text.split()
    if len(texts) == len(_FIELDS) - 1:
        texts = ["0", *texts]
    if len(texts) != len(_FIELDS):
        raise ValueError(f"cron has five or six fields, not {len(texts)}")
    seconds, minutes, hours, days, months, weekdays = (
        tuple(sorted(set(_values(item, field)))) for item, field in zip(texts, _FIELDS, strict=True)
    )
    return CalendarRule(
        seconds=seconds,
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=tuple(sorted({(day - 1) % 7 for day in weekdays})),  # cron's begin with Sunday
    )


def _values(text: str, field: _Field) -> Iterator[int]:
    for item in text.split(","):
        found = re.fullmatch(r"([*?]|\w+)(?:-(\w+))?(?:/([0-9]+))?", item)
        if found is None or found[3] == "0":
            raise ValueError(f"{item!r} is no {field.name}")
        if found[1] in field.any_marks and not found[2]:
            first, last = field.lowest, field.highest
        else:
            first = _number(found[1], field)
            last = _number(found[2], field) if found[2] else first
            if found[3] and not found[2]:
                last = field.highest
        if field is _WEEKDAY and last == 0 < first:
            last = 7  # until Sunday
        if first > last:
            raise ValueError(f"{item!r} runs backwards")
        yield from range(first, last + 1, int(found[3] or 1))


def _number(text: str, field: _Field) -> int:
    if text.lower() in field.names:
        return field.names.index(text.lower()) + field.lowest
    if not (text.isascii() and text.isdecimal()) or not field.lowest <= int(text) <= field.highest:
        raise ValueError(f"{text!r} is no {field.name}")
    return int(text)


def _moment(text: str) -> CalendarRule:
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no moment")
    counter = int(found["counter"]) if found["counter"] else None
    if counter is not None and (counter not in range(1, 6) or found["day"]):
        raise ValueError(f"{text!r}: a weekday is counted from 1 to 5, and without a day")
    _, minute, hour, day, month, _ = _FIELDS
    every = CalendarRule(hours=(0,))
    return CalendarRule(
        minutes=(_number(found["minute"] or "0", minute),),
        hours=(_number(found["hour"], hour),),
        days=(_number(found["day"], day),) if found["day"] else every.days,
        months=(_number(found["month"], month),) if found["month"] else every.months,
        weekdays=(_weekday_of(found["weekday"]),) if found["weekday"] else every.weekdays,
        counter=counter,
    )


def _weekday_of(text: str) -> int:
    """The number of a weekday; two letters of its name are enough."""
    return [name[:2] for name in WEEKDAYS].index(text[:2].lower())


def parse_time_of_day(text: str) -> time:
    """Parse ``3:00``. Raises `ValueError`."""
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text.strip(), re.ASCII)
    if found is None:
        raise ValueError(f"{text!r} is no time of the day; write HH:mm, for example 03:00")
    return time(int(found[1]), int(found[2]))


def _schedule(value: object) -> object:
    return parse_run_schedule(value) if isinstance(value, str) else value


def _time_of_day(value: object) -> object:
    return parse_time_of_day(value) if isinstance(value, str) else value


RunSchedule = Annotated[tuple[CalendarRule, ...], BeforeValidator(_schedule)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
