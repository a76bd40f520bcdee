"""The files of data sets: from the path-info database, else by a walk through the data store."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Engine, Row, TextClause

from shared.model.entities import FileNode
from shared.model.kinds import DataSetKind
from source_server.openbis.connect import snapshot
from source_server.openbis.data_store import DataStore, files_below, length_below
from source_server.openbis.texts import is_publishable

_LOG = logging.getLogger(__name__)

_AVAILABLE = frozenset({"AVAILABLE", "LOCKED", "BACKUP_PENDING"})
_UNSIGNED = 0xFFFFFFFF
_ROWS_AT_ONCE = 2000

_Noted = Iterator[tuple[str, Iterable[Row[Any]]]]
"""Data sets that the path-info database knows, by code in byte order, each with its rows."""

_NO_MORE: tuple[str, Iterable[Row[Any]]] = ("", ())


@dataclass(frozen=True, slots=True, kw_only=True)
class PathInfo:
    """A path-info database: what openBIS noted about the files of each data set."""

    engine: Engine
    query: TextClause

    @contextmanager
    def noted(self, codes: Sequence[str]) -> Iterator[_Noted]:
        """Reads row by row: a data set may have a million files, and a page many data sets."""
        with (
            snapshot(self.engine) as connection,
            connection.execute(
                self.query, {"codes": codes}, execution_options={"yield_per": _ROWS_AT_ONCE}
            ) as rows,
        ):
            yield groupby(rows, lambda row: str(row.code))


class FileLists:
    """Lists the files of data sets; reads none of them."""

    def __init__(self, store: DataStore, path_info: PathInfo | None) -> None:
        self._store = store
        self._path_info = path_info

    def of_page(self, data_sets: Sequence[Row[Any]]) -> Iterator[tuple[FileNode, ...]]:
        """The files of each of these data sets, which come by code in byte order."""
        with self._noted(data_sets) as noted:
            code, rows = next(noted, _NO_MORE)
            for data_set in data_sets:
                if data_set.code == code:
                    yield tuple(self._from_path_info(data_set, rows))
                    code, rows = next(noted, _NO_MORE)
                else:
                    yield tuple(self._from_folder(data_set))

    def folder_of(self, data_set: Row[Any]) -> Path | None:
        """Where the files of a data set lie; None if it has none of its own, if it is archived,
        or if its folder is missing."""
        if data_set.location is None or data_set.status not in _AVAILABLE:
            return None
        return self._store.folder(data_set.share_id, data_set.location)

    @contextmanager
    def _noted(self, data_sets: Sequence[Row[Any]]) -> Iterator[_Noted]:
        codes = [row.code for row in data_sets if row.data_set_kind != DataSetKind.CONTAINER]
        if self._path_info is None or not codes:
            yield iter(())
        else:
            with self._path_info.noted(codes) as noted:
                yield noted

    def _from_path_info(self, data_set: Row[Any], rows: Iterable[Row[Any]]) -> Iterator[FileNode]:
        """openBIS notes an HDF5 container as a folder, with its inner files below: what is
        published is the container, since that is what lies in the data store."""
        containers: set[PurePosixPath] = set()
        for row in rows:
            if row.path is None or not containers.isdisjoint(PurePosixPath(row.path).parents):
                continue
            length = self._length_of_container(data_set, row) if row.is_directory else row.length
            if length is None or not _can_be_listed(data_set, row.path):
                continue
            if row.is_directory:
                containers.add(PurePosixPath(row.path))
            yield FileNode(
                path=row.path,
                length=length,
                crc32=None if row.crc32 is None else row.crc32 & _UNSIGNED,
                checksum=row.checksum or None,
            )

    def _length_of_container(self, data_set: Row[Any], row: Row[Any]) -> int | None:
        """None if the row is of a plain folder. A container has a CRC-32, if openBIS computes
        them, and is a file in the data store. Its noted length is only the sum of what is in it."""
        folder = self.folder_of(data_set)
        length = length_below(folder, row.path) if folder else None
        if length is None and row.crc32 is not None:
            return int(row.length)
        return length

    def _from_folder(self, data_set: Row[Any]) -> Iterator[FileNode]:
        """Where path info knows nothing yet, or there is none; without any checksum."""
        if data_set.data_set_kind != DataSetKind.PHYSICAL or data_set.status not in _AVAILABLE:
            return
        folder = self.folder_of(data_set)
        if folder is None:
            _LOG.warning(
                "DATA_SET %s is listed without files: there is neither path info nor its folder",
                data_set.code,
            )
            return
        for path, length in files_below(folder):
            if _can_be_listed(data_set, path):
                yield FileNode(path=path, length=length)


def _can_be_listed(data_set: Row[Any], path: str) -> bool:
    """A name must not be changed, so a file whose name XML cannot carry is left out."""
    if is_publishable(path):
        return True
    _LOG.warning(
        "DATA_SET %s: the file %r is not listed, since its name has characters that XML forbids",
        data_set.code,
        path,
    )
    return False
