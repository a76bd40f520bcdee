"""Paths that come from outside, made safe to write to.

A source names the files of its data sets and of its file service. Such a name is data: whatever it
says, nothing may be written outside of the folder it was meant for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

_SURROGATE = re.compile("[\ud800-\udfff]")
"""What no encoding of a file system has."""
_LONGEST_SEGMENT = 255
"""Bytes; what the usual file systems of Linux allow."""


def safe_relative_path(text: str) -> PurePosixPath:
    """The path that ``text`` names below some folder; raises `ValueError` saying what is wrong.

    A name may contain all that Linux and macOS allow: backslashes, colons, line breaks.
    """
    if not text:
        raise ValueError("the path is empty")
    if text.startswith("/"):
        raise ValueError(f"the path {text!r} is absolute")
    if "\0" in text:
        raise ValueError(f"the path {text!r} contains a NUL")
    if _SURROGATE.search(text):
        raise ValueError(f"the path {text!r} contains a surrogate")
    for segment in text.split("/"):
        _check(segment, text)
    return PurePosixPath(text)


def told_with_path(error: Exception, path: Path) -> str:
    """The text of an error, with a path if it is one of the file system that names none: the system
    says that a disk is full, and not which."""
    if isinstance(error, OSError) and error.errno is not None and error.filename is None:
        return f"{error}: {str(path)!r}"
    return str(error)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Errors of the file system that name no path leave with this one."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def _check(segment: str, text: str) -> None:
    if not segment:
        raise ValueError(f"the path {text!r} contains an empty segment")
    if segment in {".", ".."}:
        raise ValueError(f"the path {text!r} contains the segment {segment!r}")
    if len(segment.encode()) > _LONGEST_SEGMENT:
        raise ValueError(f"the path {text!r} contains a segment of over {_LONGEST_SEGMENT} bytes")


def confine(root: Path, relative: PurePosixPath) -> Path:
    """``relative`` below ``root``; raises `ValueError` if a symbolic link leads out of ``root``.

    Neither needs to exist. Links inside of ``root`` that stay inside are allowed.
    """
    path = root / relative
    try:
        inside = path.resolve().is_relative_to(root.resolve())
    except RuntimeError as error:  # how Python up to 3.12 reports a loop
        raise ValueError(f"{path}: symbolic links form a loop") from error
    if not inside:
        raise ValueError(f"{path} leads outside of {root}")
    return path
