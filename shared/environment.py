"""The process environment of both programs: checked and set once, at the start.

docs/operations.md lists all variables. Those of one connection (``PG...``, proxies, certificates)
are handled where it is made.
"""

from __future__ import annotations

import io
import os
import re
import struct
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tzlocal import get_localzone

from shared.errors import ConfigError

# Harvested data are readable for the program's user and group only.
UMASK = 0o027

_QUOTES = "\"' \t\r\n"
_POSIX = re.compile(r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)[+-]?[0-9]")
# What tzlocal and zoneinfo raise for names and files that are no time zones.
_UNREADABLE_ZONE = (
    OSError,
    ValueError,
    LookupError,  # `ZoneInfoNotFoundError` is one
    ArithmeticError,
    AssertionError,
    MemoryError,
    struct.error,
)


def prepare(environ: Mapping[str, str] = os.environ) -> None:
    """Call once, before anything is written. Raises `ConfigError` with all faults, each naming its
    variable."""
    os.umask(os.umask(UMASK) | UMASK)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that the terminal lacks is no fault
            stream.reconfigure(errors="backslashreplace")
    _clean_time_zone()
    if faults := list(environment_faults(environ)):
        raise ConfigError(faults)


def environment_faults(environ: Mapping[str, str]) -> Iterator[str]:
    """Faults that the program cannot correct."""
    try:
        local_zone(environ)
    except ConfigError as error:
        yield from error.faults
    if (encoding := sys.getfilesystemencoding()).lower().replace("_", "-") != "utf-8":
        variable = next((v for v in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(v)), "LANG")
        yield (
            f"environment variable {variable}={environ.get(variable, '')}: names of files would be "
            f"written as {encoding}; set LC_ALL=C.UTF-8, or PYTHONUTF8=1"
        )
    yield from _temporary_faults(environ)


def local_zone(environ: Mapping[str, str] = os.environ) -> tzinfo:
    """The time zone of this machine: ``TZ`` in any form that the system accepts, else the system's.
    Raises `ConfigError`."""
    given = environ.get("TZ", "").strip(_QUOTES)
    try:
        return _named_zone(given.removeprefix(":")) if given else get_localzone()
    except _UNREADABLE_ZONE as error:
        where = f"environment variable TZ={environ['TZ']}" if given else "the machine's time zone"
        raise ConfigError(
            f"{where}: is not known ({error}); set TZ to a name such as Europe/Zurich, or to UTC"
        ) from error


def _named_zone(name: str) -> tzinfo:
    if name.startswith("/"):
        with Path(name).open("rb") as file:
            return ZoneInfo.from_file(file, key=name)
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        if _POSIX.match(name):
            return _posix_zone(name)
        raise


def _posix_zone(rule: str) -> tzinfo:
    """``UTC0``, ``GMT+12`` or ``CET-1CEST,M3.5.0,M10.5.0/3``, read as the system does: like the
    last line of a time zone file."""
    counts = struct.pack(">4sc15x6l", b"TZif", b"2", 0, 0, 0, 0, 1, 4)
    types = struct.pack(">lbB", 0, 0, 0) + b"UTC\0"
    footer = b"\n" + rule.encode("ascii") + b"\n"
    return ZoneInfo.from_file(io.BytesIO((counts + types) * 2 + footer), key=rule)


def _clean_time_zone() -> None:
    """Removes quotes, which compose files pass on."""
    given = os.environ.get("TZ", "")
    if given != (clean := given.strip(_QUOTES)):
        os.environ["TZ"] = clean
        time.tzset()


def _temporary_faults(environ: Mapping[str, str]) -> Iterator[str]:
    for variable in ("TMPDIR", "SQLITE_TMPDIR"):
        folder = environ.get(variable)
        if folder and not (Path(folder).is_dir() and os.access(folder, os.W_OK | os.X_OK)):
            yield (
                f"environment variable {variable}={folder}: is no folder in which this program's "
                "user may write; create it, or unset the variable"
            )
    try:
        tempfile.gettempdir()
    except FileNotFoundError as error:
        yield f"environment variable TMPDIR: {error.strerror}; set it to a folder for such files"
