"""The pieces of files in the body of a ``read``: an array, whose numbers are big-endian and whose
texts are UTF-8 behind their lengths (openbis-7-sync.md, 6.3). Answers have the same form, with the
bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from source_server.web.afs.answers import CallError

# Bytes that one call may ask for.
MOST_BYTES = 10 << 20

_NUMBER = struct.Struct(">i")
_PLACE = struct.Struct(">qi")
# Length of a value that is null.
_NULL = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a file: ``limit`` bytes from ``offset`` on. ``path`` begins with a slash."""

    owner: str
    path: str
    offset: int
    limit: int


def wanted_chunks(body: bytes) -> list[Chunk]:
    """The chunks of a request. Raises `CallError` if it is none, or asks for too much."""
    reading = _Reading(body)
    chunks = [reading.chunk() for _ in range(reading.count())]
    reading.end()
    if sum(chunk.limit for chunk in chunks) > MOST_BYTES:
        raise CallError(f"a call may read {MOST_BYTES} bytes at most")
    return chunks


def packed(chunks: Iterable[tuple[Chunk, bytes]]) -> bytes:
    """The chunks with their bytes."""
    parts = [_one(chunk, content) for chunk, content in chunks]
    return b"".join([_NUMBER.pack(len(parts)), *parts])


def _one(chunk: Chunk, content: bytes) -> bytes:
    names = _sized(chunk.owner.encode()) + _sized(chunk.path.encode())
    return names + _PLACE.pack(chunk.offset, chunk.limit) + _sized(content)


def _sized(content: bytes) -> bytes:
    return _NUMBER.pack(len(content)) + content


class _Reading:
    """The place up to which a body has been read."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def count(self) -> int:
        """The number of chunks, of which each takes some bytes."""
        (count,) = _NUMBER.unpack(self._take(_NUMBER.size))
        if not 0 <= count <= len(self._body):
            raise _no_chunks()
        return int(count)

    def chunk(self) -> Chunk:
        owner, path = self._text(), self._text()
        offset, limit = _PLACE.unpack(self._take(_PLACE.size))
        self._text()  # the bytes, which a request does not have
        if offset < 0 or limit < 0:
            raise CallError("offset and limit of a chunk cannot be negative")
        return Chunk(owner=owner, path=path, offset=offset, limit=limit)

    def end(self) -> None:
        if self._at != len(self._body):
            raise _no_chunks()

    def _text(self) -> str:
        (length,) = _NUMBER.unpack(self._take(_NUMBER.size))
        if length < _NULL:
            raise _no_chunks()
        try:
            return self._take(max(length, 0)).decode()
        except UnicodeDecodeError as error:
            raise _no_chunks() from error

    def _take(self, count: int) -> bytes:
        taken = self._body[self._at : self._at + count]
        if len(taken) < count:
            raise _no_chunks()
        self._at += count
        return taken


def _no_chunks() -> CallError:
    return CallError("the body is no array of chunks")
