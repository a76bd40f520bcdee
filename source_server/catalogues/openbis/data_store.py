"""The data store folder of openBIS: ``<root>/<share>/<location>/<path within the data set>``.

Nothing outside of a data set's own folder is ever named or opened, whatever the database or a
client asks for. A share may be a symbolic link to another disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_NO_NAMES = frozenset({"", ".", ".."})


class OpenBisDataStore:
    """A data store folder; ``root`` is openBIS's ``storeroot-dir``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, share: str | None, location: str) -> Path | None:
        """The folder of a data set; None if it is missing, perhaps because a disk is not mounted.
        Raises OSError if it cannot be read.

        While openBIS moves a data set, the database may name an outdated share: then the other
        shares are searched.
        """
        parts = location.replace("\\", "/").strip("/").split("/")
        if not all(map(_is_name, parts)):
            return None
        for candidate in self._shares(share):
            folder = candidate.joinpath(*parts)
            if folder.is_dir():
                return folder
        return None

    def has_shares(self) -> bool:
        """Whether there is a share; an empty mount point has none."""
        try:
            return any(share.name.isdigit() for share in self.root.iterdir())
        except OSError:
            return False

    def _shares(self, first: str | None) -> Iterator[Path]:
        if first is not None and _is_name(first) and "/" not in first:
            yield self.root / first
        if not self.root.is_dir():
            return
        others = (share for share in self.root.iterdir() if share.name.isdigit())
        yield from sorted(share for share in others if share.name != first)


def file_below(folder: Path, path: str) -> Path | None:
    """The existing regular file with this path below the folder.

    None if it does not exist or lies elsewhere: through ``..``, an absolute path, or a symbolic
    link out of the folder.
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
    """The length of the file that `file_below` finds; None if there is none."""
    file = file_below(folder, path)
    try:
        return file.stat().st_size if file else None
    except OSError:
        return None  # it went away just now


def is_folder_below(folder: Path, path: str) -> bool:
    """Whether this path below the folder is a folder; a symbolic link is none."""
    parts = path.split("/")
    place = folder.joinpath(*parts)
    try:
        return all(map(_is_name, parts)) and place.is_dir() and not place.is_symlink()
    except (OSError, ValueError):
        return False


@dataclass(slots=True)
class Walked:
    """The content of a folder. ``unreadable`` are paths that cannot be listed: unreadable ones, and
    links that lead out of the folder or nowhere."""

    files: list[tuple[str, int]] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def files_below(folder: Path) -> Walked:
    """Path and length of every file below the folder, by path in byte order.

    Links to files within the folder count; linked folders, and links that lead out, do not.
    """
    found = Walked()

    def not_listed(fault: OSError) -> None:
        found.unreadable.append(_below(folder, Path(fault.filename)))

    for place, folders, names in os.walk(folder, onerror=not_listed):
        for file in (Path(place, name) for name in names):
            path = _below(folder, file)
            length = length_below(folder, path)
            if length is not None:
                found.files.append((path, length))
            if length is None or not os.access(file, os.R_OK, effective_ids=True):
                found.unreadable.append(path)
        linked = (linked for name in folders if (linked := Path(place, name)).is_symlink())
        found.unreadable += [_below(folder, each) for each in linked]
    # Names may be no UTF-8: ``encode`` would refuse them, ``os.fsencode`` gives back their bytes.
    found.files.sort(key=lambda each: os.fsencode(each[0]))
    found.unreadable.sort(key=os.fsencode)
    return found


def _below(folder: Path, place: Path) -> str:
    """The path within the folder; a dot for the folder itself."""
    return place.relative_to(folder).as_posix()


def _is_name(part: str) -> bool:
    return part not in _NO_NAMES and "\0" not in part
