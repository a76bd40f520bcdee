"""Lists the files of data sets: from the path-info database, else by a walk through the data store.

What cannot be seen now never counts as absent: a data set says which of its files are unknown, and
why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row

from shared.model.entities import FileNode
from shared.model.kinds import DataSetKind
from shared.model.unknown import Reason, Unknown
from source_server.catalogues.openbis.data_store import (
    OpenBisDataStore,
    files_below,
    is_folder_below,
    length_below,
)
from source_server.catalogues.openbis.listing import Listed, Listing, away
from source_server.catalogues.openbis.path_info import Noted, PathInfo, Rows

# The archiving states in which the files are on the disk.
_AVAILABLE = frozenset({"AVAILABLE", "LOCKED", "BACKUP_PENDING"})
_HDF5 = (".h5", ".h5ar")
# Path info has a CRC-32 as a signed number (openbis-database.md, 4.1), `FileNode` as an unsigned
# one.
_UNSIGNED = 0xFFFFFFFF
# The character by which Java, and so path info, replaces bytes of a file's name that are not UTF-8.
_REPLACEMENT = "\ufffd"
_MUCH_CAN_DIFFER = "openBIS has noted {} bytes, its files have {}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The folder of a data store of openBIS, and its path-info database."""

    store: OpenBisDataStore
    path_info: PathInfo | None = None


class FileLists:
    """Lists the files of data sets, and opens none of them.

    ``others``: places of data stores that differ from the usual one, by their codes.
    """

    def __init__(self, usual: Place, others: Mapping[str, Place] = MappingProxyType({})) -> None:
        self._usual = usual
        self._others = others

    def of_page(self, data_sets: Sequence[Row[Any]]) -> Iterator[Listed]:
        """The files of each of these data sets, which must be in byte order of their codes."""
        with self._noted(data_sets) as noted_of:
            for data_set in data_sets:
                noted = noted_of.get(self._place(data_set).path_info)
                match data_set.data_set_kind:
                    case DataSetKind.PHYSICAL:
                        yield self._of_physical(data_set, noted)
                    case DataSetKind.LINK:
                        yield _of_link(data_set, noted)
                    case _:
                        yield Listed()

    def place_of(self, data_set: Row[Any]) -> Path | Unknown | None:
        """The folder of a data set's files, or the reason if it cannot be seen; None if it has no
        folder of its own."""
        if data_set.location is None:
            return None
        if data_set.status not in _AVAILABLE:
            return away(Reason.ARCHIVED)
        store = self._place(data_set).store
        where = f"data store {data_set.data_store}"
        try:
            folder = store.folder(data_set.share_id, data_set.location)
        except OSError as fault:
            return away(Reason.UNREADABLE, f"{where}: {fault.strerror}")
        return folder or away(Reason.NOT_MOUNTED, where)

    def unseen(self, states: Iterable[Row[Any]]) -> Counter[str]:
        """Counts data sets that cannot be read by the reason, as far as that is known without a
        look at each. ``states``: numbers of data sets by their data store and status."""
        found: Counter[str] = Counter()
        for each in states:
            store = self._place(each).store
            if each.status not in _AVAILABLE:
                found[Reason.ARCHIVED] += each.number
            elif not store.has_shares():
                reason = f"{Reason.NOT_MOUNTED}, data store {each.data_store}: {store.root}"
                found[reason] += each.number
        return found

    def places(self) -> Mapping[str | None, Place]:
        """All places by the codes of their data stores; None is the usual place."""
        return {None: self._usual} | dict(self._others)

    def _place(self, data_set: Row[Any]) -> Place:
        return self._others.get(data_set.data_store, self._usual)

    @contextmanager
    def _noted(self, data_sets: Sequence[Row[Any]]) -> Iterator[Mapping[PathInfo | None, Noted]]:
        """The rows of each path-info database for its data sets of the page."""
        codes: dict[PathInfo, list[str]] = {}
        for row in data_sets:
            path_info = self._place(row).path_info
            if path_info is not None and row.data_set_kind != DataSetKind.CONTAINER:
                codes.setdefault(path_info, []).append(row.code)
        with ExitStack() as stack:
            yield {each: stack.enter_context(each.noted(its)) for each, its in codes.items()}

    def _of_physical(self, data_set: Row[Any], noted: Noted | None) -> Listed:
        place = self.place_of(data_set)
        rows = noted.rows_of(data_set.code) if noted else None
        folder = place if isinstance(place, Path) else None
        listing = Listing(away=place if isinstance(place, Unknown) else None)
        if rows is not None and _take_noted(listing, rows, folder, data_set.size or 0):
            return listing.listed()
        if folder is not None:
            _take_from_folder(listing, folder, data_set.size or 0)
        elif listing.away and noted and (rows is not None or noted.is_empty):
            listing.not_fed()
        return listing.listed()


