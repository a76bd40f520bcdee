"""The files of an owner, as the application file service shows them."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from shared.errors import NotNowError
from shared.model.entities import Entity
from shared.model.ids import Code
from shared.model.unknown import Part
from shared.resourcesync.terms import MD5
from source_server.publication.catalogue import Catalogue, Downloadable, Scope
from source_server.web.afs.answers import CallError, MissingError
from source_server.web.afs.chunks import Chunk
from source_server.web.downloads import opened_content

# Seconds for which the files of an owner are remembered: harvesters ask for one after the other.
_REMEMBERED = 10.0
_MOST_OWNERS = 32
# Files of all these owners together, some 100 MB; one owner may have more.
_MOST_FILES = 200_000
# Contents whose MD5 is remembered.
_MOST_HASHES = 10_000
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class _Line:
    """A file or, without a size, a folder; ``modified`` is in milliseconds."""

    path: str
    size: int | None
    modified: int

    def written(self, owner: str) -> str:
        name = self.path.rpartition("/")[2]
        size = "" if self.size is None else str(self.size)
        is_folder = "true" if self.size is None else "false"
        return "\t".join((owner, f"/{self.path}", name, is_folder, size, str(self.modified)))


class AfsFiles:
    """Answers ``list``, ``hash`` and ``read``. AFS data are data sets of the catalogue; a user who
    may see their owner may read all of them. Any number of threads may use it."""

    def __init__(self, catalogue: Catalogue, clock: Callable[[], float] = time.monotonic) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._owners: OrderedDict[tuple[str, Scope], tuple[float, Entity]] = OrderedDict()
        self._hashes: OrderedDict[tuple[str, str, str], str] = OrderedDict()
        self._lock = threading.Lock()

    def listing(self, owner: str, source: str, scope: Scope, *, recursively: bool) -> str:
        """A line for each file and folder below ``source``, or for the file that it names."""
        data, place = self._data(owner, scope), _relative(source)
        _check_seen(data)
        lines = {line.path: line for line in _lines(data)}
        if place in lines and lines[place].size is not None:
            return lines[place].written(owner)
        if place and place not in lines:
            raise MissingError(source)
        below = f"{place}/" if place else ""
        found = [
            line.written(owner)
            for path, line in sorted(lines.items())
            if path.startswith(below) and (recursively or "/" not in path[len(below) :])
        ]
        return "\n".join(found)

    def md5(self, owner: str, source: str, scope: Scope) -> str:
        """The MD5 of a file, in lower-case hex."""
        data, path = self._data(owner, scope), _relative(source)
        node = next((file for file in data.files if file.path == path), None)
        if node is None:
            _check_seen(data)
            raise MissingError(source)
        if node.checksum and node.checksum.startswith(MD5):
            return node.checksum.removeprefix(MD5).lower()
        content = self._content(owner, source, scope)
        key = owner, path, content.etag
        known = self._hashes.get(key)
        if known is None:
            known = _md5_of(content)
            with self._lock:
                self._hashes[key] = known
                if len(self._hashes) > _MOST_HASHES:
                    self._hashes.popitem(last=False)
        return known

    def read(self, chunk: Chunk, scope: Scope) -> bytes:
        """The bytes of a chunk. It is an error to read beyond the end of a file."""
        # Called for its error: other data sets than AFS data are not read by this service.
        self._data(chunk.owner, scope)
        content = self._content(chunk.owner, chunk.path, scope)
        if chunk.offset + chunk.limit > content.length:
            raise CallError(
                f"{chunk.path} has {content.length} bytes; {chunk.limit} from {chunk.offset} on"
                " are beyond its end"
            )
        with opened_content(content) as file:
            file.seek(chunk.offset)
            return _exactly(file, chunk.limit, chunk.path)

    def _content(self, owner: str, source: str, scope: Scope) -> Downloadable:
        path = _relative(source)
        content = self._catalogue.data_set_file(Code(owner), path, scope) if path else None
        if content is None:
            raise MissingError(source)
        return content

    def _data(self, owner: str, scope: Scope) -> Entity:
        now = self._clock()
        with self._lock:
            until, data = self._owners.get((owner, scope), (0.0, None))
        if data is None or until < now:
            data = self._catalogue.data_set(Code(owner), scope)
            if data is None or not data.is_afs:
                raise MissingError(owner)
            with self._lock:
                self._owners[owner, scope] = now + _REMEMBERED, data
                self._owners.move_to_end((owner, scope))
                while len(self._owners) > 1 and self._holds_too_much(now):
                    self._owners.popitem(last=False)
        return data

    def _holds_too_much(self, now: float) -> bool:
        """Owners are in the order in which they were asked for."""
        until, _ = next(iter(self._owners.values()))
        files = sum(len(data.files) for _, data in self._owners.values())
        return until < now or len(self._owners) > _MOST_OWNERS or files > _MOST_FILES


def _check_seen(data: Entity) -> None:
    """Raise `NotNowError` unless all files can be listed: clients take the others for deleted."""
    for each in data.unknown:
        if each.part is Part.FILES:
            why = f"{each.reason}: {each.detail}" if each.detail else each.reason
            raise NotNowError(
                f"AFS data of {data.code}: not all files can be listed now ({why}); try again later"
            )


def _relative(source: str) -> str:
    """The path without the slashes around it; nothing for the folder of the owner itself. Raises
    `CallError` for what is no path."""
    path = source.strip("/")
    if path and {"", ".", ".."} & set(path.split("/")):
        raise MissingError(source)
    return path


def _lines(data: Entity) -> Iterator[_Line]:
    """Files, and folders as of the newest file in them."""
    usual = _milliseconds(data.modified.timestamp())
    folders = dict.fromkeys(data.empty_folders, usual)
    for path in data.empty_folders:
        folders |= {folder: folders.get(folder, usual) for folder in _above(path)}
    for file in data.files:
        time_of = _milliseconds(file.modified.timestamp()) if file.modified else usual
        yield _checked(_Line(file.path, file.length, time_of))
        for folder in _above(file.path):
            folders[folder] = max(folders.get(folder, 0), time_of)
    for path, modified in folders.items():
        yield _checked(_Line(path, None, modified))


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _checked(line: _Line) -> _Line:
    """No name in AFS has a tab or a line break; a listing could not be read with one."""
    if "\t" in line.path or "\n" in line.path:
        raise CallError(f"the name {line.path!r} cannot be listed")
    return line


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _md5_of(content: Downloadable) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with opened_content(content) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _exactly(file: BinaryIO, count: int, path: str) -> bytes:
    content = file.read(count)
    if len(content) < count:
        raise CallError(f"{path} ended while it was read; try again")
    return content
