"""A data source behind TLS that answers everything with one document, and a proxy on the way."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

BODY = b"<urlset/>"
_FOR_PROXIES = frozenset({"connection", "proxy-authorization"})


class _Server(ThreadingHTTPServer):
    """Handshakes happen in the thread of the connection, and one that fails is nobody's fault."""

    daemon_threads = True
    context: ssl.SSLContext | None = None

    def finish_request(self, request: object, client_address: object) -> None:
        connection = request
        if self.context and isinstance(connection, socket.socket):
            try:
                connection = self.context.wrap_socket(connection, server_side=True)
            except OSError:
                return
        with suppress(OSError):
            super().finish_request(connection, client_address)  # type: ignore[arg-type]
            if isinstance(connection, ssl.SSLSocket):
                connection.close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves is nothing to print."""


@contextmanager
def _serving(
    handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None
) -> Iterator[int]:
    with _Server(("", 0), handler) as server:
        server.context = context
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def https(context: ssl.SSLContext, body: bytes = BODY) -> Iterator[str]:
    """The base URL. Every GET is answered with the body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with _serving(Handler, context) as port:
        yield f"https://localhost:{port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a proxy was asked."""

    method: str
    target: str
    headers: dict[str, str]


@dataclass(slots=True)
class Proxy:
    url: str
    asked: list[Asked] = field(default_factory=list)


class _Proxying(BaseHTTPRequestHandler):
    proxy: Proxy
    refuses: bool

    def do_CONNECT(self) -> None:
        if self._is_refused():
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port))) as upstream:
            self.send_response(200)
            self.end_headers()
            _pump(self.connection, upstream)
        self.close_connection = True

    def do_GET(self) -> None:
        if self._is_refused():
            return
        parts = urlsplit(self.path)
        kept = {k: v for k, v in self.headers.items() if k.lower() not in _FOR_PROXIES}
        lines = [f"GET {parts.path}?{parts.query} HTTP/1.1", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in kept.items()]
        with socket.create_connection((parts.hostname, parts.port)) as upstream:
            upstream.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
            while block := upstream.recv(65536):
                self.wfile.write(block)
        self.close_connection = True

    def _is_refused(self) -> bool:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.proxy.asked.append(Asked(method=self.command, target=self.path, headers=headers))
        if self.refuses:
            self.send_error(407)
        return self.refuses

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def a_proxy(context: ssl.SSLContext | None = None, *, refuses: bool = False) -> Iterator[Proxy]:
    """It forwards plain requests and opens tunnels; with a context it speaks TLS itself."""
    proxy = Proxy("")
    handler = type("Handler", (_Proxying,), {"proxy": proxy, "refuses": refuses})
    with _serving(handler, context) as port:
        proxy.url = f"{'https' if context else 'http'}://localhost:{port}"
        yield proxy


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Both ways, until one side ends."""
    partners = {one: other, other: one}
    while True:
        pending = [s for s in partners if isinstance(s, ssl.SSLSocket) and s.pending()]
        for ready in pending or select.select(list(partners), [], [], 30)[0]:
            block = ready.recv(65536)
            if not block:
                return
            partners[ready].sendall(block)
