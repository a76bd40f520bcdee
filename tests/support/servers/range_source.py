"""A data source with one large file, which it serves from any byte on; its connections break off
where a test says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.servers.web_server import serving

FILE = "/datastore_server/20240203120500001-21/original/big.bin"
_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One answer: what was asked, the status, and how many bytes of the body it has."""

    range: str | None
    if_range: str | None
    status: int
    length: int


@dataclass(slots=True, kw_only=True)
class RangeSource:
    """An ASGI application."""

    content: bytes
    url: str = ""
    # Of each answer with content.
    headers: dict[str, str] = field(default_factory=lambda: {"etag": '"one"'})
    # After so many bytes of the body the next answers break off; those after them do not.
    cuts: list[int] = field(default_factory=list)
    # What the next answers are instead; 0 for a usual one.
    statuses: list[int] = field(default_factory=list)
    with_ranges: bool = True
    # What is said of a part, instead of the truth.
    content_range: str | None = None
    # Seconds between two blocks of 64 KiB.
    pause: float = 0
    sent: list[Sent] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{self.url}{FILE}"

    async def __call__(
        self,
        scope: Mapping[str, Any],
        _receive: Callable[[], Awaitable[Mapping[str, Any]]],
        send: Callable[[Mapping[str, Any]], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            return
        asked = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        instead = self.statuses.pop(0) if self.statuses else 0
        status, start, headers = self._answer(asked, instead)
        body = self.content[start:] if status in {200, 206} else b""
        cut = self.cuts.pop(0) if self.cuts and body else len(body)
        headers["content-length"] = str(len(body))
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.sent.append(
            Sent(
                range=asked.get("range"),
                if_range=asked.get("if-range"),
                status=status,
                length=min(cut, len(body)),
            )
        )
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        for at in range(0, min(cut, len(body)), _BLOCK):
            block = body[at : min(at + _BLOCK, cut)]
            await send({"type": "http.response.body", "body": block, "more_body": True})
            await asyncio.sleep(self.pause)
        if cut >= len(body):  # else the server closes the connection
            await send({"type": "http.response.body", "body": b""})

    def _answer(self, asked: Mapping[str, str], instead: int) -> tuple[int, int, dict[str, str]]:
        headers = dict(self.headers)
        found = re.fullmatch(r"bytes=(\d+)-", asked.get("range", ""))
        same = asked.get("if-range") in {headers.get("etag"), headers.get("last-modified")}
        if instead:
            return instead, 0, headers
        if not found or not self.with_ranges or not same:
            return 200, 0, headers
        start = int(found[1])
        if start >= len(self.content):
            return 416, 0, {"content-range": f"bytes */{len(self.content)}"}
        told = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        return 206, start, headers | {"content-range": self.content_range or told}


@contextmanager
def range_source(content: bytes, **fields: Any) -> Iterator[RangeSource]:
    source = RangeSource(content=content, **fields)
    with serving(source) as url:
        source.url = url
        yield source
