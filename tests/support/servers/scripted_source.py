"""A data source that answers as a test says, on a real web server, and notes what it was asked."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from harvester.openbis.section import SectionConfig
from tests.support.servers.web_server import serving

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]

PASSWORD = "p\u00e4:ss w\u00f6rd\u20ac"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``cut``: the connection ends before the announced body does; ``endless``: the body comes
    again and again, ten thousand times; ``silent``: nothing is answered at all."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    endless: bool = False
    silent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class ScriptedSource:
    """An ASGI application. Of several answers at a path the first comes first, the last stays."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self._answers: dict[str, list[Answer]] = defaultdict(list)

    def forget(self) -> None:
        """All requests and answers, for the next test."""
        self.requests.clear()
        self._answers.clear()

    def answer(self, path: str, *answers: Answer) -> None:
        self._answers[path].extend(answers)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = (await receive()).get("body", b"")
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        path, query = scope["raw_path"].decode(), scope["query_string"].decode()
        self.requests.append(
            Request(method=scope["method"], path=path, query=query, headers=headers, body=body)
        )
        answers = self._answers[path] or [Answer(status=404, body=b"nothing here")]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        while answer.silent and (await receive())["type"] != "http.disconnect":
            pass
        await _give(answer, send)


async def _give(answer: Answer, send: Send) -> None:
    headers = {"content-length": str(len(answer.body) + answer.cut), **answer.headers}
    if answer.endless:
        del headers["content-length"]
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    for _ in range(10_000 if answer.endless else 0):
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": answer.body})


@contextmanager
def scripted_source() -> Iterator[ScriptedSource]:
    source = ScriptedSource()
    with serving(source) as url:
        source.url = url
        yield source


def seconds(*numbers: float) -> tuple[timedelta, ...]:
    """Pauses between tries, for a section."""
    return tuple(timedelta(seconds=number) for number in numbers)


def section(url: str, **fields: Any) -> SectionConfig:
    """A section for the source at a base URL."""
    values: dict[str, Any] = {
        "name": "DS1",
        "resource_list_url": f"{url}/datastore_server/re-sync",
        "data_source_dss_url": f"{url}/datastore_server",
        "data_source_auth_user": "mira",
        "data_source_auth_pass": PASSWORD,
        "harvester_user": "otto",
        "harvester_pass": "other",
        "harvester_tmp_dir": Path("temp"),
    }
    return SectionConfig(**(values | fields))
