"""What one server answers: the publication, and the parts that the settings switch on beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from source_server.settings import SourceSettings
from source_server.web.access_log import access_log
from source_server.web.metrics import Metrics
from source_server.web.requests_watched import EndedAnswer, Visited


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPart:
    """An application that answers all below its ``prefixes``, such as ``/api``; it sees whole
    paths."""

    name: str
    """For people: the log says where it is."""
    prefixes: tuple[str, ...]
    app: ASGIApp

    def answers(self, path: str) -> bool:
        return any(path == prefix or path.startswith(f"{prefix}/") for prefix in self.prefixes)


class Dispatcher:
    """Hands each request to the part whose it is, and else to ``rest``."""

    def __init__(self, parts: Sequence[OpenedPart], rest: ASGIApp) -> None:
        self._parts = parts
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        found = (part.app for part in self._parts if part.answers(path))
        await next(found, self._rest)(scope, receive, send)


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """What is beside the parts where no openBIS is published."""
    if scope["type"] == "http":
        await PlainTextResponse("there is nothing here\n", 404)(scope, receive, send)


def watched(app: ASGIApp, settings: SourceSettings, metrics: Metrics) -> ASGIApp:
    """The application with access log and metrics."""
    written = access_log(settings.access_log)

    def ended(answer: EndedAnswer) -> None:
        metrics.count(answer)
        written(answer)

    return Visited(app, sent=metrics.bytes_of, ended=ended)
