"""The transfers of the real pass: fetched from the source, verified, and put in place whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from harvester.config import SectionConfig
from harvester.source import Source
from harvester.transfers import (
    Arrival,
    WantedContent,
    WantedDataSet,
    attachment_name,
    check_files,
    is_here,
    is_strange,
    service_path,
)
from shared.atomic_file import write_atomically, written_aside
from shared.errors import ItemError, SourceError
from shared.model.entities import FileNode
from shared.model.kinds import Kind
from shared.store.files import DataStore
from shared.verification import Expected, VerificationError, matches


@dataclass(slots=True)
class _Arriving:
    """A data set on its way."""

    wanted: WantedDataSet
    folder: Path
    missing: int
    error: ItemError | None = field(default=None)


class RealTransfers:
    """Fetches from the source, ``max-threads`` files at a time, and writes to the data store.

    A file that comes with other bytes than announced is asked for ``retries-on-failure`` times
    more; the source itself repeats what fails on the way.
    """

    def __init__(self, store: DataStore, source: Source, config: SectionConfig) -> None:
        self._store = store
        self._source = source
        self._threads = config.max_threads
        self._retries = config.retries_on_failure

    def data_sets(self, wanted: Iterable[WantedDataSet]) -> Iterator[Arrival]:
        self._store.clear_temporary()
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="transfer")
        try:
            yield from self._arrivals(wanted, pool)
        finally:
            pool.shutdown(cancel_futures=True)

    def _arrivals(
        self, wanted: Iterable[WantedDataSet], pool: ThreadPoolExecutor
    ) -> Iterator[Arrival]:
        """Keep twice as many files on their way as there are threads, over data set borders."""
        tasks = self._tasks(wanted)
        flying: dict[Future[None], _Arriving] = {}
        while True:
            window = list(islice(tasks, 2 * self._threads - len(flying)))
            for arriving, task in window:
                if isinstance(task, ItemError):
                    yield arriving.wanted.code, task
                else:
                    flying[pool.submit(self._fetch, arriving, task)] = arriving
            if not flying and not window:  # a window may hold nothing but refused data sets
                return
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                arriving = flying.pop(future)
                future.result()
                arriving.missing -= 1
                if arriving.missing == 0:
                    yield self._finish(arriving)

    def _tasks(
        self, wanted: Iterable[WantedDataSet]
    ) -> Iterator[tuple[_Arriving, FileNode | ItemError]]:
        for data_set in wanted:
            arriving = _Arriving(data_set, Path(), len(data_set.files))
            try:
                check_files(data_set)
                arriving.folder = self._store.new_data_set(data_set.code)
            except ItemError as error:
                yield arriving, error
                continue
            except OSError as error:
                reason = f"there is no place to download it to: {error}"
                yield arriving, ItemError(Kind.DATA_SET, data_set.code, reason)
                continue
            if not data_set.files:
                arriving.missing = 1
                yield arriving, FileNode(path="", length=0)
            for file in data_set.files:
                yield arriving, file

    def _fetch(self, arriving: _Arriving, file: FileNode) -> None:
        if arriving.error or not file.path:
            return  # the data set failed already, or has no files at all
        code = arriving.wanted.code
        target = arriving.folder / file.path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not self._take_over(code, file, target):
                self._download(code, file, target)
        except (VerificationError, SourceError, OSError) as error:
            arriving.error = ItemError(Kind.DATA_SET, code, f"file {file.path}: {error}")

    def _take_over(self, code: str, file: FileNode, target: Path) -> bool:
        """Use what lies in the place of the data set already, if it is the same by checksum: an
        unchanged file of a changed data set, or one that a killed run had brought."""
        present = self._store.data_set_file(code, file.path)
        if not present.is_file() or not matches(present, _expected(file)):
            return False
        target.hardlink_to(present)
        return True

    def _download(self, code: str, file: FileNode, target: Path) -> None:
        for left in range(self._retries, -1, -1):
            url = file.href or self._source.session_file_url(code, file.path)
            try:
                self._source.download(
                    url, target, length=file.length, crc32=file.crc32, checksum=file.checksum
                )
            except VerificationError:
                if not left:
                    raise
            else:
                return

    def _finish(self, arriving: _Arriving) -> Arrival:
        code = arriving.wanted.code
        try:
            if arriving.error is None:
                self._store.install_data_set(code, arriving.folder)
        except OSError as error:
            arriving.error = ItemError(Kind.DATA_SET, code, f"cannot be put in place: {error}")
        finally:
            shutil.rmtree(arriving.folder, ignore_errors=True)
        return code, arriving.error

    def attachment(self, wanted: WantedContent) -> None:
        target = self._store.attachment(attachment_name(wanted))
        if not target.exists():
            self._bring(wanted, target)

    def service_file(self, wanted: WantedContent, modified: float) -> None:
        target = service_path(self._store, wanted)
        try:
            if wanted.content is None:
                self._bring(wanted, target)
            else:
                write_atomically(target, wanted.content)
            os.utime(target, (modified, modified))
        except OSError as error:
            raise ItemError(wanted.kind, wanted.perm_id, f"{target}: {error}") from error

    def _bring(self, wanted: WantedContent, target: Path) -> None:
        try:
            with written_aside(target) as aside:
                self._source.download(
                    wanted.href or "",
                    aside,
                    length=wanted.length,
                    checksum=f"SHA256:{wanted.sha256}",
                )
        except (VerificationError, SourceError, OSError) as error:
            raise ItemError(wanted.kind, wanted.perm_id, f"{wanted.name}: {error}") from error

    def service_file_is_strange(self, path: str, sha256: str) -> bool:
        return is_strange(self._store, path, sha256)

    def is_here(self, code: str, path: str, length: int) -> bool:
        return is_here(self._store, code, path, length)

    def remove(self, area: str, name: str) -> None:
        match area:
            case "DATA_SET":
                self._store.remove_data_set(name)
            case "ATTACHMENT":
                self._store.attachment(name).unlink(missing_ok=True)
            case "FILE":
                self._store.service_file(name).unlink(missing_ok=True)


def _expected(file: FileNode) -> Expected:
    return Expected(length=file.length, crc32=file.crc32, checksum=file.checksum)
