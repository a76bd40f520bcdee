"""Brings contents to the data store: in earnest, or checking only what can be checked without.

Both do the same as far as a step can see. Files have no rollback, so the rehearsal has an
implementation of its own, which looks at names, sizes and free space and opens no download.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

from harvester.config import SectionConfig
from harvester.source import Source, VerificationError
from shared.errors import ItemError, SourceError
from shared.model.entities import FileNode
from shared.model.kinds import Kind
from shared.paths import safe_relative_path
from shared.store.files import DataStore, file_digest, write_file, written_aside
from shared.store.verification import matches


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedDataSet:
    """A data set whose files are to be brought, all of them."""

    code: str
    files: tuple[FileNode, ...]


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
        """Bring data sets as a whole, in any order; an arrived one is in its final place."""
        ...

    def attachment(self, wanted: WantedContent) -> None:
        """Bring a content, which has a checksum and an address, unless it is here. `ItemError`."""
        ...

    def service_file(self, wanted: WantedContent, modified: float) -> None:
        """Write a file of the file service, as of a time (seconds since 1970). `ItemError`."""
        ...

    def service_file_is_strange(self, path: str, sha256: str) -> bool:
        """Whether a file lies there that no section brought, with another content."""
        ...

    def is_here(self, code: str, path: str, length: int) -> bool:
        """Whether a file of a data set lies in its place, with its length."""
        ...

    def remove(self, area: str, name: str) -> None:
        """Remove files whose rows are gone; ``area`` as in the table file_removal."""
        ...


def check_files(wanted: WantedDataSet) -> None:
    """Raises `ItemError` for names that no data store can hold, or that lead out of it."""
    files: set[str] = set()
    folders: set[str] = set()
    for file in wanted.files:
        try:
            path = safe_relative_path(file.path)
        except ValueError as error:
            raise ItemError(Kind.DATA_SET, wanted.code, str(error)) from error
        files.add(str(path))
        folders.update(str(parent) for parent in path.parents)
    if both := files & folders:
        reason = f"{min(both)!r} is a file and a folder at once"
        raise ItemError(Kind.DATA_SET, wanted.code, reason)


class RehearsedTransfers:
    """Checks what can be checked without writing or fetching anything."""

    def __init__(self, store: DataStore) -> None:
        self._store = store
        self._wanted = 0

    def data_sets(self, wanted: Iterable[WantedDataSet]) -> Iterator[Arrival]:
        for data_set in wanted:
            try:
                check_files(data_set)
                self._need(data_set.code, sum(file.length for file in data_set.files))
            except ItemError as error:
                yield data_set.code, error
            else:
                yield data_set.code, None

    def attachment(self, wanted: WantedContent) -> None:
        if not self._store.attachment(_attachment_name(wanted)).exists():
            self._need(wanted.perm_id, wanted.length or 0, wanted.kind)

    def service_file(self, wanted: WantedContent, modified: float) -> None:  # noqa: ARG002 - as in earnest
        _service_path(self._store, wanted)
        self._need(wanted.perm_id, wanted.length or 0, wanted.kind)

    def service_file_is_strange(self, path: str, sha256: str) -> bool:
        return _is_strange(self._store, path, sha256)

    def is_here(self, code: str, path: str, length: int) -> bool:
        return _is_here(self._store, code, path, length)

    def remove(self, area: str, name: str) -> None:
        """Nothing goes in a rehearsal."""

    def _need(self, perm_id: str, length: int, kind: Kind = Kind.DATA_SET) -> None:
        """Add up what is wanted, and compare it with what the disk has."""
        free = shutil.disk_usage(_existing(self._store.root)).free
        if self._wanted + length > free:
            reason = (
                f"{length:,} bytes do not fit: {free:,} bytes are free below {self._store.root}, "
                f"of which this run needs {self._wanted:,} for what comes before"
            )
            raise ItemError(kind, perm_id, reason)
        self._wanted += length


def _existing(folder: Path) -> Path:
    return folder if folder.exists() else _existing(folder.parent)


def _attachment_name(wanted: WantedContent) -> str:
    """The checksum by which the content lies here; it is data from outside, and becomes a path."""
    sha256 = wanted.sha256 or ""
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ItemError(wanted.kind, wanted.perm_id, f"{wanted.name}: {sha256!r} is no SHA-256")
    return sha256


def _service_path(store: DataStore, wanted: WantedContent) -> Path:
    try:
        return store.service_file(wanted.name)
    except ValueError as error:
        raise ItemError(wanted.kind, wanted.perm_id, str(error)) from error


def _is_here(store: DataStore, code: str, path: str, length: int) -> bool:
    try:
        return store.data_set_file(code, path).stat().st_size == length
    except FileNotFoundError:
        return False


def _is_strange(store: DataStore, path: str, sha256: str) -> bool:
    try:
        file = store.service_file(path)
    except ValueError:
        return False  # refused when it is written, with the reason
    return file.is_file() and file_digest(file) != sha256


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
            for arriving, task in islice(tasks, 2 * self._threads - len(flying)):
                if isinstance(task, ItemError):
                    yield arriving.wanted.code, task
                else:
                    flying[pool.submit(self._fetch, arriving, task)] = arriving
            if not flying:
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
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if not self._take_over(code, file, target):
                self._download(code, file, target)
        except (VerificationError, SourceError, OSError) as error:
            arriving.error = ItemError(Kind.DATA_SET, code, f"file {file.path}: {error}")

    def _take_over(self, code: str, file: FileNode, target: Path) -> bool:
        """Use what lies in the place of the data set already, if it is the same by checksum: an
        unchanged file of a changed data set, or one that a killed run had brought."""
        present = self._store.data_set_file(code, file.path)
        if not present.is_file() or not matches(present, file):
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
        target = self._store.attachment(_attachment_name(wanted))
        if not target.exists():
            self._bring(wanted, target)

    def service_file(self, wanted: WantedContent, modified: float) -> None:
        target = _service_path(self._store, wanted)
        try:
            if wanted.content is None:
                self._bring(wanted, target)
            else:
                write_file(target, wanted.content)
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
        return _is_strange(self._store, path, sha256)

    def is_here(self, code: str, path: str, length: int) -> bool:
        return _is_here(self._store, code, path, length)

    def remove(self, area: str, name: str) -> None:
        match area:
            case "DATA_SET":
                self._store.remove_data_set(name)
            case "ATTACHMENT":
                self._store.attachment(name).unlink(missing_ok=True)
            case "FILE":
                self._store.service_file(name).unlink(missing_ok=True)
