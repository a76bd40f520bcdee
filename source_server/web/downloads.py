"""Answers with a file: whole, a range of it, or 304 if the client has it.

Choices that RFC 9110 leaves to the server: several ranges at once are answered with the whole file,
and so is a Range with an If-Range that is not the current ETag; dates are sent, but never compared.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from datetime import UTC
from email.utils import format_datetime
from typing import BinaryIO

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.responses import Response

from shared.errors import NotNowError, SyncError
from source_server.publication.catalogue import Downloadable, state_of
from source_server.web.etags import has_it_already
from source_server.web.streaming import StreamedResponse

_BLOCK = 256 * 1024
_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE)


def answer_with(content: Downloadable | None, method: str, headers: Headers) -> Response:
    """The answer to a GET or HEAD of a file; 404 if it is None or gone."""
    if content is None:
        raise HTTPException(404, "there is no such file, or you may not see it")
    tag = _quoted(content.etag)
    common = _headers(content, tag)
    if has_it_already(headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=common)
    with_range = method == "GET" and headers.get("if-range", tag) == tag
    wanted = _parse_range(headers.get("range"), content.length) if with_range else None
    if wanted is None:
        return _send(content, range(content.length), 200, common, method)
    if not wanted:
        refused = common | {"Content-Range": f"bytes */{content.length}"}
        return Response(status_code=416, headers=refused)
    common["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{content.length}"
    return _send(content, wanted, 206, common, method)


def _send(
    content: Downloadable, part: range, status: int, headers: dict[str, str], method: str
) -> Response:
    # Opened before the status is sent: a file that cannot be read is answered with an error.
    file = opened_content(content)
    headers |= {"Content-Length": str(len(part)), "Content-Type": "application/octet-stream"}
    if len(part) > _BLOCK and method != "HEAD":
        return StreamedResponse(
            _blocks(content, file, part), close=file.close, status_code=status, headers=headers
        )
    with file:  # most files are small: one answer without further changes of threads
        body = b"" if method == "HEAD" else b"".join(_blocks(content, file, part))
    return Response(body, status_code=status, headers=headers)


def opened_content(content: Downloadable) -> BinaryIO:
    """The opened file. 404 if it has vanished, 503 if the system cannot read it, SyncError if it
    has another length than the catalogue says."""
    if content.path is None:
        return io.BytesIO(content.data or b"")
    try:
        file = content.path.open("rb")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise HTTPException(404, "there is no such file, or you may not see it") from error
    except OSError as error:
        raise NotNowError(
            f"file {content.path.name!r} cannot be read: {error.strerror}; try again later"
        ) from error
    if _has_changed(content, file):
        file.close()
        raise NotNowError(f"file {content.path.name!r} was changed just now; try again")
    length = os.fstat(file.fileno()).st_size
    if length != content.length:
        file.close()
        raise SyncError(
            f"file {content.path.name!r} has {length} bytes, but {content.length} are recorded; "
            "it was changed or is incomplete at the source"
        )
    return file


def _has_changed(content: Downloadable, file: BinaryIO) -> bool:
    return content.may_change and state_of(os.fstat(file.fileno())) != content.etag


def _blocks(content: Downloadable, file: BinaryIO, part: range) -> Iterator[bytes]:
    """The bytes. If the file changes meanwhile, the last block is not sent, so that no client takes
    a mixture of two contents for whole."""
    file.seek(part.start)
    left = len(part)
    while left:
        block = file.read(min(_BLOCK, left))
        if len(block) in {0, left} and _has_changed(content, file):
            raise NotNowError("the file was changed while it was being sent; try again")
        if not block:
            raise SyncError(f"a file ended {left} bytes too early while it was being sent")
        left -= len(block)
        yield block


def _headers(content: Downloadable, tag: str) -> dict[str, str]:
    headers = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        # A file may hold a page with scripts: browsers must not guess that it is one.
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
    }
    if content.modified:
        headers["Last-Modified"] = format_datetime(content.modified.astimezone(UTC), usegmt=True)
    return headers


def _quoted(etag: str) -> str:
    return etag if etag.startswith('"') else f'"{etag}"'


def _parse_range(header: str | None, length: int) -> range | None:
    """The range of bytes that is asked for: None for all (also if the header is invalid), empty if
    it lies outside of the file."""
    found = _RANGE.fullmatch(header or "")
    if not found or not (found[1] or found[2]):
        return None
    if not found[1]:
        return range(max(length - int(found[2]), 0), length)
    first = int(found[1])
    last = min(int(found[2]), length - 1) if found[2] else length - 1
    if found[2] and int(found[2]) < first:
        return None
    return range(first, last + 1)
