"""A real web server for tests that takes what a web hook is sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.servers.certificates import server_context
from tests.support.servers.web_server import serving


@dataclass(slots=True)
class Hook:
    """``answers`` are the statuses of the next answers; when there are none left, it is 204."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    forms: list[Any] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def events(self) -> list[str]:
        return [form["event"] for form in self.forms]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.paths.append(f"{scope['method']} {scope['path']}?{scope['query_string'].decode()}")
        self.forms.append(json.loads(body) if body else None)
        status = self.answers.pop(0) if self.answers else 204
        headers = [(b"location", b"/elsewhere")] if status // 100 == 3 else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


@contextmanager
def web_hook() -> Iterator[Hook]:
    hook = Hook()
    with serving(hook) as url:
        hook.url = f"{url}/hooks/token-of-ours?key=hidden"
        yield hook


@contextmanager
def encrypted_web_hook(file: Path) -> Iterator[str]:
    """The URL of one with this certificate, which takes everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A guest who does not trust us is none of our concern."""

    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = server_context(file).wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://localhost:{server.server_port}/hooks/token-of-ours"
        server.shutdown()
