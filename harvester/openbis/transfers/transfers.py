"""The port through which steps bring files, and the checks that both passes make.

Files have no rollback, so each pass has its own implementation: `RealTransfers` fetches and writes,
`RehearsedTransfers` only checks names, sizes and free space. A step cannot see the difference.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from harvester.openbis.destination.arrivals import Abandoned
from harvester.openbis.destination.file_work import FileEffects
from shared.errors import ItemError
from shared.model.entities import FileNode
from shared.model.kinds import Kind
from shared.paths import safe_relative_path
from shared.store.files import DataStore
from shared.verification import Expected, matches


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedDataSet:
    """A data set and all its files, which are to be brought."""

    code: str
    files: tuple[FileNode, ...]
    # The paths of its empty folders, which are to be made.
    folders: tuple[str, ...] = ()
    # What is here of some of them, by path, and must not be replaced by other bytes.
    guarded: Mapping[str, FileNode] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedContent:
    """The content of an attachment, or a file of the file service.

    ``content`` holds it if the list brought it, else ``href`` says where it is.
    """

    kind: Kind
    perm_id: str
    name: str
    length: int | None
    sha256: str | None
    href: str | None = None
    content: bytes | None = None


# The code of a data set, and why it could not be brought if it could not.
Arrival = tuple[str, ItemError | None]


class Transfers(Protocol):
    """Brings files into the data store, for the steps."""

    def data_sets(self, wanted: Iterable[WantedDataSet]) -> Iterator[Arrival]:
        """Bring whole data sets, in any order. One that has arrived waits for `install` or
        `give_up`."""
        ...

    def install(self, code: str, *, keep: bool) -> None:
        """Put a data set that has arrived in its place, in the writer's lock and in the transaction
        that writes its row. ``keep``: what lies there is set aside. `ItemError`."""
        ...

    def replaces_more(self, code: str, brought: Collection[str] = ()) -> bool:
        """Whether the place of an arrived data set has something that did not come with it, besides
        the ``brought`` files, which are known to be replaceable. A file that was taken over from
        there is one file with two names."""
        ...

    def secure(self) -> Sequence[ItemError]:
        """Sync the installed data sets to the disk before their rows are committed; returns the
        errors of those that could not be synced."""
        ...

    def give_up(self, code: str, *, for_now: bool = False) -> None:
        """Do not install a data set that has arrived; ``for_now``: a later run may."""
        ...

    def settle(self) -> None:
        """After the transaction: remove what was replaced or given up."""
        ...

    def attachment(self, wanted: WantedContent) -> bool:
        """Bring a content, which has a checksum, unless it is here and right; returns whether it
        was brought. A wrong file in its place is set aside. `ItemError`."""
        ...

    def service_file(self, wanted: WantedContent) -> None:
        """Bring a file of the file service; it waits for one of the next two methods.
        `ItemError`."""
        ...

    def put_service_file(self, wanted: WantedContent, modified: float, *, keep: bool) -> None:
        """The same as `install`; the file gets this modification time (seconds since 1970)."""
        ...

    def drop_service_file(self, wanted: WantedContent) -> None:
        """The same as `give_up`."""
        ...

    def service_file_is_strange(self, path: str, sha256: str) -> bool:
        """Whether a file without this content lies in the place."""
        ...

    def set_aside(self) -> str | None:
        """A remark on what was set aside since the last call."""
        ...

    def is_occupied(self, code: str) -> bool:
        """Whether anything lies in the place of a data set."""
        ...

    def abandon(self, one: Abandoned) -> None:
        """Remove what a killed run has half written of a data set, and set aside what lies in its
        place."""
        ...

    @property
    def files(self) -> FileEffects:
        """Moves and removes the files of rows that have changed or are gone."""
        ...


def check_files(wanted: WantedDataSet) -> None:
    """Raises `ItemError` for names that no data store can hold, or that lead out of it."""
    files = [file.path for file in wanted.files]
    for name in (*files, *wanted.folders):
        try:
            safe_relative_path(name)
        except ValueError as error:
            raise ItemError(Kind.DATA_SET, wanted.code, str(error)) from error
    places = [(f"{path}/", False) for path in files]
    places += [(f"{path}/", True) for path in wanted.folders]
    # a file comes before the folder of that name, and the contents of a folder follow it directly
    for (path, is_folder), following in pairwise(sorted(places)):
        if not is_folder and following[0].startswith(path) and following != (path, False):
            reason = f"{path[:-1]!r} is a file and a folder at once"
            raise ItemError(Kind.DATA_SET, wanted.code, reason)


def attachment_name(wanted: WantedContent) -> str:
    """The name of a content in the data store: its checksum. It comes from outside and becomes a
    path."""
    sha256 = wanted.sha256 or ""
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ItemError(wanted.kind, wanted.perm_id, f"{wanted.name}: {sha256!r} is no SHA-256")
    return sha256


def service_path(store: DataStore, wanted: WantedContent) -> Path:
    """The path of a file of the file service. `ItemError` if it would lie outside."""
    try:
        return store.service_file(wanted.name)
    except ValueError as error:
        raise ItemError(wanted.kind, wanted.perm_id, str(error)) from error


def is_right(
    place: Path, length: int | None, sha256: str, moved: Callable[[], None] = lambda: None
) -> bool:
    """Whether a file exists and has this content; the file is read. ``moved`` is called
    meanwhile."""
    try:
        if place.is_symlink() or not place.is_file():
            return False
        expected = place.stat().st_size if length is None else length
        return matches(place, Expected(length=expected, sha256=sha256), moved)
    except OSError:
        return False


def is_occupied(store: DataStore, code: str) -> bool:
    """See `Transfers.is_occupied`."""
    return os.path.lexists(store.data_set_folder(code))


def is_strange(store: DataStore, path: str, sha256: str) -> bool:
    """See `Transfers.service_file_is_strange`."""
    try:
        file = store.service_file(path)
    except ValueError:
        return False  # refused with a reason when it is written
    return os.path.lexists(file) and not is_right(file, None, sha256)
