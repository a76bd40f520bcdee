"""Hands requests to the publication or to the parts that are served beside it."""

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
    """An application that answers all paths below its ``prefixes``, such as ``/api``; it gets whole
    paths."""

    # Shown in the log, with its address.
    name: str
    prefixes: tuple[str, ...]
    app: ASGIApp

    def answers(self, path: str) -> bool:
        # The slash keeps the part at ``/api`` from answering ``/apiary``.
        return any(path == prefix or path.startswith(f"{prefix}/") for prefix in self.prefixes)


class Dispatcher:
    """Hands each request to the part that answers its path, else to ``rest``."""

    def __init__(self, parts: Sequence[OpenedPart], rest: ASGIApp) -> None:
        self._parts = parts
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        found = (part.app for part in self._parts if part.answers(path))
        await next(found, self._rest)(scope, receive, send)


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """The answer to all other paths if no instance is published."""
    if scope["type"] == "http":
        await PlainTextResponse("there is nothing here\n", 404)(scope, receive, send)


def watched(app: ASGIApp, settings: SourceSettings, metrics: Metrics) -> ASGIApp:
    """The application with access log and metrics."""
    written = access_log(settings.access_log)

    def ended(answer: EndedAnswer) -> None:
        metrics.count(answer)
        written(answer)

    return Visited(app, sent=metrics.bytes_of, ended=ended)
