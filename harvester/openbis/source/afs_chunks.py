"""The chunks in which openBIS 7's application file service is asked for the bytes of files, and
gives them (openbis-7-sync.md, 6.3): numbers are big-endian, texts are UTF-8 behind their length."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from harvester.http.retries import PassingError
from shared.errors import SourceError

# Bytes that one request may ask for.
MOST_BYTES = 10 << 20
# The longest text of an answer, which repeats owner and path.
_LONGEST_TEXT = 1 << 16

_NUMBER = struct.Struct(">i")
_PLACE = struct.Struct(">qi")


def request_for(owner: str, path: str, offset: int, limit: int) -> bytes:
    """The body that asks for one chunk."""
    parts = [_NUMBER.pack(1), _sized(owner), _sized(path)]
    # A chunk of a request has the same form as one of an answer, with no bytes yet.
    return b"".join([*parts, _PLACE.pack(offset, limit), _NUMBER.pack(0)])


def bytes_of_chunk(blocks: Iterable[bytes], offset: int, limit: int) -> Iterator[bytes]:
    """The bytes of the file in an answer with one chunk, as they come. Raises `PassingError` if the
    answer ends too early, `SourceError` if it is another one than was asked for."""
    reading = _Reading(iter(blocks))
    chunks = reading.number()
    if chunks != 1:
        raise _another(f"it has {chunks} chunks")
    reading.text()
    reading.text()
    place = _PLACE.unpack(reading.take(_PLACE.size))
    length = reading.number()
    if place[0] != offset or not 0 < length <= limit:
        raise _another(f"it has {length} bytes from {place[0]} on; asked for {limit} from {offset}")
    yield from reading.rest(length)


def _sized(text: str) -> bytes:
    content = text.encode()
    return _NUMBER.pack(len(content)) + content


def _another(what: str) -> SourceError:
    return SourceError(f"the answer of the application file service is not as asked for: {what}")


class _Reading:
    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._held = b""

    def take(self, count: int) -> bytes:
        while len(self._held) < count:
            self._held += self._next()
        found, self._held = self._held[:count], self._held[count:]
        return found

    def number(self) -> int:
        return int(_NUMBER.unpack(self.take(_NUMBER.size))[0])

    def text(self) -> None:
        """Pass over a text."""
        length = self.number()
        if not 0 <= length <= _LONGEST_TEXT:
            raise _another(f"a text has {length} bytes")
        self.take(length)

    def rest(self, count: int) -> Iterator[bytes]:
        """The next bytes, which must be the last ones."""
        while count > 0:
            block, self._held = self._held or self._next(), b""
            if len(block) > count:
                raise _another("something follows its chunk")
            count -= len(block)
            if block:
                yield block
        if self._held or any(self._blocks):
            raise _another("something follows its chunk")

    def _next(self) -> bytes:
        block = next(self._blocks, None)
        if block is None:
            raise PassingError("the answer of the application file service ends too early")
        return block
