"""Lists the files of AFS data, from the folders of their owners.

A folder that is missing never counts as an empty one: the service makes the row of AFS data with
the first file that is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Row, text

from shared.model.entities import FileNode
from shared.model.limits import EARLIEST, LATEST
from shared.model.unknown import Reason, Unknown
from source_server.catalogues.openbis.afs_checksums import ComputedSums, cached_md5
from source_server.catalogues.openbis.afs_folder import Content, Seen, content_of, is_content
from source_server.catalogues.openbis.files import FileLists
from source_server.catalogues.openbis.listing import Listing, away
from source_server.catalogues.openbis.path_info import Noted, PathInfo
from source_server.catalogues.openbis.queries_files import with_times
from source_server.catalogues.openbis.texts import is_publishable

_UNSIGNED = 0xFFFFFFFF
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# In milliseconds since then.
_EARLIEST, _LATEST = ((edge - _EPOCH) // timedelta(milliseconds=1) for edge in (EARLIEST, LATEST))
_UNSTEADY = "it was written to again and again while it was listed"
_WITHOUT_FILES = "openBIS has noted {} bytes, there is no file"


@dataclass(frozen=True, slots=True, kw_only=True)
class AfsListed:
    """The files of an owner. ``changed`` is the latest change of its files and folders, rounded up
    to whole seconds; `EARLIEST` if they were not seen."""

    files: tuple[FileNode, ...]
    unknown: tuple[Unknown, ...]
    empty_folders: tuple[str, ...] = ()
    changed: datetime = EARLIEST


class AfsFileLists:
    """Lists files, each owner's by one look at its folder.

    Path info is asked only about sealed owners: it does not hear when files of others change.
    ``sums``: computes the checksums that are not known; None: these files are listed without.
    """

    def __init__(self, file_lists: FileLists, sums: ComputedSums | None) -> None:
        self._file_lists = file_lists
        self._sums = sums

    def place_of(self, data: Row[Any]) -> Path | Unknown:
        """The folder of an owner, or the reason if it cannot be seen."""
        place = self._file_lists.place_of(data)
        return place or away(Reason.NOT_MOUNTED, f"data store {data.data_store}")

    def of_page(self, page: Sequence[Row[Any]]) -> Iterator[AfsListed]:
        """The files of each of these owners, which must be in byte order of their perm ids."""
        with self._noted(page) as noted_of:
            for data in page:
                noted = noted_of.get(self._path_info(data)) if data.sealed else None
                rows = noted.rows_of(data.perm_id) if noted else None
                place = self.place_of(data)
                if isinstance(place, Unknown):
                    yield _only_noted(place, rows or ())
                else:
                    yield self._of_folder(place, rows or (), data.size or 0)

    def _path_info(self, data: Row[Any]) -> PathInfo | None:
        places = self._file_lists.places()
        return places.get(data.data_store, places[None]).path_info

    @contextmanager
    def _noted(self, page: Sequence[Row[Any]]) -> Iterator[Mapping[PathInfo | None, Noted]]:
        """The rows of each path-info database for its sealed owners of the page."""
        perm_ids: defaultdict[PathInfo, list[str]] = defaultdict(list)
        for data in page:
            path_info = self._path_info(data)
            if data.sealed and path_info is not None:
                perm_ids[path_info].append(data.perm_id)
        with ExitStack() as stack:
            yield {
                each: stack.enter_context(_timed(each).noted(its)) for each, its in perm_ids.items()
            }

    def _of_folder(self, folder: Path, rows: Iterable[Row[Any]], size: int) -> AfsListed:
        content, listing = content_of(folder), Listing()
        lost = self._take_files(listing, folder, content, rows)
        listing.unreadable(sorted(content.unreadable + lost))
        if size and not content.files:
            listing.incomplete(Reason.NOT_MOUNTED, _WITHOUT_FILES.format(size))
        if not content.is_steady:
            listing.incomplete(Reason.UNREADABLE, _UNSTEADY)
        for path in content.empty_folders:
            if not is_publishable(path):
                listing.bad_name(path)
        listed = listing.listed()
        return AfsListed(
            files=listed.files,
            unknown=listed.unknown,
            empty_folders=tuple(filter(is_publishable, content.empty_folders)),
            changed=_whole_seconds(content.changed_ns),
        )

    def _take_files(
        self, listing: Listing, folder: Path, content: Content, rows: Iterable[Row[Any]]
    ) -> list[str]:
        """Add the files. Returns the paths of those that path info has noted and that are not, or
        no longer of their length, in the folder: what is sealed does not change."""
        noted = {row.path: row for row in rows if _is_noted_file(row)}
        cut = []
        for seen in content.files:
            row = noted.pop(seen.path, None)
            if row is not None and row.length != seen.length:
                cut.append(seen.path)
                continue
            checksum = row.checksum if row is not None else None
            crc32 = _crc32(row)
            if not checksum and (crc32 is None or seen.has_cache):
                checksum = self._md5(folder, seen)
            listing.add(_node(seen, crc32, checksum))
        # What is noted below a file lies within an HDF5 container: it is there with the container.
        files = {seen.path for seen in content.files} if noted else set()
        return cut + [path for path in noted if files.isdisjoint(_above(path))]

    def _md5(self, folder: Path, seen: Seen) -> str | None:
        digits = cached_md5(folder, seen) if seen.has_cache else None
        if digits is None and self._sums is not None:
            digits = self._sums.md5(folder, seen)
        return f"MD5:{digits}" if digits else None


def _only_noted(place: Unknown, rows: Iterable[Row[Any]]) -> AfsListed:
    """The files as path info has noted them, of an owner whose folder cannot be seen now. What may
    be an HDF5 container is left out: its own length is not known."""
    listing, containers = Listing(away=place), set[str]()
    for row in rows:
        if not row.path or not is_content(row.path) or not containers.isdisjoint(_above(row.path)):
            continue
        if row.is_directory:
            containers.add(row.path)
            listing.withhold(row.path)
        else:
            seen = Seen(row.path, row.length, _nanoseconds(row.last_modified), has_cache=False)
            listing.add(_node(seen, _crc32(row), row.checksum))
    listed = listing.listed()
    return AfsListed(files=listed.files, unknown=listed.unknown)


def _is_noted_file(row: Row[Any]) -> bool:
    return bool(row.path) and not row.is_directory and is_content(row.path)


def _above(path: str) -> Iterator[str]:
    """The paths of the folders above; path info has files within HDF5 containers, too."""
    return (str(each) for each in PurePosixPath(path).parents)


def _crc32(row: Row[Any] | None) -> int | None:
    return None if row is None or row.crc32 is None else row.crc32 & _UNSIGNED


def _node(seen: Seen, crc32: int | None, checksum: str | None) -> FileNode:
    return FileNode(
        path=seen.path,
        length=int(seen.length),
        crc32=crc32,
        checksum=checksum or None,
        modified=_moment(seen.modified_ns // 1_000_000),
    )


def _timed(path_info: PathInfo) -> PathInfo:
    return replace(path_info, query=text(with_times(path_info.query.text)))


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1_000


def _whole_seconds(changed_ns: int) -> datetime:
    """The time, rounded up (`source_server.catalogues.openbis.afs` says why)."""
    return _moment(-(-changed_ns // 1_000_000_000) * 1_000)


def _moment(milliseconds: int) -> datetime:
    """The nearest time that a list can carry: file systems have later ones, too."""
    return _EPOCH + timedelta(milliseconds=min(max(milliseconds, _EARLIEST), _LATEST))
