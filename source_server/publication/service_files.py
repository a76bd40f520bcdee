"""Files of the file service: pictures and documents that are pasted into rich text.

A text names such a file as ``openbis/file-service/<path>``, up to the next quote
(wire-format.md, 3.8). A resource list carries those files that its own texts mention.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from shared.model.entities import Entity, ServiceFile
from shared.model.master_data import MasterData
from shared.model.properties import texts_among
from shared.model.unknown import Reason
from shared.paths import confine, safe_relative_path
from shared.store.files import file_digest
from source_server.settings import SourceSettings

# The beginning of each mention of a file.
MARK = "openbis/file-service/"
_MENTION = re.compile(rf"{MARK}([^\"']*)")

# Nanoseconds within which two changes of a file may have the same time.
_RECENT = 2_000_000_000


def mentions_in(texts: Iterable[str | None]) -> Iterator[str]:
    """Paths of file-service files that the texts mention. Texts without mentions cost little."""
    for text in texts:
        if text and MARK in text:
            yield from _MENTION.findall(text)


def texts_of(entity: Entity) -> Iterator[str | None]:
    """The texts of an entity that may mention files."""
    yield from texts_among(entity.properties.values())
    yield entity.description


def texts_of_master_data(master_data: MasterData) -> Iterator[str | None]:
    """Descriptions of plugins, terms, property types and entity types, as in openBIS."""
    yield from (plugin.description for plugin in master_data.plugins)
    for vocabulary in master_data.vocabularies:
        yield from (term.description for term in vocabulary.terms)
    yield from (property_type.description for property_type in master_data.property_types)
    yield from (entity_type.description for entity_type in master_data.entity_types)


class ServiceFiles:
    """The folder of the file service. Files of up to ``inline_limit`` bytes are read whole."""

    def __init__(self, root: Path, *, inline_limit: int) -> None:
        self._root = root
        self.inline_limit = inline_limit
        self._checksums = _Checksums()

    @classmethod
    def of(cls, settings: SourceSettings) -> Self:
        return cls(settings.file_service_repository_path, inline_limit=settings.inline_file_limit)

    def find(self, path: str) -> ServiceFile | Reason | None:
        """The file, with its content unless it is over the limit; the reason if it cannot be read;
        None for a folder, which a text may mention, too."""
        if not path or path.endswith("/"):
            return None
        try:
            relative = safe_relative_path(path)
        except ValueError:
            return Reason.BAD_NAME
        try:
            return self._read(path, confine(self._root, relative))
        except (FileNotFoundError, NotADirectoryError):
            return Reason.UNREADABLE if self._holds_anything() else Reason.NOT_MOUNTED
        except (OSError, ValueError):
            return Reason.UNREADABLE

    def _holds_anything(self) -> bool:
        """Whether the folder has an entry; an empty mount point has none."""
        try:
            return next(self._root.iterdir(), None) is not None
        except OSError:
            return False

    def is_empty(self) -> bool:
        """Whether the folder exists and has no entry."""
        return self._root.is_dir() and not self._holds_anything()

    def state(self) -> str | None:
        """A text that changes with every file in the folder; None if a change might be missed.

        Files are not read. Their ``ctime``, the time of the last change of any kind, cannot be set
        back, but it may not show a change of the last moments. Symbolic links may lead to files
        that are not seen here.
        """
        digest = hashlib.blake2b(digest_size=16)
        newest = 0
        try:
            for path, status in sorted(_files_below(self._root, "")):
                newest = max(newest, status.st_ctime_ns)
                seen = (path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
                digest.update(repr(seen).encode())
        except (OSError, ValueError):
            return None
        return digest.hexdigest() if time.time_ns() - newest > _RECENT else None

    def _read(self, path: str, file: Path) -> ServiceFile:
        status = file.stat()
        content = file.read_bytes() if status.st_size <= self.inline_limit else None
        digest = (
            self._checksums.of(file) if content is None else hashlib.sha256(content).hexdigest()
        )
        return ServiceFile(
            path=path,
            modified=datetime.fromtimestamp(status.st_mtime, UTC),
            # The file may have changed since it was asked for its size: what was read counts.
            length=status.st_size if content is None else len(content),
            sha256=digest,
            content=content,
        )


def _files_below(folder: Path, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
    """Files below the folder, none if it does not exist. ValueError for a symbolic link."""
    if not prefix and not folder.exists():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            path = f"{prefix}{entry.name}"
            if entry.is_symlink():
                raise ValueError(f"{path} is a symbolic link")
            if entry.is_dir():
                yield from _files_below(folder / entry.name, f"{path}/")
            else:
                yield path, entry.stat()


class _Checksums:
    """SHA-256 of large files, computed again only for a file that has changed."""

    _MOST = 10_000

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, int, int, int], str] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, file: Path) -> str:
        status = file.stat()
        key = (str(file), status.st_ino, status.st_mtime_ns, status.st_size)
        with self._lock:
            if key in self._known:
                return self._known[key]
        digest = file_digest(file)
        with self._lock:
            self._known[key] = digest
            if len(self._known) > self._MOST:
                self._known.popitem(last=False)
        return digest
