"""The data store folder of openBIS: ``<root>/<share>/<location>/<path within the data set>``.

Nothing outside of a data set's own folder is ever named or opened, whatever the database or a
client says. A share may be a symbolic link to another disk.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from shared.errors import ConfigError

_LOG = logging.getLogger(__name__)

_NO_NAMES = frozenset({"", ".", ".."})


class DataStore:
    """A data store folder; ``root`` is openBIS's ``storeroot-dir``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, share: str | None, location: str) -> Path | None:
        """The folder of a data set; None if it is not there.

        The share that the database names may be out of date for a moment, while openBIS moves a
        data set: then the other shares are searched. Raises `ConfigError` if the whole data store
        is missing, perhaps because a disk is not mounted: that must not look like data sets
        without files.
        """
        if not self.root.is_dir():
            raise ConfigError(f"storeroot-dir: the data store {self.root} is not a folder")
        parts = location.replace("\\", "/").strip("/").split("/")
        if not all(map(_is_name, parts)):
            return None
        for candidate in self._shares(share):
            folder = candidate.joinpath(*parts)
            if folder.is_dir():
                return folder
        return None

    def _shares(self, first: str | None) -> Iterator[Path]:
        if first is not None and _is_name(first) and "/" not in first:
            yield self.root / first
        others = (share for share in self.root.iterdir() if share.name.isdigit())
        yield from sorted(share for share in others if share.name != first)


def file_below(folder: Path, path: str) -> Path | None:
    """The existing regular file of this path below the folder.

    None if it does not exist, or if it lies elsewhere: by ``..``, by being absolute, or because
    a symbolic link leads out of the folder.
    """
    parts = path.split("/")
    if not all(map(_is_name, parts)):
        return None
    try:
        base = folder.resolve(strict=True)
        file = folder.joinpath(*parts).resolve(strict=True)
        return file if file.is_relative_to(base) and file.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None  # not there, not a possible name, or links that run in a circle


def length_below(folder: Path, path: str) -> int | None:
    """The length of such a file; None if there is none."""
    file = file_below(folder, path)
    try:
        return file.stat().st_size if file else None
    except OSError:
        return None  # it went away just now


def files_below(folder: Path) -> list[tuple[str, int]]:
    """Path and length of every file below the folder, by path in byte order.

    Links to files within the folder count; linked folders, and links that lead out, do not. What
    cannot be read is left out, with a warning.
    """
    found = []
    for place, _, names in os.walk(folder, onerror=_report):
        for name in names:
            path = Path(place, name).relative_to(folder).as_posix()
            length = length_below(folder, path)
            if length is not None:
                found.append((path, length))
    return sorted(found, key=lambda each: os.fsencode(each[0]))


def _report(fault: OSError) -> None:
    _LOG.warning("the files in %s are not listed: %s", fault.filename, fault.strerror)


def _is_name(part: str) -> bool:
    return part not in _NO_NAMES and "\0" not in part
