"""Limits of connections and of the heads of requests; they apply before the sign-in."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.client_address import client_address

# Bytes of a request line and its headers.
LONGEST_HEAD = 64 * 1024
MOST_HEADERS = 100
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"connection: close\r\ncontent-length: 0\r\n\r\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Limits of connections. The head of a request must be complete within ``head_seconds``."""

    most: int
    most_of_address: int
    head_seconds: float


def limited_protocol(limits: ConnectionLimits) -> type[asyncio.Protocol]:
    """The protocol of uvicorn with these limits. Connections beyond them are closed at once."""
    open_now: Counter[str] = Counter()

    class Limited(LimitedProtocol):
        def __init__(self, *args: Any, **fields: Any) -> None:
            super().__init__(*args, **fields)
            self.limits = limits
            self.open_now = open_now

    return Limited


class LimitedProtocol(HttpToolsProtocol):
    limits: ConnectionLimits
    open_now: Counter[str]
    # Called once, when the connection is closed.
    when_lost: Callable[[], None] | None = None
    _address: str | None = None
    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        address = client_address(self.client[0] if self.client else "")
        in_all = self.open_now.total()
        if in_all >= self.limits.most or self.open_now[address] >= self.limits.most_of_address:
            transport.abort()
            return
        self._address = address
        self.open_now[address] += 1
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_timer()
        if self._address is not None:
            self.open_now[self._address] -= 1
            if not self.open_now[self._address]:
                del self.open_now[self._address]
            self._address = None
        super().connection_lost(exc)
        if self.when_lost is not None:
            self.when_lost()

    def data_received(self, data: bytes) -> None:
        if self._address is None or self.transport.is_closing():
            return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > LONGEST_HEAD and not self.transport.is_closing():
            self._refuse()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if not self._in_head:
            self._await_head()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._check(len(self.url))

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) >= MOST_HEADERS:
            self._refuse()
            raise ValueError("too many headers")
        self._check(len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head, self._head_bytes = False, 0
        self._cancel_timer()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        # A head that was refused has its answer; the error that stopped the parser leads here.
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def _check(self, length: int) -> None:
        if length > LONGEST_HEAD:
            self._refuse()
            raise ValueError("the head is too long")

    def _await_head(self) -> None:
        self._cancel_timer()
        self._in_head, self._head_bytes = True, 0
        self._head_timer = self.loop.call_later(self.limits.head_seconds, self._give_up)

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()

    def _refuse(self) -> None:
        self.transport.write(_TOO_LARGE)
        self.transport.close()

    def _cancel_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
