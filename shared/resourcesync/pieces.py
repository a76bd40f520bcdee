"""The bytes of a list, cut behind each of its entries: by a look at them, without a parser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_OPENING, _END = b"<url>", b"</url>"
_MOST = 1 << 22
"""Bytes that are held; master data may well be a megabyte. What is longer comes in parts."""


def cut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What stands before the first entry; then up to each ``</url>``; then the rest. Where these
    bytes stand in comments, or are parts of an entry's content, the cut means nothing."""
    rest, begun = b"", False
    for chunk in chunks:
        sought = max(0, len(rest) - len(_END))
        data, start = rest + chunk, 0
        if not begun and (start := max(0, data.find(_OPENING, sought))):
            yield data[:start]
            begun, sought = True, start
        while begun and (end := data.find(_END, sought)) >= 0:
            sought = end + len(_END)
            yield data[start:sought]
            start = sought
        rest = data[start:]
        if len(rest) > _MOST:
            yield rest
            rest, begun = b"", True
    yield rest


def is_one_entry(piece: bytes) -> bool:
    """Whether its end is the end of an entry, provided that an entry may begin where it begins, and
    that one ends in it: there is only one end tag in it that could be that end."""
    return piece.startswith(_OPENING) and piece.endswith(_END) and piece.count(_END[:-1]) == 1
