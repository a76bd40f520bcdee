"""Durations, sizes, limits and addresses in settings, as openBIS and operators write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator

# openBIS's units. A number alone counts seconds, as there.
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "msec": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "sec": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "hours": timedelta(hours=1),
    "d": timedelta(days=1),
    "days": timedelta(days=1),
}

_SIZES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def parse_duration(text: str) -> timedelta:
    """Parse ``1 d``, ``12 h``, ``30 min``. Raises `ValueError`."""
    found = re.fullmatch(r"\s*(\d{1,15})\s*([a-z]*)\s*", text.lower(), re.ASCII)
    unit = _UNITS.get(found[2] or "s") if found else None
    if found is None or unit is None:
        raise ValueError(
            f"{text!r} is no duration; write a number and one of "
            f"{', '.join(_UNITS)}, for example 1 d"
        )
    try:
        return int(found[1]) * unit
    except OverflowError as error:
        raise ValueError(f"{text!r} is longer than anything lasts") from error


def parse_size(text: str) -> int:
    """Parse ``512``, ``512k``, ``20 MB``, ``1.5 GiB`` as bytes; units are powers of 1024. Raises
    `ValueError`."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", text.lower(), re.ASCII)
    if found is None:
        raise ValueError(f"{text!r} is no size; write a number and k, M, G or T, for example 20 G")
    return round(float(found[1]) * _SIZES[found[2]])


class LogFormat(StrEnum):
    """The format of a log: lines for people, or a JSON object in each line."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Limit:
    """A count and a part of all. The limit is exceeded if both are, or the only one that is given.

    Both together fit small and large instances: a count alone stops large ones too early, a part
    alone stops small ones.
    """

    count: int | None
    # A fraction of 1.
    part: float | None

    def is_exceeded(self, number: int, of: int) -> bool:
        too_many = self.count is None or number > self.count
        too_large_a_part = self.part is None or number > self.part * of
        return too_many and too_large_a_part

    def __str__(self) -> str:
        count = None if self.count is None else f"{self.count:,}"
        part = None if self.part is None else f"{self.part * 100:g} %"
        return " and ".join(text for text in (count, part) if text)


def parse_limit(text: str) -> Limit:
    """Parse ``1000, 10 %``, ``1000`` or ``10 %``. Raises `ValueError`."""
    found = re.fullmatch(r"(\d+)|(?:(\d+)\s*[,\s]\s*)?(\d+(?:\.\d+)?)\s*%", text.strip(), re.ASCII)
    if found is None:
        raise ValueError(f"{text!r} is no limit; write a number, a part, or both: 1000, 10 %")
    count, part = found[1] or found[2], float(found[3]) / 100 if found[3] else None
    if part is not None and part > 1:
        raise ValueError(f"{text!r}: a part is at most 100 %")
    return Limit(count=int(count) if count else None, part=part)


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where a program listens; port 0 takes any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen_address(text: str) -> ListenAddress:
    """Parse ``127.0.0.1:9090``, ``[::1]:9090`` or ``:9090`` for this machine alone. Raises
    `ValueError`."""
    found = re.fullmatch(
        r"(?:\[([0-9a-fA-F:.]+)\]|([^\s:\[\]]*)):(\d{1,5})", text.strip(), re.ASCII
    )
    if found is None or int(found[3]) > 65535:  # noqa: PLR2004 - the highest port
        raise ValueError(f"{text!r} is no address; write host:port, for example 127.0.0.1:9090")
    return ListenAddress(found[1] or found[2] or "127.0.0.1", int(found[3]))


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _positive_duration(value: object) -> object:
    duration = _duration(value)
    if isinstance(duration, timedelta) and duration < timedelta(seconds=1):
        raise ValueError(f"{value!r} is too short; at least 1 s")
    return duration


def _durations(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(parse_duration(item) for item in value.split(",") if item.strip())


def _size(value: object) -> object:
    return parse_size(value) if isinstance(value, str) else value


def _limit(value: object) -> object:
    return parse_limit(value) if isinstance(value, str) else value


def _listen_address(value: object) -> object:
    return parse_listen_address(value) if isinstance(value, str) else value


# At least a second.
PositiveDuration = Annotated[timedelta, BeforeValidator(_positive_duration)]
Durations = Annotated[tuple[timedelta, ...], BeforeValidator(_durations)]
Size = Annotated[int, BeforeValidator(_size)]
LimitSetting = Annotated[Limit, BeforeValidator(_limit)]
Listen = Annotated[ListenAddress, BeforeValidator(_listen_address)]
