"""Bodies of requests: read within limits, and parsed to a tree whatever their encoding."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

from fastapi import Request

from opendcim.repository.forms import Tree, read_form
from opendcim.repository.refusals import TOO_LARGE, RefusalError
from shared.errors import FormatError

# Bytes. A template with 1,000 ports is half a megabyte as a form.
LARGEST_BODY = 8 << 20

# Seconds within which a whole body must arrive, so that slow clients hold no connection.
_PATIENCE = 120.0
_REQUEST_TIMEOUT = 408
# Levels of JSON; clients send three.
_DEEPEST = 32


async def read_body(request: Request, largest: int = LARGEST_BODY) -> bytes:
    """Raises `RefusalError` if the body is too large or takes too long."""
    body = bytearray()
    async for part in limited(request, largest):
        body += part
    return bytes(body)


async def limited(request: Request, largest: int) -> AsyncGenerator[bytes, None]:
    """The body in pieces. Raises `RefusalError` if it is too large or takes too long."""
    size = 0
    try:
        async with asyncio.timeout(_PATIENCE):
            async for part in request.stream():
                # A client may send no Content-Length or a wrong one; the bytes that arrive count.
                size += len(part)
                if size > largest:
                    raise RefusalError(TOO_LARGE, f"The request is larger than {largest:,} bytes")
                yield part
    except TimeoutError as error:
        raise RefusalError(
            _REQUEST_TIMEOUT, f"The request took longer than {_PATIENCE:.0f} seconds"
        ) from error


def tree_of(content_type: str, body: bytes) -> Tree:
    """Parses JSON if the body is declared as JSON or looks like it, else a form. A body without a
    content type, which the original ignores, is read too. Raises `FormatError`."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith("json") or body.lstrip()[:1] == b"{":
        return read_json(body)
    return read_form(body)


def read_json(body: bytes) -> Tree:
    """A JSON object; an empty body is an empty object. Raises `FormatError`."""
    if not body.strip():
        return {}
    _refuse_depth(body)
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"the body is no JSON: {error}") from error
    if not isinstance(tree, dict):
        raise FormatError("the body is no JSON object")
    return tree


def _refuse_depth(body: bytes) -> None:
    """Refuses JSON that is nested too deeply for the parser's recursion. Brackets within texts are
    counted, too, which is harmless."""
    if body.count(b"[") + body.count(b"{") <= _DEEPEST:
        return
    depth = deepest = 0
    for byte in body:
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    if deepest > _DEEPEST:
        raise FormatError(f"the body is nested deeper than {_DEEPEST} levels")
