"""Checks the bytes before the root element, before the parser gets them.

A DOCTYPE can declare entities that expand without bound, and the parser expands those in attributes
although this is switched off. So declarations are refused before anything is parsed, and a DOCTYPE
without them is cut out: then a reference to an entity is an error, as it should be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from shared.errors import FormatError
from shared.page_title import title_of
from shared.resourcesync.terms import SITEMAP_INDEX, URL_SET

# Bytes before the root element.
_PROLOG_LIMIT = 1 << 20
_PAGE_LIMIT = 1 << 16
_BLANKS = b" \t\r\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_MISC = re.compile(rb"(?:[ \t\r\n]+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_DOCTYPE = re.compile(rb"<!DOCTYPE\s(?:[^\[>\"']|\"[^\"]*\"|'[^']*')*([\[>])")
_ROOT = re.compile(rb"<([^\s/>!?]+)[\s/>]")
_UNFINISHED = re.compile(
    rb"<?\Z|<!(?:-|\Z)|<!(?:D|DO|DOC|DOCT|DOCTY|DOCTYP)\Z|<!DOCTYPE|<\?|<[^!\s]"
)
_ENCODING = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"']*)[\"']")
_ASCII_COMPATIBLE = {
    *("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252"),
}
_HTML = re.compile(rb"<!doctype\s+html|<html[\s>]", re.IGNORECASE)


def checked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes without leading blanks and DOCTYPE; FormatError if the root is a wrong one.

    Version 1 of the original sends blanks while it is busy, to keep the connection alive.
    """
    source = iter(chunks)
    for head in _beginnings(source):
        try:
            known = _known_beginning(head)
        except FormatError as error:
            _refuse_html(_page(head, source), error)
            raise
        if known:
            yield known
            yield from source
            return


def _beginnings(source: Iterator[bytes]) -> Iterator[bytes]:
    """Yield longer and longer beginnings, in the end the whole answer. Each is longer by half at
    least, so that one which comes in small pieces is not checked for each of them."""
    head, looked_at = bytearray(), 0
    for chunk in source:
        head += chunk if head else chunk.lstrip(_BLANKS)
        if len(head) > looked_at + looked_at // 2:
            looked_at = len(head)
            yield bytes(head)
    if len(head) > looked_at:
        yield bytes(head)
    raise _cut(bytes(head))


def _known_beginning(head: bytes) -> bytes:
    """The bytes for the parser if the root's name is among them; empty if more are needed."""
    _check_encoding(head)
    start = len(_BYTE_ORDER_MARK) if head.startswith(_BYTE_ORDER_MARK) else 0
    position = _end_of_misc(head, start)
    doctype = _DOCTYPE.match(head, position)
    if doctype:
        _refuse_declarations(doctype)
        head = head[: doctype.start()] + head[doctype.end() :]
        position = _end_of_misc(head, doctype.start())
    root = _ROOT.match(head, position)
    if root:
        _check_root(root[1])
        return head
    if len(head) > _PROLOG_LIMIT or not _UNFINISHED.match(head, position):
        raise FormatError(f"the answer is no XML document; it begins with {_excerpt(head)}")
    return b""


def _end_of_misc(head: bytes, position: int) -> int:
    misc = _MISC.match(head, position)
    return misc.end() if misc else position


def _check_encoding(head: bytes) -> None:
    """Refuse encodings in which this module cannot find a DOCTYPE; the original writes UTF-8."""
    declared = _ENCODING.match(head.removeprefix(_BYTE_ORDER_MARK))
    name = declared[1].decode("ascii", "replace") if declared else "UTF-8"
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<", b"\x00\x00")):
        name = "UTF-16 or UTF-32"
    if name.lower() not in _ASCII_COMPATIBLE:
        raise FormatError(f"the answer is encoded as {name}; a resource list comes in UTF-8")


def _refuse_declarations(doctype: re.Match[bytes]) -> None:
    if doctype[1] == b"[":
        raise FormatError(
            f"the answer has a DOCTYPE with declarations at byte {doctype.start()}; entities are "
            "never expanded, so such a list is refused: let the source send it without DOCTYPE"
        )


def _check_root(name: bytes) -> None:
    local = name.rpartition(b":")[2].decode("utf-8", "replace")
    if local not in {URL_SET, SITEMAP_INDEX}:
        raise FormatError(
            f"the root element of the answer is {local}, not {URL_SET}; check resource-list-url"
        )


def _cut(head: bytes) -> FormatError:
    if not head:
        return FormatError("the answer is empty; look at the log of the data source")
    return FormatError(
        f"the answer ends after {len(head)} bytes, before its root element: {_excerpt(head)}"
    )


def _page(head: bytes, source: Iterator[bytes]) -> bytes:
    """The beginning of the answer, long enough to have the title of an HTML page."""
    page = bytearray(head[:_PAGE_LIMIT])
    while len(page) < _PAGE_LIMIT and (chunk := next(source, b"")):
        page += chunk
    return bytes(page[:_PAGE_LIMIT])


def _refuse_html(page: bytes, cause: FormatError) -> None:
    """Raise an error that names the page, if it is one: web servers and proxies answer with pages
    when they fail."""
    if _HTML.search(page) is None:
        return
    text = title_of(page.decode("utf-8", "replace"))
    called = f"titled {text!r}" if text else "without a title"
    raise FormatError(
        f"the answer is an HTML page {called}, not a resource list; check resource-list-url"
    ) from cause


def _excerpt(head: bytes) -> str:
    return repr(head[:60].decode("utf-8", "replace"))