def _of_link(data_set: Row[Any], noted: Noted | None) -> Listed:
    """The files of a LINK data set lie elsewhere; openBIS may know a list of them."""
    rows = noted.rows_of(data_set.code) if noted else None
    listing, containers = Listing(), _Containers()
    for row in rows or ():
        if row.path and not containers.hold(row.path):
            if row.is_directory and row.crc32 is not None:
                containers.add(row.path)
            if row.crc32 is not None or not row.is_directory:
                listing.add(_node(row, row.length))
    if noted and noted.is_empty:
        listing.away = away(Reason.NOT_FED)
    return listing.listed()


class _Containers(set[str]):
    """Paths of HDF5 containers. Path info has each as a folder, with its inner files below. The
    container is published, since it is the file in the data store."""

    def hold(self, path: str) -> bool:
        return bool(self) and not self.isdisjoint(map(str, PurePosixPath(path).parents))


def _take_noted(listing: Listing, rows: Rows, folder: Path | None, size: int) -> bool:
    """Add the files of the rows; False if the data set is not fed into path info yet.

    Each data set has a row for its folder, with the sum of all bytes below. The data set is not fed
    if this row is missing, or if the row or openBIS knows of bytes but there is no file.
    """
    root: Row[Any] | None = None
    noted, containers = 0, _Containers()
    # Each row comes with the one behind it: what follows a folder tells it from a container.
    for row, following in pairwise(chain(rows, (None,))):
        if row is None or not row.path:
            root = row if row is not None and row.path == "" else None
        elif not containers.hold(row.path):
            if not row.is_directory:
                _take_file(listing, row, folder)
            elif _is_plain_folder(row, following, folder):
                continue
            else:
                _take_container(listing, row, folder)
                containers.add(row.path)
            noted += row.length
    if listing.is_empty:
        return root is not None and not root.length and not size
    if root is not None and noted < root.length:
        listing.incomplete(
            Reason.NOT_FED, f"path info has noted {root.length} bytes, of which it lists {noted}"
        )
    return True


def _take_file(listing: Listing, row: Row[Any], folder: Path | None) -> None:
    if _REPLACEMENT in row.path and folder and length_below(folder, row.path) is None:
        listing.bad_name(row.path)
    else:
        listing.add(_node(row, row.length))


def _take_container(listing: Listing, row: Row[Any], folder: Path | None) -> None:
    """Path info has only the sum of the lengths in a container, so its own length is looked up."""
    length = length_below(folder, row.path) if folder else None
    if length is None:
        listing.withhold(row.path)
    else:
        listing.add(_node(row, length))


def _is_plain_folder(row: Row[Any], following: Row[Any] | None, folder: Path | None) -> bool:
    """Whether a row is a plain folder, not a container. If the data set's folder cannot be seen,
    checksums tell: if openBIS computes them, a container has one, and plain folders have none but
    their files have."""
    if folder is not None:
        return is_folder_below(folder, row.path)
    if row.crc32 is not None or following is None:
        return False
    is_inside = following.path.startswith(f"{row.path}/")
    return is_inside and not following.is_directory and following.crc32 is not None


def _node(row: Row[Any], length: int) -> FileNode:
    return FileNode(
        path=row.path,
        length=int(length),
        crc32=None if row.crc32 is None else row.crc32 & _UNSIGNED,
        checksum=row.checksum or None,
    )


def _take_from_folder(listing: Listing, folder: Path, size: int) -> None:
    """List the files of the folder, without checksums, if path info does not know the data set.

    If the files are shorter together than openBIS has recorded, some were cut; it is not known
    which, so none is listed. Of an HDF5 container, openBIS records the sum of its contents.
    """
    walked = files_below(folder)
    for path, length in walked.files:
        listing.add(FileNode(path=path, length=length))
    listing.unreadable(walked.unreadable)
    if not listing.is_whole or listing.total >= size:
        return
    if not any(path.lower().endswith(_HDF5) for path, _ in walked.files):
        reason = Reason.UNREADABLE if walked.files else Reason.NOT_MOUNTED
        listing.nodes.clear()
        listing.incomplete(reason, _MUCH_CAN_DIFFER.format(size, listing.total))
