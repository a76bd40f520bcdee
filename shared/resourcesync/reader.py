"""Reads a list from chunks of bytes, item by item, in the memory of one chunk.

It reads lists of both versions of the openBIS plugin, faults included (wire-format.md, 1.7 and 7).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from lxml.etree import XMLPullParser, XMLSyntaxError, _Element

from shared.errors import FormatError
from shared.model.limits import PARTS
from shared.model.unknown import Part, Reason, Unknown
from shared.resourcesync import prolog
from shared.resourcesync.attributes import (
    BLANKS,
    Attributes,
    UnreadableError,
    attributes_of,
    word,
)
from shared.resourcesync.entry_cutter import TooLong, cut, is_one_entry, is_plain_head
from shared.resourcesync.excess import Growth, excess_of, fault_of
from shared.resourcesync.items import Known, ListHead, ListIndex, ListItem
from shared.resourcesync.names import name_of, split
from shared.resourcesync.terms import AFS_SERVICE, SITEMAP_INDEX
from shared.resourcesync.timestamps import parse_timestamp
from shared.resourcesync.unknown_parts import unknown_of_list
from shared.resourcesync.wire_format import WireFormat

# Bytes that are parsed at most before their items are taken. The parser's tree is ten times as
# large and stays in the processor's cache; with 1 MB at a time, reading takes twice as long.
_BITE = 1 << 15


def read_resource_list(
    chunks: Iterable[bytes], wire_format: WireFormat, known: Known | None = None
) -> Iterator[ListItem]:
    """The items of a list in the order of the document, except of ``known`` entries.

    FormatError if the document is not a whole resource list; it may come after the last item, so
    what was yielded counts only once the iterator is drained. A record that cannot be read is
    yielded as a `RecordFault`.
    """
    return _ListReader(wire_format, known, at_needed=True).items(chunks)


def read_list_part(
    chunks: Iterable[bytes], wire_format: WireFormat, known: Known | None = None
) -> Iterator[ListItem]:
    """Like `read_resource_list`, for a second or later part: only the first must have ``at``."""
    return _ListReader(wire_format, known, at_needed=False).items(chunks)


class _ListReader:
    """The state of reading one document."""

    def __init__(self, wire_format: WireFormat, known: Known | None, *, at_needed: bool) -> None:
        self._known = known
        self._entries = wire_format.load_reader()
        self._announces_afs = wire_format.announces_afs
        self._afs_url: str | None = None
        self._at_needed = at_needed
        self._at: datetime | None = None
        self._unknown: tuple[Unknown, ...] = ()
        self._parts: list[str] = []
        self._root: _Element | None = None
        self._parser = _parser()
        self._read = 0
        self._passed_over = 0
        self._entries_ended = 0
        self._growth = Growth()

    def items(self, chunks: Iterable[bytes]) -> Iterator[ListItem]:
        """Between two entries only the root is open, so a plain entry there is read without the
        parser, which never sees it. Once that is not certain any more, the parser gets all the
        rest."""
        read_plain, known = self._entries.plain, self._known
        pieces = cut(prolog.checked(chunks))
        head = next(pieces, b"")
        if isinstance(head, TooLong):
            raise FormatError("the answer begins with an entry, outside of any list")
        yield from self._parsed(head)
        plain = is_plain_head(head, self._entries.namespaces)
        for piece in pieces:
            if known and self._knows(known, piece, plain=plain):
                continue
            if isinstance(piece, TooLong) or excess_of(piece):
                yield self._left_out(piece, plain=plain)
                continue
            if plain:
                if (item := read_plain(piece)) is not None:
                    self._read += len(piece)
                    self._passed_over += 1
                    yield item
                    continue
                plain = is_one_entry(piece)
                if known and not plain:
                    known.forget()
            before = self._entries_ended
            yield from self._parsed(piece)
            plain = plain and self._entries_ended == before + 1
        self._root = _close(self._parser, self._read)
        yield from self._new_items()
        yield from self._last_items()

    def _knows(self, known: Known, piece: bytes | TooLong, *, plain: bool) -> bool:
        if not plain or isinstance(piece, TooLong):
            known.forget()
            return False
        if not known.has(piece):
            return False
        self._read += len(piece)
        self._passed_over += 1
        return True

    def _left_out(self, piece: bytes | TooLong, *, plain: bool) -> ListItem:
        """The fault of an entry that is too large for the parser, which never sees it."""
        excess = excess_of(piece)
        if not plain or not (isinstance(piece, TooLong) or is_one_entry(piece)):
            raise FormatError(f"{excess}; look at what the data source sends")
        self._read += piece.length if isinstance(piece, TooLong) else len(piece)
        self._passed_over += 1
        return fault_of(piece, excess, self._entries.named)

    def _parsed(self, piece: bytes) -> Iterator[ListItem]:
        for start in range(0, len(piece), _BITE):
            bite = piece[start : start + _BITE]
            self._feed(bite)
            yield from self._new_items()

    def _feed(self, bite: bytes) -> None:
        """Feed the parser. Errors that do not stop it, such as an unknown entity, stand only in its
        log."""
        self._read += len(bite)
        self._growth.check(bite)
        try:
            self._parser.feed(bite)
        except XMLSyntaxError as error:
            what, _, _ = error.msg.partition(", line ")
            raise self._malformed(bite, *error.position, what) from error
        for entry in self._parser.feed_error_log.filter_from_errors():
            raise self._malformed(bite, entry.line, entry.column, entry.message)

    def _malformed(self, bite: bytes, line: int, column: int, what: str) -> FormatError:
        where = f"at line {line}, column {column} (within the first {self._read} bytes)"
        if self._passed_over:  # then the parser counts without what it has not seen
            where = f"between bytes {self._read - len(bite)} and {self._read}"
        return FormatError(
            f"the answer is not well-formed {where}: {what}; what the data source sends has to be "
            "repaired there"
        )

    def _new_items(self) -> Iterator[ListItem]:
        """Yield the items of the root's children that ended with the last bite. They are then
        removed, all but the last one, which may not be whole yet."""
        for _, element in self._parser.read_events():
            if isinstance(element, _Element) and (root := _root_above(element)) is not None:
                self._root = root
                try:
                    yield from self._child(element)
                except UnreadableError as error:
                    raise FormatError(f"the head of the list cannot be read: {error}") from error
        if self._root is not None:
            del self._root[:-1]

    def _child(self, element: _Element) -> Iterator[ListItem]:
        match name_of(element):
            case "url":
                self._entries_ended += 1
                self._growth.entry_ended()
                yield from self._entries.parsed(element)
            case "rs:md" if self._at is None and self._is_list():
                self._at = _at(element)
                if self._at is None and self._at_needed:
                    raise _no_at(word(attributes_of(element), "capability"))
                yield from self._head(element)
            case "x:unknown":
                yield from self._head(element)
            case "rs:ln":
                self._link(attributes_of(element))
            case "sitemap":
                self._parts += [text for child in element if (text := _loc(child))]
                if len(self._parts) > PARTS:
                    raise FormatError(
                        f"the list lies in over {PARTS:,} parts; let the source send larger ones"
                    )
            case _:
                pass

    def _head(self, element: _Element) -> Iterator[ListHead]:
        """Read what the list leaves out, at its beginning or at its end."""
        unknown = _unknown(element)
        self._unknown += unknown
        if self._at is not None:
            yield ListHead(
                at=self._at, unknown=(*self._unknown, *self._afs_data()), afs_url=self._afs_url
            )
        elif unknown:
            raise FormatError("a list without a date says that it leaves out something")

    def _link(self, attributes: Attributes) -> None:
        """The links stand before ``rs:md``. The first one to AFS counts."""
        if word(attributes, "rel") == AFS_SERVICE and self._afs_url is None:
            self._afs_url = word(attributes, "href")

    def _afs_data(self) -> tuple[Unknown, ...]:
        """The mark of a list that says nothing of AFS data."""
        if self._afs_url or not self._announces_afs:
            return ()
        return (Unknown(part=Part.AFS, reason=Reason.NOT_MOUNTED),)

    def _is_list(self) -> bool:
        return self._root is not None and split(self._root.tag)[1] != SITEMAP_INDEX

    def _last_items(self) -> Iterator[ListItem]:
        if self._is_list():
            if self._at is None and self._at_needed:
                raise _no_at(None)
        elif self._parts:
            yield ListIndex(parts=tuple(self._parts))
        else:
            raise FormatError("the list index names no part; look at the log of the data source")


def _parser() -> XMLPullParser:
    return XMLPullParser(
        events=("end",),
        tag=("{*}url", "{*}md", "{*}ln", "{*}unknown", "{*}sitemap"),
        huge_tree=True,
        no_network=True,
        resolve_entities=False,
        remove_comments=True,
        remove_pis=True,
    )


def _close(parser: XMLPullParser, fed: int) -> _Element:
    try:
        return parser.close()
    except XMLSyntaxError as error:
        raise FormatError(
            f"the answer ends after {fed} bytes, before its root element is closed: {error.msg}; "
            "the connection was cut or the data source failed while it answered, so try again"
        ) from error


def _root_above(element: _Element) -> _Element | None:
    """The root, if the element is a child of it; None if it lies deeper."""
    parent = element.getparent()
    return None if parent is None or parent.getparent() is not None else parent


def _loc(child: _Element) -> str:
    return (child.text or "").strip(BLANKS) if name_of(child) == "loc" else ""


def _at(element: _Element) -> datetime | None:
    text = word(attributes_of(element), "at")
    if text is None:
        return None
    try:
        return parse_timestamp(text)
    except ValueError as error:
        raise FormatError(
            f"the attribute at of rs:md cannot be read, so the list has no date: {error}"
        ) from error


def _unknown(element: _Element) -> tuple[Unknown, ...]:
    try:
        return unknown_of_list(attributes_of(element))
    except UnreadableError as error:
        raise FormatError(f"it is not known what the list leaves out: {error}") from error


def _no_at(capability: str | None) -> FormatError:
    called = f" (the document is a {capability})" if capability else ""
    return FormatError(
        f"the list has no rs:md with the attribute at{called}; without it no later run could know "
        "what is new: check resource-list-url, and that its source is an openBIS or openbis-sync"
    )
