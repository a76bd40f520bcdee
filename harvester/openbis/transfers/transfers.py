"""Where steps send what is to lie in the data store, and the checks that both passes make.

Files have no rollback, so each pass has an implementation of its own: `RealTransfers` fetches and
writes, `RehearsedTransfers` only looks at names, sizes and free space. No step can tell.
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
    """A data set whose files are to be brought, all of them."""

    code: str
    files: tuple[FileNode, ...]
    guarded: Mapping[str, FileNode] = field(default_factory=dict)
    """What is here of some of them, by path, and must not be replaced by other bytes."""


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


Arrival = tuple[str, ItemError | None]
"""The code of a data set, and why it could not be brought if it could not."""


class Transfers(Protocol):
    """Where the steps send what is to lie in the data store."""

    def data_sets(self, wanted: Iterable[WantedDataSet]) -> Iterator[Arrival]:
        """Bring data sets as a whole, in any order; an arrived one waits aside for `install` or
        `give_up`."""
        ...

    def install(self, code: str, *, keep: bool) -> None:
        """Put a data set that has arrived in its place: in the writer's lock, and in the
        transaction in which its row is written. ``keep``: what lies there is set aside.
        `ItemError`."""
        ...

    def replaces_more(self, code: str, brought: Collection[str] = ()) -> bool:
        """Whether something lies in the place of a data set that has arrived and is not in what has
        come, besides the files that were ``brought``: of those it is known whether they may go.
        What was taken over from there is one file with two names."""
        ...

    def secure(self) -> Sequence[ItemError]:
        """Make it last that these were put in place, before their rows are committed; which of them
        it cannot be said of."""
        ...

    def give_up(self, code: str, *, for_now: bool = False) -> None:
        """A data set that has arrived is not to be put in place; ``for_now``: a later run may."""
        ...

    def settle(self) -> None:
        """After the transaction: remove what was replaced or given up."""
        ...

    def attachment(self, wanted: WantedContent) -> bool:
        """Bring a content, which has a checksum, unless it is here and right; whether it had to be
        brought. What lies in its place and is wrong is set aside. `ItemError`."""
        ...

    def service_file(self, wanted: WantedContent) -> None:
        """Bring a file of the file service; it waits aside for one of the next two. `ItemError`."""
        ...

    def put_service_file(self, wanted: WantedContent, modified: float, *, keep: bool) -> None:
        """The same as `install`; the file gets a time (seconds since 1970)."""
        ...

    def drop_service_file(self, wanted: WantedContent) -> None:
        """The same as `give_up`."""
        ...

    def service_file_is_strange(self, path: str, sha256: str) -> bool:
        """Whether something lies there that does not have this content."""
        ...

    def set_aside(self) -> str | None:
        """What operators should know of that which was set aside since this was asked last."""
        ...

    def is_occupied(self, code: str) -> bool:
        """Whether anything lies in the place of a data set."""
        ...

    def abandon(self, one: Abandoned) -> None:
        """Remove what a killed run has half written of it, and set aside what lies in its place."""
        ...

    @property
    def files(self) -> FileEffects:
        """Moves and removes files whose rows have changed or are gone."""
        ...


def check_files(wanted: WantedDataSet) -> None:
    """Raises `ItemError` for names that no data store can hold, or that lead out of it."""
    for file in wanted.files:
        try:
            safe_relative_path(file.path)
        except ValueError as error:
            raise ItemError(Kind.DATA_SET, wanted.code, str(error)) from error
    paths = sorted(f"{file.path}/" for file in wanted.files)
    for path, following in pairwise(paths):  # what lies in a folder follows it at once
        if following.startswith(path) and following != path:
            reason = f"{path[:-1]!r} is a file and a folder at once"
            raise ItemError(Kind.DATA_SET, wanted.code, reason)


def attachment_name(wanted: WantedContent) -> str:
    """The checksum by which the content lies here; it is data from outside, and becomes a path."""
    sha256 = wanted.sha256 or ""
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ItemError(wanted.kind, wanted.perm_id, f"{wanted.name}: {sha256!r} is no SHA-256")
    return sha256


def service_path(store: DataStore, wanted: WantedContent) -> Path:
    """Where a file of the file service is to lie. `ItemError` if that would be outside."""
    try:
        return store.service_file(wanted.name)
    except ValueError as error:
        raise ItemError(wanted.kind, wanted.perm_id, str(error)) from error


def is_right(
    place: Path, length: int | None, sha256: str, moved: Callable[[], None] = lambda: None
) -> bool:
    """Whether a file lies in a place, and has a content: it is read. ``moved`` is called on the
    way."""
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
        return False  # refused when it is written, with the reason
    return os.path.lexists(file) and not is_right(file, None, sha256)
