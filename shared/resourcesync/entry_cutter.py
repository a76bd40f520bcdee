"""Cuts the bytes of a list behind each entry, without a parser."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.model.limits import ENTRY_BYTES

_OPENING, _END = b"<url>", b"</url>"
# Bytes outside of entries that are held at most before they are passed on.
_MOST = 1 << 22
_BEGINNING = 1 << 14

_is_head = re.compile(
    rb"<\?xml version='1\.0' encoding='UTF-8'\?><urlset((?: [a-zA-Z:]+=\"[^\"<&]*\")*)>"
    rb"(?:<rs:(?:ln|md)(?: [a-z]+=\"[^\"<]*\")*/>)*"
).fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class TooLong:
    """An entry over the limit, of which only the beginning was kept."""

    beginning: bytes
    length: int


def cut(chunks: Iterable[bytes], most: int = ENTRY_BYTES) -> Iterator[bytes | TooLong]:
    """Yield the bytes before the first entry, then those up to each ``</url>``, then the rest. If
    such tags stand in comments or in the content of an entry, the pieces are no entries.

    An entry of over ``most`` bytes is a `TooLong`, if it begins where the one before ends and its
    end is found.
    """
    held = _Held(most)
    for chunk in chunks:
        yield from held.take(chunk)
    yield held.rest()


class _Held:
    """The bytes since the last cut."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = bytearray()
        self._begun = False
        # Bytes that were dropped of an entry that is too long.
        self._dropped = 0
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
        """Drop the bytes of an entry that is too long, except those needed to find its end."""
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
    """Whether the piece is exactly one entry, provided that an entry may begin where it begins and
    that one ends in it: it then has only one end tag."""
    return piece.startswith(_OPENING) and piece.endswith(_END) and piece.count(_END[:-1]) == 1
