"""httpx's transport for a source that is reached directly, without a proxy.

httpx's own takes four times as long for a small file: its parser is written in Python. Everything
else (redirects, credentials, encodings, limits of time) stays httpx's.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx

from harvester.http.direct_connection import (
    Answer,
    DirectConnection,
    Origin,
    encrypt,
    open_line,
    shake_hands,
)
from shared.edges import OnError

_PORTS = {b"http": 80, b"https": 443}


class DirectTransport(httpx.BaseTransport):
    """At most ``most`` connections are in use at a time; a further request waits. ``opened`` is
    called with each socket before anything is sent."""

    def __init__(
        self, context: ssl.SSLContext, most: int, opened: Callable[[socket.socket], None]
    ) -> None:
        self._context = context
        self._opened = opened
        self._free = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._resting: list[DirectConnection] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._free.acquire()
        with OnError(self._free.release):
            connection = self._connection(request)
            with OnError(connection.close):
                answer = connection.ask(request)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(self, connection, answer),
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": answer.reason},
        )

    def close(self) -> None:
        with self._lock:
            resting, self._resting = self._resting, []
        for connection in resting:
            connection.close()

    def give_back(self, connection: DirectConnection, answer: Answer) -> None:
        """Take a connection back after its answer was read, whole or in part."""
        if answer.is_complete and not answer.is_last:
            connection.rest()
            with self._lock:
                self._resting.append(connection)
        else:
            connection.close()
        self._free.release()

    def _connection(self, request: httpx.Request) -> DirectConnection:
        """The connection that was used last, since it is the likeliest to be alive; else a new
        one."""
        url = request.url
        origin = (url.raw_scheme, url.raw_host, url.port or _PORTS[url.raw_scheme])
        while (resting := self._rested_at(origin)) is not None:
            if resting.is_alive:
                return resting
            resting.close()
        return self._connect(origin, request.extensions["timeout"]["connect"])

    def _rested_at(self, origin: Origin) -> DirectConnection | None:
        with self._lock:
            for place in range(len(self._resting) - 1, -1, -1):
                if self._resting[place].origin == origin:
                    return self._resting.pop(place)
            for other in self._resting:  # to other origins; there must not be too many in all
                other.close()
            self._resting.clear()
        return None

    def _connect(self, origin: Origin, timeout: float | None) -> DirectConnection:
        with ExitStack() as lines:
            line = lines.enter_context(open_line(origin, timeout))
            self._opened(line)
            if origin[0] == b"https":
                line = encrypted = lines.enter_context(encrypt(line, self._context, origin[1]))
                self._opened(line)
                shake_hands(encrypted)
            lines.pop_all()  # they stay open
        return DirectConnection(origin, line)


class _Body(httpx.SyncByteStream):
    """The body of an answer, streamed. At its end the connection goes back to the pool."""

    def __init__(self, home: DirectTransport, connection: DirectConnection, answer: Answer) -> None:
        self._home: DirectTransport | None = home
        self._connection = connection
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        answer = self._answer
        while True:
            parts, answer.body = answer.body, []
            yield from parts
            if answer.is_complete:
                return
            self._connection.receive(answer)

    def close(self) -> None:
        home, self._home = self._home, None
        if home is not None:
            home.give_back(self._connection, self._answer)
