"""Recorded requests and answers of the real template repository and its clients: given data."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.opendcim.repository_site import a_picture
from tests.support.given_data import captures

_EXCHANGE = re.compile(rb">>> REQUEST\n(.*?)\n<<< RESPONSE\n(.*?)(?=\n-{70}\n|\Z)", re.DOTALL)
_FILE = re.compile(r'name="(front|rear)"; filename="([^"]+)"')
# Headers that are the client's own business.
_HOP = {"host", "content-length", "connection", "accept-encoding"}

Files = dict[str, tuple[str, bytes, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """``name`` is the number of the recording; a file with several has ``01.3``. ``files`` are
    the pictures of a multipart body that was not recorded whole."""

    name: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    files: Files
    status: int
    content_type: str
    answer: bytes

    @property
    def envelope(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.answer)
        return found

    @property
    def is_json(self) -> bool:
        return self.content_type.startswith("application/json") and self.method != "HEAD"


def recorded(folder: str, first: str, last: str) -> list[Exchange]:
    """Those of a folder whose numbers lie between two, in their order."""
    files = sorted(
        file
        for file in (captures() / folder).glob("[0-9][0-9]-*.txt")
        if first <= file.name[:2] <= last
    )
    return [exchange for file in files for exchange in _exchanges_of(file)]


def _exchanges_of(file: Path) -> list[Exchange]:
    number = file.name[:2]
    found = _EXCHANGE.findall(file.read_bytes())
    return [
        _exchange(number if len(found) == 1 else f"{number}.{index}", *parts)
        for index, parts in enumerate(found, start=1)
    ]


def _exchange(name: str, request: bytes, response: bytes) -> Exchange:
    first, headers, body = _parts(request)
    status_line, answer_headers, answer = _parts(response)
    method, path, _ = first.split(" ")
    sent = body[: int(headers.get("content-length", "0"))]
    files: Files = {}
    if "multipart" in headers.get("content-type", ""):
        sent, files = _multipart(body, sent, answer)
    kept = {key: value for key, value in headers.items() if key not in _HOP}
    if files:
        del kept["content-type"]
    return Exchange(
        name=name,
        method=method,
        path=path,
        headers=kept,
        body=sent,
        files=files,
        status=int(status_line.split(" ")[1]),
        content_type=answer_headers.get("content-type", ""),
        answer=answer.split(b"\n\n\n# decoded")[0].strip(),
    )


def _multipart(body: bytes, sent: bytes, answer: bytes) -> tuple[bytes, Files]:
    """A picture was recorded in part or not faithfully, so a real one is sent in its place. Which
    pictures there were is in the answer too."""
    shown = body.decode("latin-1")
    if body.startswith(b"b'"):
        shown = ast.literal_eval(body.split(b"' ...")[0].strip().decode() + "'").decode("latin-1")
    names = dict(_FILE.findall(shown))
    if not names:
        return sent, {}
    if "not a picture" in shown:
        return b"", {side: (name, b"not a picture", "text/plain") for side, name in names.items()}
    echoed = json.loads(answer)["files"]
    names |= {side: echo["name"] for side, echo in echoed.items() if side not in names}
    return b"", {
        side: (name, a_picture(color=color), "application/octet-stream")
        for color, (side, name) in enumerate(names.items(), start=0x446688)
    }


def _parts(message: bytes) -> tuple[str, dict[str, str], bytes]:
    """First line, headers with lower-case names, the rest."""
    head, _, body = re.sub(rb"\r\n\r\n", b"\n\n", message, count=1).partition(b"\n\n")
    first, *lines = head.decode("latin-1").replace("\r\n", "\n").split("\n")
    pairs = (line.partition(":") for line in lines if ":" in line)
    return first.strip(), {key.lower(): value.strip() for key, _, value in pairs}, body
