"""A server that answers with what real openDCIM installations answered: given recordings.

A request that was recorded gets that answer, byte for byte. Others get records out of recordings,
in the same envelope; what no recording has is kept in ``unrecorded``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.support.given_data import captures

VERSIONS = ("19.01", "25.01")
USER_ID, API_KEY = "dataminer", "0123456789abcdef"
USER, PASSWORD = "dataminer", "secret"

_Query = tuple[tuple[str, str], ...]
_Credentials = tuple[str, str, str]
_OWN = (USER_ID, API_KEY, "")
# Recordings that have several records, and the key of those.
_SOURCES = {
    "device": ("/api/v1/device", "DeviceID"),
    "cabinet": (
        "/api/v1/cabinet?DataCenterID=2&attributes=CabinetID,Location,DataCenterID",
        "CabinetID",
    ),
    "department": ("/api/v1/department?attributes=DeptID,Name", "DeptID"),
    "datacenter": ("/api/v1/datacenter", "DataCenterID"),
}
_UNAUTHORIZED = 401
_SIGN_IN = ("userid", "apikey", "authorization")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content_type: str
    body: bytes

    def response(self) -> Response:
        return Response(self.body, self.status, {"Content-Type": self.content_type})

    def records(self, member: str) -> list[dict[str, Any]]:
        found = json.loads(self.body)[member]
        return list(found.values()) if isinstance(found, dict) else found


@dataclass(slots=True)
class Replay:
    """An ASGI app; ``calls`` are the paths that were asked, with their queries."""

    version: str
    calls: list[str] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)
    _answers: dict[tuple[str, _Query, _Credentials], _Answer] = field(default_factory=dict)
    _unauthorized: _Answer | None = None
    _refused: _Answer | None = None

    def __post_init__(self) -> None:
        for file in sorted((captures() / f"opendcim-api-{self.version}").glob("*.txt")):
            target, credentials, answer = _read(file)
            self._answers.setdefault((*_asked(target), credentials), answer)
            if answer.status == _UNAUTHORIZED:
                self._unauthorized = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            await self._answer(request)(scope, receive, send)

    def rename(self, device: int, label: str) -> None:
        """The device has another label in all that was recorded."""
        for asked, answer in self._answers.items():
            if b'"device":[' in answer.body:
                content = json.loads(answer.body)
                for record in content["device"]:
                    if record.get("DeviceID") == device:
                        record["Label"] = label
                body = json.dumps(content).encode()
                self._answers[asked] = _Answer(answer.status, answer.content_type, body)

    def refuse_basic(self) -> None:
        """What a web server says that does not know the user."""
        self._refused = self._unauthorized

    def _answer(self, request: Request) -> Response:
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self.calls.append(target.removeprefix("/api/v1/"))
        given = _credentials(dict(request.headers))
        if self._refused:
            return self._refused.response()
        recorded = self._answers.get((*_asked(target), given))
        if recorded:
            return recorded.response()
        known = {credentials for _, _, credentials in self._answers}
        if given == _OWN or given[2]:
            return self._derived(request)
        refusal = self._of(
            "/api/v1/datacenter", given if given in known else ("whoever", "bad", "")
        )
        if refusal.content_type.startswith("text/html"):
            return refusal.response()
        return self._stranger()

    def _of(self, target: str, credentials: _Credentials = _OWN) -> _Answer:
        return self._answers[(*_asked(target), credentials)]

    def _derived(self, request: Request) -> Response:
        recorded = self._answers.get((*_asked(f"{request.url.path}?{request.url.query}"), _OWN))
        if recorded:
            return recorded.response()
        kind, *number = request.url.path.removeprefix("/api/v1/").split("/")
        if kind in {"deviceport", "powerport"}:
            return _enveloped(kind, [])
        if kind in _SOURCES:
            query = {_SOURCES[kind][1]: number[0]} if number else request.query_params
            return _matching(kind, self._of(_SOURCES[kind][0]), query)
        self.unrecorded.append(self.calls[-1])
        return Response("<h1>not recorded</h1>", 500, {"Content-Type": "text/html"})

    def _stranger(self) -> Response:
        """19.01 lets strangers in; device fields are blanked, since they have no rights."""
        blanked = self._of("/api/v1/device?Label=ENC-Brussels-01", ("noread", "noreadkey", ""))
        records = [record | {"Rights": ""} for record in blanked.records("device")]
        return _enveloped("device", records[:1])


def _matching(member: str, answer: _Answer, query: Mapping[str, str]) -> Response:
    """Text is compared as the database does: without case and without blanks around it."""
    records = [
        record
        for record in answer.records(member)
        if all(_plain(record.get(key)) == _plain(value) for key, value in query.items())
    ]
    return _enveloped(member, records)


def _plain(value: object) -> str:
    return str(value).replace("&#38;", "&").strip().lower()


def _enveloped(member: str, records: list[dict[str, Any]]) -> Response:
    body = json.dumps({"error": False, "errorcode": 200, member: records})
    return Response(body, 200, {"Content-Type": "application/json"})


def _asked(target: str) -> tuple[str, _Query]:
    parts = urlsplit(target)
    return unquote(parts.path), tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))


def _credentials(headers: Mapping[str, str]) -> _Credentials:
    user_id, api_key, basic = (headers.get(name, "") for name in _SIGN_IN)
    return user_id, api_key, basic


def _read(file: Path) -> tuple[str, _Credentials, _Answer]:
    asked, _, answered = file.read_bytes().partition(b"<<< RESPONSE\n")
    request = asked.decode().partition(">>> REQUEST\n")[2].splitlines()
    head, _, body = answered.replace(b"\r\n", b"\n").partition(b"\n\n")
    status, *fields = head.decode("latin-1").splitlines()
    answer = _Answer(int(status.split()[1]), _headers(fields)["content-type"], body.rstrip(b"\n"))
    return request[0].split()[1], _credentials(_headers(request[1:])), answer


def _headers(lines: Iterable[str]) -> dict[str, str]:
    pairs = (re.split(r":\s*", line.rstrip("\r"), maxsplit=1) for line in lines if ":" in line)
    return {name.lower(): value.strip() for name, value in pairs}
