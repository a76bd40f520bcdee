"""A TCP proxy between two programs that cuts connections, holds them, or lets bytes
through one at a time.

It reads as much HTTP as it needs to know which request an answer belongs to; the bytes of an
answer, its head included, are counted from there.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto

_BLOCK = 1 << 16
_REQUEST = re.compile(rb"^[A-Z]+ (\S+) HTTP/1\.1\r\n(.*?)\r\n\r\n", re.DOTALL | re.MULTILINE)
_RANGE = re.compile(rb"^range: *(\S+)", re.IGNORECASE | re.MULTILINE)
_IF_RANGE = re.compile(rb"^if-range: *(.+)", re.IGNORECASE | re.MULTILINE)
_PATIENCE = 120.0


class Fate(Enum):
    """What becomes of an answer."""

    CUT = auto()
    # Nothing more comes, until it is dropped or released.
    HELD = auto()
    SLOW = auto()


@dataclass(slots=True, kw_only=True)
class Trouble:
    """Befalls the next answers below a path, after so many bytes. ``times``: how many; None all.
    ``rate``: bytes a second, if they are slow."""

    path: str
    fate: Fate
    after: int = 0
    times: int | None = 1
    rate: int = 0


@dataclass(slots=True, kw_only=True)
class Exchange:
    """A request, and how many bytes of its answer came through."""

    path: str
    range: str | None
    if_range: str | None
    bytes: int = 0


@dataclass(slots=True)
class TcpProxy:
    """Connects those who come to the server at ``port``."""

    target: int
    port: int = 0
    troubles: list[Trouble] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    # Whether an answer is being held.
    held: threading.Event = field(default_factory=threading.Event)
    _released: threading.Event = field(default_factory=threading.Event)
    _dropped: threading.Event = field(default_factory=threading.Event)
    _listener: socket.socket | None = None
    _sockets: list[socket.socket] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def expects(self, *troubles: Trouble) -> None:
        with self._lock:
            self.troubles = list(troubles)
        for one in (self.held, self._released, self._dropped):
            one.clear()

    def wait_until_held(self) -> None:
        assert self.held.wait(_PATIENCE)

    def drop(self) -> None:
        """Whatever is held never comes."""
        self._dropped.set()
        self._released.set()

    def asked(self, path: str) -> list[Exchange]:
        return [one for one in self.exchanges if one.path.startswith(path)]

    def open(self) -> None:
        """Take connections, always at the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        """Refuse connections, as a machine on which no server listens."""
        if self._listener:
            with suppress(OSError):  # wakes up who waits for it
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # it is shut
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=_PATIENCE)
            except OSError:
                client.close()
                continue
            self._sockets += [client, server]
            line = _Line(self, client, server)
            for pump in (line.upwards, line.downwards):
                threading.Thread(target=pump, daemon=True).start()

    def close(self) -> None:
        self.shut()
        self.drop()
        for one in self._sockets:
            _close(one)

    def fate_of(self, exchange: Exchange) -> Trouble | None:
        """Of an answer that begins."""
        with self._lock:
            for trouble in self.troubles:
                if trouble.times != 0 and exchange.path.startswith(trouble.path):
                    if trouble.times is not None:
                        trouble.times -= 1
                    return trouble
        return None

    def hold(self) -> bool:
        """Whether it may go on then."""
        self.held.set()
        self._released.wait(_PATIENCE)
        return not self._dropped.is_set()


class _Line:
    """One connection."""

    def __init__(self, wire: TcpProxy, client: socket.socket, server: socket.socket) -> None:
        self._wire = wire
        self._client = client
        self._server = server
        self._exchange: Exchange | None = None
        self._trouble: Trouble | None = None
        self._head = b""

    def upwards(self) -> None:
        with suppress(OSError):
            while data := self._client.recv(_BLOCK):
                self._read_requests(data)
                self._server.sendall(data)
        self._end()

    def _read_requests(self, data: bytes) -> None:
        self._head += data
        while found := _REQUEST.search(self._head):
            self._head = self._head[found.end() :]
            given, condition = _RANGE.search(found[2]), _IF_RANGE.search(found[2])
            self._exchange = Exchange(
                path=found[1].decode(),
                range=given[1].decode() if given else None,
                if_range=condition[1].decode().strip() if condition else None,
            )
            self._wire.exchanges.append(self._exchange)
            self._trouble = self._wire.fate_of(self._exchange)

    def downwards(self) -> None:
        with suppress(OSError):
            while data := self._server.recv(_BLOCK):
                if not self._pass(data):
                    break
        self._end()

    def _pass(self, data: bytes) -> bool:
        """Whether the connection lives on."""
        exchange, trouble = self._exchange, self._trouble
        if exchange is None:
            return False
        if trouble is None:
            self._send(exchange, data)
            return True
        first = data[: max(0, trouble.after - exchange.bytes)]
        rest = data[len(first) :]
        self._send(exchange, first)
        if not rest:
            return True
        if trouble.fate is Fate.CUT or (trouble.fate is Fate.HELD and not self._wire.hold()):
            return False
        if trouble.fate is Fate.SLOW:
            self._trickle(exchange, rest, trouble.rate)
        else:
            self._trouble = None
            self._send(exchange, rest)
        return True

    def _trickle(self, exchange: Exchange, data: bytes, rate: int) -> None:
        portion = max(1, rate // 50)
        for start in range(0, len(data), portion):
            self._send(exchange, data[start : start + portion])
            time.sleep(portion / rate)

    def _send(self, exchange: Exchange, data: bytes) -> None:
        exchange.bytes += len(data)  # first: who has got it may look at once
        self._client.sendall(data)

    def _end(self) -> None:
        _close(self._client)
        _close(self._server)


def _close(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def tcp_proxy(target: int) -> Iterator[TcpProxy]:
    """In front of the server at a port of this machine."""
    wire = TcpProxy(target)
    wire.open()
    try:
        yield wire
    finally:
        wire.close()
