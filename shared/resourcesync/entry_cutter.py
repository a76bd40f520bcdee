"""The bytes of a list, cut behind each of its entries: by a look at them, without a parser."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.model.limits import ENTRY_BYTES

_OPENING, _END = b"<url>", b"</url>"
_MOST = 1 << 22
"""Bytes that are held of what is no entry; it goes on in parts."""
_BEGINNING = 1 << 14

_is_head = re.compile(
    rb"<\?xml version='1\.0' encoding='UTF-8'\?><urlset((?: [a-zA-Z:]+=\"[^\"<&]*\")*)>"
    rb"(?:<rs:(?:ln|md)(?: [a-z]+=\"[^\"<]*\")*/>)*"
).fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class TooLong:
    """An entry that is longer than anything may be, of which only the beginning was kept."""

    beginning: bytes
    length: int


def cut(chunks: Iterable[bytes], most: int = ENTRY_BYTES) -> Iterator[bytes | TooLong]:
    """What stands before the first entry; then up to each ``</url>``; then the rest. Where these
    bytes stand in comments, or are parts of an entry's content, the cut means nothing.

    An entry of over ``most`` bytes is a `TooLong`, provided that it begins where the one before
    ends, and that its end is found.
    """
    held = _Held(most)
    for chunk in chunks:
        yield from held.take(chunk)
    yield held.rest()


class _Held:
    """What has come since the last cut."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = bytearray()
        self._begun = False
        self._dropped = 0
        """Bytes of an entry that is too long, which are not held any more."""
        self._beginning = b""

    def take(self, chunk: bytes) -> Iterator[bytes | TooLong]:
        sought = max(0, len(self._bytes) - len(_END))
        self._bytes += chunk
        start = 0
        if not self._begun and (start := max(0, self._bytes.find(_OPENING, sought))):
            yield bytes(self._bytes[:start])
            self._begun, sought = True, start
        while self._begun and (end := self._bytes.find(_END, sought)) >= 0:
            sought = end + len(_END)
            yield self._ended(start, sought)
            start = sought
        del self._bytes[:start]
        if self._dropped or (len(self._bytes) > _MOST and self._bytes.startswith(_OPENING)):
            self._drop()
        elif len(self._bytes) > _MOST:
            self._begun = True
            yield self.rest()

    def _ended(self, start: int, end: int) -> bytes | TooLong:
        if not self._dropped and end - start <= self._most:
            return bytes(self._bytes[start:end])
        beginning = self._beginning or bytes(self._bytes[start : start + _BEGINNING])
        length = self._dropped + end - start
        self._dropped, self._beginning = 0, b""
        return TooLong(beginning=beginning, length=length)

    def _drop(self) -> None:
        """All that is not needed to find the end of an entry that is too long."""
        if not self._dropped:
            if len(self._bytes) <= self._most:
                return
            self._beginning = bytes(self._bytes[:_BEGINNING])
        superfluous = len(self._bytes) - len(_END)
        if superfluous > 0:
            self._dropped += superfluous
            del self._bytes[:superfluous]

    def rest(self) -> bytes:
        rest = self._beginning + bytes(self._bytes)
        self._bytes.clear()
        return rest


def is_plain_head(head: bytes, namespaces: Iterable[str]) -> bool:
    """Whether before the first entry only the root is open. ``namespaces`` are declarations that
    the root must have."""
    found = _is_head(head)
    return found is not None and all(f" {one}".encode() in found[1] for one in namespaces)


def is_one_entry(piece: bytes) -> bool:
    """Whether its end is the end of an entry, provided that an entry may begin where it begins, and
    that one ends in it: there is only one end tag in it that could be that end."""
    return piece.startswith(_OPENING) and piece.endswith(_END) and piece.count(_END[:-1]) == 1
