"""Reads bodies of answers with a limit. httpx would unpack every encoding, in any depth and to any
size; here a list may be packed once, with gzip, and nothing else may be packed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import httpx
from isal import isal_zlib

from harvester.http.retries import PassingError
from shared.errors import FormatError

IDENTITY = {"Accept-Encoding": "identity"}
_GZIP = frozenset({"gzip", "x-gzip"})
# In zlib's count: a window of 32 KB, within gzip's frame.
_WINDOW = 31
# Bytes unpacked per call.
_BLOCK = 1 << 18
_DAMAGED = cast("type[Exception]", isal_zlib.error)
# How many times as long as its packed form a list may be; those of openBIS are 10 to 40 times as
# long.
MOST_TIMES = 250
# Bytes from which on that counts: pages of blanks, which keep a connection alive, pack well.
_UNWATCHED = 64 << 20


def encoding_of(response: httpx.Response) -> str:
    """The content encoding of an answer in lower case; empty if it is not packed."""
    named = ",".join(response.headers.get_list("content-encoding")).strip().lower()
    return "" if named == "identity" else named


def beginning(response: httpx.Response, most: int) -> bytes:
    """At most this number of bytes of the body; nothing if the body is packed, since the request
    did not accept that."""
    if encoding_of(response):
        return b""
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) >= most:
            break
    return bytes(body[:most])


def unpacked(response: httpx.Response) -> Iterator[bytes]:
    """The body, unpacked if it was packed with gzip, in pieces of at most some 100 KB.

    `FormatError` if it is packed otherwise, or too well; `PassingError` if it is cut or damaged.
    """
    encoding = encoding_of(response)
    if not encoding:
        yield from response.iter_raw()
    elif encoding in _GZIP:
        yield from _Unpacking().of(response)
    else:
        raise FormatError(
            f"{_url(response)} sends its answer with Content-Encoding {encoding[:60]!r}; a list "
            "may be packed once, with gzip: correct the source, or the proxy before it"
        )


class _Unpacking:
    """One gzip stream."""

    def __init__(self) -> None:
        self._stream = isal_zlib.decompressobj(_WINDOW)
        self._packed = self._length = 0

    def of(self, response: httpx.Response) -> Iterator[bytes]:
        try:
            for chunk in response.iter_raw():
                self._packed += len(chunk)
                yield from self._blocks(response, chunk)
        except _DAMAGED as error:
            raise PassingError(
                f"{_url(response)} cannot be read: its gzip is damaged: {error}"
            ) from error
        if not self._stream.eof:
            raise PassingError(f"{_url(response)} cannot be read: its gzip ends too early")

    def _blocks(self, response: httpx.Response, chunk: bytes) -> Iterator[bytes]:
        stream, is_pending = self._stream, True
        while chunk or is_pending:
            if stream.eof:
                raise PassingError(
                    f"{_url(response)} cannot be read: something follows the end of its gzip"
                )
            block = stream.decompress(chunk, _BLOCK)
            self._length += len(block)
            if self._length > max(_UNWATCHED, MOST_TIMES * self._packed):
                raise FormatError(
                    f"{_url(response)} sends {self._packed:,} bytes that unpack to over "
                    f"{self._length:,}, {MOST_TIMES} times as many: no list is like that"
                )
            if block:
                yield block
            chunk = stream.unused_data if stream.eof else stream.unconsumed_tail
            is_pending = len(block) == _BLOCK and not stream.eof


def _url(response: httpx.Response) -> str:
    return str(response.url.copy_with(query=None, userinfo=b""))
