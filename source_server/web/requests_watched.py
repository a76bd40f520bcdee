"""Watches requests from their first byte to their last, for metrics, access log and the limits of
lists.

A pure ASGI layer around the whole application, which buffers and changes nothing. However an answer
ends (sent, client gone, error, server stopped), it ends here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from source_server.web.list_limits import RefusalReason, Turn

_HTTP_ERRORS = 400


class Served(StrEnum):
    """Kinds of requests by users who are signed in. OTHER: all other requests."""

    ABOUT = "about"
    CAPABILITY_LIST = "capabilitylist"
    RESOURCE_LIST = "resourcelist"
    FILE_LIST = "filelist"
    DATA_SET_FILE = "data_set_file"
    ATTACHMENT = "attachment"
    SERVICE_FILE = "service_file"
    OTHER = "other"

    @property
    def is_file(self) -> bool:
        return self in {Served.DATA_SET_FILE, Served.ATTACHMENT, Served.SERVICE_FILE}


class WatchedRequest:
    """Notes of the routes about the request that they answer. They run in worker threads."""

    def __init__(self) -> None:
        self.kind = Served.OTHER
        # Only of a user who is signed in.
        self.user_id: str | None = None
        self.verb: str | None = None
        self.black_list: str | None = None
        self.white_list: str | None = None
        # What harvesters of openBIS 7 send: roots and flags.
        self.roots: str | None = None
        self.flags: str | None = None
        # The version of openBIS whose harvesters read the list; None for all but lists.
        self.peer: str | None = None
        self.refused: RefusalReason | None = None
        self._turn: Turn | None = None
        self._over = False
        self._lock = threading.Lock()

    def hold(self, turn: Turn) -> None:
        """Keep the turn until the request ends. If it has ended already, as when the server stops
        while a thread works on it, end the turn at once."""
        with self._lock:
            self._turn = turn
            over = self._over
        if over:
            turn.end(delivered=False)

    def end(self, *, delivered: bool) -> None:
        with self._lock:
            self._over = True
            turn = self._turn
        if turn is not None:
            turn.end(delivered=delivered)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedAnswer:
    """An answer that has ended. ``status`` is None if there was none; ``size`` is the number of
    bytes of its body; ``first_byte`` and ``seconds`` are the times to its first and last byte. It
    is ``complete`` if its body was not cut off."""

    visit: WatchedRequest
    begun: datetime
    client: str | None
    method: str
    path: str
    status: int | None
    size: int
    first_byte: float | None
    seconds: float
    complete: bool

    @property
    def succeeded(self) -> bool:
        return self.status is not None and self.status < _HTTP_ERRORS


def visit_of(request: Request) -> WatchedRequest:
    """The visit of a request to an application within `Visited`."""
    visit: WatchedRequest = request.state.visit
    return visit


class Visited:
    """The application with a watch on its requests. ``sent`` is called for each piece of a body, so
    it must be quick; ``ended`` once for each answer."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        sent: Callable[[Served], Callable[[int], None]],
        ended: Callable[[EndedAnswer], None],
    ) -> None:
        self._app = app
        self._sent = sent
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sending = _Sending(scope, send, self._sent, self._ended)
        scope.setdefault("state", {})["visit"] = sending.visit
        try:
            await self._app(scope, receive, sending)
        finally:
            sending.end()


class _Sending:
    """Passes messages on, and counts a body once the web server has taken it."""

    def __init__(
        self,
        scope: Scope,
        send: Send,
        sent: Callable[[Served], Callable[[int], None]],
        ended: Callable[[EndedAnswer], None],
    ) -> None:
        self.visit = WatchedRequest()
        self._scope = scope
        self._send = send
        self._sent = sent
        self._ended: Callable[[EndedAnswer], None] | None = ended
        self._begun, self._start = datetime.now(UTC), time.perf_counter()
        self._has_body = scope["method"] != "HEAD"
        self._count: Callable[[int], None] | None = None
        self._size = 0
        self._status: int | None = None
        self._first_byte: float | None = None
        self._complete = False

    async def __call__(self, message: Message) -> None:
        await self._send(message)
        if message["type"] == "http.response.body":
            size = len(message.get("body", b""))
            if size and self._has_body:
                self._add(size)
            if not message.get("more_body", False):
                self._complete = True
                self.end()
        elif message["type"] == "http.response.start":
            self._status = message["status"]
            self._first_byte = time.perf_counter() - self._start

    def end(self) -> None:
        """Note the end of the answer; only the first call counts. A complete answer ends with its
        last byte, not when the application returns: the slot of a list is then free before the
        client can ask for its next list."""
        ended, self._ended = self._ended, None
        if ended is None:
            return
        answer = EndedAnswer(
            visit=self.visit,
            begun=self._begun,
            client=_client(self._scope),
            method=self._scope["method"],
            path=self._scope["path"],
            status=self._status,
            size=self._size,
            first_byte=self._first_byte,
            seconds=time.perf_counter() - self._start,
            complete=self._complete,
        )
        self.visit.end(delivered=answer.succeeded and answer.complete)
        ended(answer)

    def _add(self, size: int) -> None:
        if self._count is None:  # what was asked for is known by now
            self._count = self._sent(self.visit.kind)
        self._size += size
        self._count(size)


def _client(scope: Scope) -> str | None:
    client: Any = scope.get("client")
    return str(client[0]) if client else None
