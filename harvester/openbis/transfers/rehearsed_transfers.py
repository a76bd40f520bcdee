"""The transfers of the dry-run pass: checks without writing or fetching."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from harvester.openbis.destination.arrivals import Abandoned
from harvester.openbis.destination.file_work import FileEffects, FileMove
from harvester.openbis.transfers.guard import present_file
from harvester.openbis.transfers.transfers import (
    Arrival,
    WantedContent,
    WantedDataSet,
    attachment_name,
    check_files,
    is_occupied,
    is_strange,
    service_path,
)
from shared.errors import ItemError
from shared.model.entities import FileNode
from shared.model.kinds import Kind
from shared.store.files import DataStore


class RehearsedTransfers:
    """Checks names, sizes, checksums and free space, without writing or fetching."""

    def __init__(self, store: DataStore) -> None:
        self._store = store
        self._wanted = 0

    def data_sets(self, wanted: Iterable[WantedDataSet]) -> Iterator[Arrival]:
        for data_set in wanted:
            try:
                check_files(data_set)
                self._need(data_set.code, sum(map(partial(self._room, data_set), data_set.files)))
            except ItemError as error:
                yield data_set.code, error
            else:
                yield data_set.code, None

    def _room(self, wanted: WantedDataSet, file: FileNode) -> int:
        """Bytes that a file needs. AFS data change often, and most of their files stay the same:
        these are linked."""
        if file.modified is None:
            return file.length
        present = present_file(self._store, wanted.code, file.path)
        same = present and present.stat().st_size == file.length
        return 0 if same else file.length

    def install(self, code: str, *, keep: bool) -> None:
        pass

    def replaces_more(self, _code: str, _brought: Collection[str] = ()) -> bool:
        return False

    def secure(self) -> Sequence[ItemError]:
        return ()

    def give_up(self, code: str, *, for_now: bool = False) -> None:
        pass

    def settle(self) -> None:
        pass

    def attachment(self, wanted: WantedContent) -> bool:
        place = self._store.attachment(attachment_name(wanted))
        if place.is_file() and wanted.length in {None, place.stat().st_size}:
            return False
        self._need(wanted.perm_id, wanted.length or 0, wanted.kind)
        return True

    def service_file(self, wanted: WantedContent) -> None:
        service_path(self._store, wanted)
        self._need(wanted.perm_id, wanted.length or 0, wanted.kind)

    def put_service_file(self, wanted: WantedContent, modified: float, *, keep: bool) -> None:
        pass

    def drop_service_file(self, wanted: WantedContent) -> None:
        pass

    def set_aside(self) -> str | None:
        return None

    def service_file_is_strange(self, path: str, sha256: str) -> bool:
        return is_strange(self._store, path, sha256)

    def is_occupied(self, code: str) -> bool:
        return is_occupied(self._store, code)

    def abandon(self, one: Abandoned) -> None:
        pass

    @property
    def files(self) -> FileEffects:
        return _Still()

    def _need(self, perm_id: str, length: int, kind: Kind = Kind.DATA_SET) -> None:
        """Add up the bytes wanted, and compare them with the free space of the disk."""
        # Before the first real pass, the folder itself may not exist yet.
        free = shutil.disk_usage(_existing(self._store.root)).free
        if self._wanted + length > free:
            reason = (
                f"{length:,} bytes do not fit: {free:,} bytes are free below {self._store.root}, "
                f"of which this run needs {self._wanted:,} for what comes before"
            )
            raise ItemError(kind, perm_id, reason)
        self._wanted += length


class _Still:
    """Moves and removes no file: the rehearsal changes nothing."""

    def remove(self, area: str, name: str) -> None:
        pass

    def move(self, wanted: FileMove) -> None:
        pass

    def deletions(self) -> list[int]:
        return []


def _existing(folder: Path) -> Path:
    return folder if folder.exists() else _existing(folder.parent)
