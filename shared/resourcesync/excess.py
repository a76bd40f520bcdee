"""Finds entries that would take the parser too much memory, by a look at their bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.sax.saxutils import unescape

from shared.errors import FormatError
from shared.model.limits import ENTRY_BYTES, ENTRY_ELEMENTS, TEXT_BYTES
from shared.resourcesync.entry_cutter import TooLong
from shared.resourcesync.items import RecordFault

# Bytes. A smaller entry cannot exceed the other limits by much.
_LARGE = 1 << 20
_TAGS = 2 * ENTRY_ELEMENTS
_BEGINNING = 1 << 14
_loc = re.compile(rb"<url><loc>([^<]*)</loc>").match


def excess_of(entry: bytes | TooLong) -> str:
    """The limit that a whole entry exceeds, for a message; empty if it may be parsed."""
    if isinstance(entry, TooLong):
        return f"the entry has {entry.length:,} bytes, over {ENTRY_BYTES:,}"
    if len(entry) <= _LARGE:
        return ""
    if (tags := entry.count(b"<")) > _TAGS:
        return f"the entry has some {tags // 2:,} elements, over {ENTRY_ELEMENTS:,}"
    if len(entry) > TEXT_BYTES and max(map(len, entry.split(b"<"))) > TEXT_BYTES:
        return f"a text in the entry has over {TEXT_BYTES:,} bytes"
    return ""


def fault_of(
    entry: bytes | TooLong, excess: str, named: Callable[[str], tuple[str, str]]
) -> RecordFault:
    """The entry as a record that cannot be read. ``named`` finds kind and perm id in its ``loc``.
    Raises `FormatError` if there is no kind: then it is no record, or it is not known which."""
    beginning = entry.beginning if isinstance(entry, TooLong) else entry[:_BEGINNING]
    found = _loc(beginning)
    loc = unescape(found[1].decode("utf-8", "replace")) if found else ""
    kind, perm_id = named(loc)
    if not kind:
        raise FormatError(f"{excess}; it is {loc or 'an entry without loc'}; repair it there")
    return RecordFault(kind=kind, perm_id=perm_id, reason=excess)


class Growth:
    """Counts what the parser gets since the end of the last entry, where it is not known how the
    list is cut."""

    def __init__(self) -> None:
        self._bytes = self._tags = self._text = 0

    def entry_ended(self) -> None:
        self._bytes = self._tags = 0

    def check(self, bite: bytes) -> None:
        """Count these bytes, too. Raises `FormatError` beyond a limit."""
        self._bytes += len(bite)
        self._tags += bite.count(b"<")
        last = bite.rfind(b"<")
        self._text = len(bite) - last if last >= 0 else self._text + len(bite)
        for found, most, what in (
            (self._bytes, ENTRY_BYTES, "bytes"),
            (self._tags, _TAGS, "tags"),
            (self._text, TEXT_BYTES, "bytes of text"),
        ):
            if found > most:
                raise FormatError(
                    f"no entry ends within {most:,} {what}; no list of openBIS is like that: look "
                    "at what the data source sends"
                )
