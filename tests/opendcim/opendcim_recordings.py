"""Real requests and answers of openDCIM's repository and its clients, recorded; and a server that
gives the recorded answers."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from tests.support.given_data import captures
from tests.support.servers.web_server import serving

_EXCHANGE = re.compile(rb">>> REQUEST\n(.*?)\n<<< RESPONSE\n(.*?)(?=\n-{60,}|\Z)", re.DOTALL)
_RECORDED_PICTURES = b"http:\\/\\/127.0.0.1:8101\\/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer, as they went over the wire."""

    method: str
    path: str
    status: int
    content_type: str
    body: bytes


def recorded(*names: str) -> list[Exchange]:
    """Of files below the captures; the test is skipped where they are not."""
    return [one for name in names for file in sorted(captures().glob(name)) for one in _read(file)]


def _read(file: Path) -> Iterator[Exchange]:
    for found in _EXCHANGE.finditer(file.read_bytes()):
        request, answer = found[1].lstrip(), found[2]
        method, path = request.split(b"\n", 1)[0].split()[:2]
        head, body = re.split(rb"\r?\n\r?\n", answer, maxsplit=1)
        kind = re.search(rb"^content-type: *([^\r\n]*)", head, re.IGNORECASE | re.MULTILINE)
        yield Exchange(
            method=method.decode(),
            path=path.decode(),
            status=int(head.split()[1]),
            content_type=kind[1].decode().strip() if kind else "",
            body=_content(body.strip(b"\n")),
        )


def _content(body: bytes) -> bytes:
    """Binary bodies were written down as Python writes them."""
    if body.startswith(b"b'") and body.endswith(b"'"):
        return bytes(ast.literal_eval(body.decode()))
    return body


def recorded_requests(method: str, name: str) -> list[bytes]:
    """The bodies of the requests of this kind in a file."""
    bodies = []
    for file in sorted(captures().glob(name)):
        for found in _EXCHANGE.finditer(file.read_bytes()):
            request = found[1].lstrip()
            if request.startswith(method.encode()):
                bodies.append(re.split(rb"\r?\n\r?\n", request, maxsplit=1)[1].strip())
    return bodies


def uploaded_picture() -> bytes:
    """The one that the real client uploaded."""
    body = recorded_requests("POST", "sync-4.2/03-*.raw.txt")[0]
    found = re.search(rb"\x89PNG.*?IEND.{4}", body, re.DOTALL)
    assert found
    return found[0]


@dataclass(slots=True)
class Replay:
    """Answers the nth request for something with the nth recorded answer, then always with the
    last; anything else as the real server does."""

    exchanges: list[Exchange]
    base: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        known = [one for one in self.exchanges if (one.method, one.path) == (request.method, path)]
        before = self.asked.count((request.method, path))
        self.asked.append((request.method, path))
        self.bodies.append(await request.body())
        if not known:
            return Response(b"<html>404 Page Not Found</html>", 404, media_type="text/html")
        one = known[min(before, len(known) - 1)]
        own = self.base.encode().replace(b"/", b"\\/") + b"\\/"
        body = one.body.replace(_RECORDED_PICTURES, own)
        return Response(body, one.status, {"Content-Type": one.content_type})


@contextmanager
def replayed(*names: str) -> Iterator[Replay]:
    replay = Replay(recorded(*names))

    async def app(scope: dict[str, object], receive: Callable[..., object], send: object) -> None:
        if scope["type"] == "http":
            response = await replay.answer(Request(scope, receive))  # type: ignore[arg-type]
            await response(scope, receive, send)  # type: ignore[arg-type]

    with serving(app) as base:
        replay.base = base
        yield replay


def counted(replay: Replay) -> dict[tuple[str, str], int]:
    """How often what was asked for."""
    numbers: dict[tuple[str, str], int] = defaultdict(int)
    for one in replay.asked:
        numbers[one] += 1
    return dict(numbers)
