"""An openBIS 7 of a test, served at two ports: data source with application server, and AFS."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.support.instances.instance import PASSWORD, USER
from tests.support.openbis7.afs import AfsService, Answer
from tests.support.openbis7.documents import Documents
from tests.support.openbis7.faults import Faults
from tests.support.openbis7.lab import Lab, a_lab
from tests.support.openbis7.walk import BrokenWalkError, Flags, roots_of, selected
from tests.support.servers.web_server import serving

_FORM = "application/x-www-form-urlencoded"
_RE_SYNC = "/datastore_server/re-sync"
_V3 = "/openbis/openbis/rmi-application-server-v3.json"
_AFS = "/afs-server/api"

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Values = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """``values`` are those of the query, and of a form in the body."""

    http: str
    path: str
    values: Values
    headers: Mapping[str, str]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.values if key == name]

    def first(self, name: str) -> str:
        return next(iter(self.all(name)), "")


class Openbis7:
    """A running openBIS 7. ``requests`` are those to the data source; ``url`` is its address
    without a path, and ``afs_url`` the one that lists announce."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.faults = Faults()
        self.url = self.afs_url = ""
        self.requests: list[Request] = []
        self.sessions: set[str] = set()
        # User ids with their passwords.
        self.users = {USER: PASSWORD}
        self.afs = AfsService(
            lab=lab, faults=self.faults, is_session=self.sessions.__contains__, log_in=self.log_in
        )

    @property
    def lists(self) -> list[Request]:
        """The requests for resource lists."""
        return [each for each in self.requests if each.first("verb") == "resourcelist.xml"]

    def log_in(self, user: str, password: str) -> str | None:
        if self.users.get(user) != password:
            return None
        token = f"{user}-{secrets.token_hex(16)}"
        self.sessions.add(token)
        return token

    def end_sessions(self) -> None:
        """As when the application server is started anew."""
        self.sessions.clear()

    def data_source(self, request: Request) -> Answer:
        if request.path == _V3:
            return self._json(request.body)
        if request.path.rstrip("/") == _RE_SYNC:
            return self._re_sync(request)
        return self._file(request)

    def file_service(self, request: Request) -> Answer:
        if request.path != _AFS:
            return _plain(404, "nothing here")
        return self.afs.answer(request.http, dict(request.values), request.body)

    def _re_sync(self, request: Request) -> Answer:
        self.requests.append(request)
        if not self._signs_in(request):
            return _plain(401, "who are you?")
        documents = Documents(lab=self.lab, faults=self.faults, url=self.url, afs=self.afs_url)
        match request.first("verb"):
            case "" | "about.xml":
                return _xml(documents.about())
            case "capabilitylist.xml":
                return _xml(documents.capability_list())
            case "resourcelist.xml":
                return self._list(documents, request)
            case other:
                return _plain(500, f"IllegalArgumentException: verb {other}")

    def _list(self, documents: Documents, request: Request) -> Answer:
        flags = Flags(
            **{
                name: request.first(parameter).lower() == "true"
                for name, parameter in (
                    ("levels_above", "with_levels_above"),
                    ("levels_below", "with_levels_below"),
                    ("parents", "with_objects_and_data_sets_parents"),
                    ("children", "with_objects_and_data_sets_children"),
                    ("other_spaces", "with_objects_and_data_sets_other_spaces"),
                )
            }
        )
        try:
            roots = roots_of(request.all("exportable_perm_id"))
            return _xml(documents.resource_list(selected(self.lab, roots, flags)))
        except BrokenWalkError as error:
            return _plain(500, str(error))

    def _signs_in(self, request: Request) -> bool:
        scheme, _, coded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        user, _, password = base64.b64decode(coded).decode().partition(":")
        return self.users.get(user) == password

    def _json(self, body: bytes) -> Answer:
        call = json.loads(body)
        parameters = list(call.get("params", ()))
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": call.get("id")}
        try:
            answer["result"] = self._v3(call["method"], *parameters)
        except PermissionError as error:
            answer["error"] = {"code": -32000, "message": str(error)}
        return Answer(body=json.dumps(answer).encode(), media_type="application/json")

    def _v3(self, method: str, *parameters: Any) -> Any:
        if method == "login":
            return self.log_in(*parameters)
        token = str(parameters[0])
        if method == "isSessionActive":
            return token in self.sessions
        if token not in self.sessions:
            raise PermissionError(f"Session token '{token}' is invalid: user is not logged in.")
        match method:
            case "logout":
                self.sessions.discard(token)
                return None
            case "searchSpaces":
                spaces = [{"code": space.code} for space in self.lab.of("SPACE")]
                return {"objects": spaces, "totalCount": len(spaces)}
            case "getSessionInformation":
                return {"sessionToken": token, "userName": token.partition("-")[0]}
        raise PermissionError(f"no method {method}")

    def _file(self, request: Request) -> Answer:
        """A file of a data set, at the data store server; a page without a session."""
        if request.first("sessionID") not in self.sessions:
            return Answer(body=b"<html>log in</html>", media_type="text/html")
        _, _, rest = request.path.partition("/datastore_server/")
        code, _, path = rest.partition("/")
        data_set = self.lab.seen("DATASET", code)
        if data_set is None or path not in data_set.files:
            return _plain(404, "nothing here")
        return Answer(body=data_set.files[path])


def _xml(body: bytes) -> Answer:
    return Answer(body=body, media_type="text/xml; charset=UTF-8")


def _plain(status: int, text: str) -> Answer:
    return Answer(body=text.encode(), status=status, media_type="text/plain")


@dataclass(slots=True)
class _App:
    """An ASGI application. A body that is to be cut ends with the connection."""

    answer: Callable[[Request], Answer]
    cuts: list[int] = field(default_factory=list)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = await _request(scope, receive)
        answer = self.answer(request)
        is_list = request.first("verb") == "resourcelist.xml"
        end = self.cuts.pop(0) if is_list and self.cuts else len(answer.body)
        headers = [
            (b"content-type", answer.media_type.encode()),
            (b"content-length", str(len(answer.body)).encode()),
            *((name.encode(), value.encode()) for name, value in answer.headers.items()),
        ]
        if answer.status == 401:
            headers.append((b"www-authenticate", b'Basic realm="OAI-PMH"'))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body[:end], "more_body": True})
        if end >= len(answer.body):
            await send({"type": "http.response.body", "body": b""})


async def _request(scope: Mapping[str, Any], receive: Receive) -> Request:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    values = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
    if headers.get("content-type", "").startswith(_FORM):
        values += parse_qsl(body.decode(), keep_blank_values=True)
    return Request(
        http=scope["method"],
        path=unquote(scope["raw_path"].decode()),
        values=values,
        headers=headers,
        body=bytes(body),
    )


@contextmanager
def openbis7(lab: Lab | None = None) -> Iterator[Openbis7]:
    """An openBIS 7 that is served meanwhile, with `a_lab` unless another one is given."""
    openbis = Openbis7(lab or a_lab())
    data_source = _App(openbis.data_source, openbis.faults.cut_lists_after)
    with serving(data_source) as url, serving(_App(openbis.file_service)) as afs:
        openbis.url, openbis.afs_url = url, f"{afs}/afs-server"
        yield openbis
