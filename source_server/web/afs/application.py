"""The calls of the application file service: ``<path>/api?method=...`` (openbis-7-sync.md, 6.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Protocol
from urllib.parse import parse_qsl

from fastapi import Depends, FastAPI, Request, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from shared.errors import NotNowError, SyncError
from source_server.publication.catalogue import Catalogue, Scope
from source_server.users.sessions import Sessions
from source_server.users.sign_in import Authenticator
from source_server.web.afs.answers import CallError, MissingError, as_bytes, as_text, refused
from source_server.web.afs.chunks import packed, wanted_chunks
from source_server.web.afs.files import AfsFiles
from source_server.web.error_answers import not_now, server_error
from source_server.web.error_answers import refused as plainly_refused
from source_server.web.guesses import Guesses, TooManyGuessesError, too_many_guesses
from source_server.web.requests_watched import Served, visit_of

# A request to read names files; it has no contents.
_LARGEST_BODY = 1 << 20
_MOST_PARAMETERS = 100
_FORM = "application/x-www-form-urlencoded"
# The HTTP method of each call.
_METHODS = {
    "login": "POST",
    "isSessionValid": "GET",
    "logout": "POST",
    "list": "GET",
    "hash": "GET",
    "read": "POST",
}


class Tokens(Protocol):
    """Sessions that began elsewhere."""

    def user_of(self, token: str, address: str) -> str | None:
        """The user of a session; None if there is no such session. Raises `NotNowError` if that
        cannot be found out."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AfsService:
    """``others``: who is asked for tokens that did not begin here."""

    catalogue: Catalogue
    files: AfsFiles
    authenticator: Authenticator
    guesses: Guesses
    sessions: Sessions
    others: Tokens | None = None

    def user_of(self, token: str, address: str) -> str | None:
        if not token:
            return None
        user_id = self.sessions.user_of(token)
        if user_id is None and self.others is not None:
            return self.others.user_of(token, address)
        return user_id


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    method: str
    parameters: Mapping[str, str]
    # The path as it is if a plus in the query means a plus: clients of openBIS do not encode it.
    literal_source: str | None
    body: bytes

    def needed(self, name: str) -> str:
        if name not in self.parameters:
            raise CallError(f"the parameter {name} of {self.method or 'the call'} is missing")
        return self.parameters[name]


def afs_application(service: AfsService, path: str) -> FastAPI:
    """The application that answers ``<path>/api``."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.afs = service
    app.add_api_route(f"{path}/api", _api, methods=["GET", "POST"], response_model=None)
    app.add_exception_handler(CallError, refused)
    app.add_exception_handler(TooManyGuessesError, too_many_guesses)
    app.add_exception_handler(NotNowError, not_now)
    app.add_exception_handler(SyncError, server_error)
    app.add_exception_handler(StarletteHTTPException, plainly_refused)
    app.add_exception_handler(Exception, server_error)
    return app


async def _call(request: Request) -> _Call:
    """The parameters stand in the query; those of a form count, too."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_BODY:
            raise CallError(f"the body is larger than {_LARGEST_BODY} bytes")
    query = request.scope["query_string"].decode("latin-1")
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    pairs = _pairs(query)
    if content_type == _FORM:
        pairs |= _pairs(body.decode("latin-1"))
    return _Call(
        method=pairs.get("method", ""),
        parameters=pairs,
        literal_source=_pairs(query.replace("+", "%2B")).get("source"),
        body=bytes(body),
    )


def _pairs(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS))
    except ValueError as error:
        raise CallError(f"there are more than {_MOST_PARAMETERS} parameters") from error


def _api(request: Request, call: Annotated[_Call, Depends(_call)]) -> Response:
    service: AfsService = request.app.state.afs
    if _METHODS.get(call.method) != request.method:
        raise CallError(f"there is no method {call.method!r} for {request.method} here")
    address = request.client.host if request.client else ""
    if call.method == "login":
        return as_text(_login(service, call, address))
    token = call.needed("sessionToken")
    user_id = service.user_of(token, address)
    if call.method == "isSessionValid":
        return as_text("true" if user_id else "false")
    if user_id is None:
        raise CallError("the session token is not valid; call login")
    visit = visit_of(request)
    visit.user_id = user_id
    if call.method == "logout":
        service.sessions.end(token)
        return as_text("true")
    visit.kind = Served.DATA_SET_FILE if call.method == "read" else Served.OTHER
    return _files(service, call, _scope(service, user_id))


def _login(service: AfsService, call: _Call, address: str) -> str:
    user_id, password = call.needed("userId"), call.needed("password")
    if not service.guesses.accepted(service.authenticator, user_id, password, address):
        raise CallError("user or password is not right")
    # Called for its error: a user without a role gets no session.
    _scope(service, user_id)
    return service.sessions.begin(user_id)


def _scope(service: AfsService, user_id: str) -> Scope:
    scope = service.catalogue.scope_of(user_id)
    if scope is None:
        raise CallError(f"the user {user_id!r} has no role here; an administrator must give one")
    return scope


def _files(service: AfsService, call: _Call, scope: Scope) -> Response:
    if call.method == "read":
        chunks = wanted_chunks(call.body)
        return as_bytes(packed((chunk, service.files.read(chunk, scope)) for chunk in chunks))
    try:
        return _of_path(service, call, call.needed("source"), scope)
    except MissingError:
        literal = call.literal_source
        if literal is None or literal == call.parameters.get("source"):
            raise
        return _of_path(service, call, literal, scope)


def _of_path(service: AfsService, call: _Call, source: str, scope: Scope) -> Response:
    owner = call.needed("owner")
    if call.method == "hash":
        return as_text(service.files.md5(owner, source, scope))
    recursively = call.parameters.get("recursively", "").lower() == "true"
    listing = service.files.listing(owner, source, scope, recursively=recursively)
    return as_bytes(listing.encode())
