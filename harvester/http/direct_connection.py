"""One HTTP/1.1 connection straight to a server. llhttp parses the answers."""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

_BLOCK = 128 * 1024
# Bytes; a head without an end must not fill the memory.
_LONGEST_HEAD = 100 * 1024
# Seconds in which a head that has begun must end, where no other time is set.
_LONGEST_PAUSE = 600.0
# Seconds; servers close connections that are idle for long.
_LONGEST_REST = 5.0
_FIRST_FINAL_STATUS = 200
_WITHOUT_BODY = frozenset({204, 304})

# Scheme, host and port.
Origin = tuple[bytes, bytes, int]


class Answer:
    """The state of one answer; the parser's callbacks fill it."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.status = 0
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        # What was not taken yet.
        self.body: list[bytes] = []
        # Bytes since the last of the body: heads, lengths of chunks, what stands behind the last of
        # them.
        self.frame = 0
        self.is_complete = False
        # Whether nothing may be asked on this connection any more.
        self.is_last = False
        self._has_end = False

    def feed(self, data: memoryview) -> None:
        self.frame += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            raise httpx.RemoteProtocolError(f"no answer of HTTP: {error}") from error
        if self.frame > _LONGEST_HEAD and not self.is_complete and not self.body:
            raise httpx.RemoteProtocolError("the head of the answer, or its foot, has no end")

    def end(self) -> None:
        """The server has closed the connection."""
        if not self.status:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        if self._has_end:
            raise httpx.RemoteProtocolError("the connection was closed before the answer's end")
        self.is_complete = self.is_last = True

    def on_message_begin(self) -> None:
        if self.is_complete:  # nobody has asked for more; none of it is taken
            self.is_last = True

    def on_status(self, reason: bytes) -> None:
        if not self.status:
            self.reason += reason  # it may come in pieces

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.status:  # what stands behind the last chunk
            return
        self.headers.append((name, value))
        self._has_end |= name.lower() in {b"content-length", b"transfer-encoding"}

    def on_headers_complete(self) -> None:
        if self.status:
            return
        status = self._parser.get_status_code()
        if status < _FIRST_FINAL_STATUS:  # only a word in between
            self.headers.clear()
            self.reason = b""
        else:
            self.status = status
            self._has_end |= status in _WITHOUT_BODY

    def on_body(self, part: bytes) -> None:
        self.frame = 0
        if not self.is_complete:
            self.body.append(part)

    def on_message_complete(self) -> None:
        if self.status and not self.is_complete:
            self.is_complete = True
            self.is_last = not self._parser.should_keep_alive()


class DirectConnection:
    """One connection. One thread at a time uses it, for one request after another."""

    def __init__(self, origin: Origin, line: socket.socket) -> None:
        self.origin = origin
        self._line = line
        self._block = memoryview(bytearray(_BLOCK))
        self._rested = 0.0

    def close(self) -> None:
        self._line.close()

    def rest(self) -> None:
        """The connection is idle until the next request."""
        self._rested = time.monotonic()

    @property
    def is_alive(self) -> bool:
        """Whether the connection can be used again: the server has sent nothing, and has not closed
        it."""
        if time.monotonic() - self._rested > _LONGEST_REST or self._line.fileno() < 0:
            return False
        poll = select.poll()
        poll.register(self._line, select.POLLIN)
        return not poll.poll(0)

    def ask(self, request: httpx.Request) -> Answer:
        """Send a request; returns when the head of the answer has come."""
        timeouts = request.extensions["timeout"]
        with _translated(httpx.WriteTimeout, httpx.WriteError):
            self._line.settimeout(timeouts["write"])
            for part in _as_sent(request):
                self._line.sendall(part)
        self._line.settimeout(timeouts["read"])
        answer = Answer()
        self.receive(answer)
        deadline = time.monotonic() + (timeouts["read"] or _LONGEST_PAUSE)
        while not answer.status:
            self.receive(answer)
            if time.monotonic() > deadline and not answer.status:
                raise httpx.ReadTimeout("the head of the answer came too slowly")
        return answer

    def receive(self, answer: Answer) -> int:
        """Wait for more of the answer; returns the number of bytes that came."""
        with _translated(httpx.ReadTimeout, httpx.ReadError):
            size = self._line.recv_into(self._block)
        if size:
            answer.feed(self._block[:size])
        else:
            answer.end()
        return size


def _as_sent(request: httpx.Request) -> Iterator[bytes]:
    head = [b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    head += [b"%s: %s" % header for header in request.headers.raw]
    yield b"\r\n".join((*head, b"", b""))
    stream = request.stream
    if not isinstance(stream, httpx.SyncByteStream):
        raise TypeError("the body of a request must not be asynchronous")
    chunked = "transfer-encoding" in request.headers
    for part in stream:
        if part:
            yield b"%x\r\n%s\r\n" % (len(part), part) if chunked else part
    if chunked:
        yield b"0\r\n\r\n"


@contextmanager
def _translated(
    timeout: type[httpx.TimeoutException], error: type[httpx.NetworkError]
) -> Iterator[None]:
    """Translates errors of the operating system into httpx's."""
    try:
        yield
    except TimeoutError as found:
        raise timeout(str(found) or "timed out") from found
    except (OSError, UnicodeError) as found:
        raise error(str(found)) from found


def open_line(origin: Origin, timeout: float | None) -> socket.socket:
    """A plain TCP connection, with Nagle's delay switched off."""
    with _translated(httpx.ConnectTimeout, httpx.ConnectError):
        line = socket.create_connection((origin[1].decode(), origin[2]), timeout)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line


def encrypt(line: socket.socket, context: ssl.SSLContext, host: bytes) -> ssl.SSLSocket:
    """A TLS socket over a plain one; the handshake is left to `shake_hands`."""
    with _translated(httpx.ConnectTimeout, httpx.ConnectError):
        return context.wrap_socket(
            line, server_hostname=host.decode(), do_handshake_on_connect=False
        )


def shake_hands(line: ssl.SSLSocket) -> None:
    with _translated(httpx.ConnectTimeout, httpx.ConnectError):
        line.do_handshake()
