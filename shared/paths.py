"""Makes paths from outside safe to write to.

A source names the files of its data sets and of its file service. No name may lead out of the
folder that it is meant for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

# Half characters, which no file system can encode.
_SURROGATE = re.compile("[\ud800-\udfff]")
# Bytes; the limit of the usual file systems of Linux.
_LONGEST_SEGMENT = 255


def safe_relative_path(text: str) -> PurePosixPath:
    """The relative path named by ``text``; raises `ValueError` saying what is wrong.

    A name may contain everything that Linux and macOS allow: backslashes, colons, line breaks.
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
    """The text of an error, with the path if an error of the file system lacks it: the system says
    that a disk is full, but not which."""
    if isinstance(error, OSError) and error.errno is not None and error.filename is None:
        return f"{error}: {str(path)!r}"
    return str(error)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Adds this path to errors of the file system that name none."""
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

    Neither has to exist. Links that stay inside ``root`` are allowed.
    """
    path = root / relative
    try:
        inside = path.resolve().is_relative_to(root.resolve())
    except RuntimeError as error:  # how Python up to 3.12 reports a loop
        raise ValueError(f"{path}: symbolic links form a loop") from error
    if not inside:
        raise ValueError(f"{path} leads outside of {root}")
    return path
