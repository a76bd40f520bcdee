"""The web application: routes, sign-in, and answers to errors.

Everything under ``/datastore_server`` needs Basic authentication. Paths are decoded once, by the
web server; nothing here decodes them again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from shared.errors import NotNowError, RequestError, SyncError
from shared.model.ids import Code, PermId
from shared.model.kinds import ATTACHMENT_HOLDERS, Kind
from shared.resourcesync.addresses import (
    ATTACHMENTS_PATH,
    DATA_STORE_PATH,
    FILE_SERVICE_PATH,
    RE_SYNC_PATH,
)
from shared.resourcesync.v20.version import V20
from source_server.publication.catalogue import Catalogue, Downloadable, Scope, Snapshot
from source_server.publication.documents import Chunks, document_of
from source_server.publication.expansion import MissingRootsError
from source_server.publication.peers import Peers
from source_server.publication.published import Publication
from source_server.publication.roots import parse_roots
from source_server.publication.selection import Selection, parse_patterns
from source_server.publication.service_files import ServiceFiles
from source_server.settings import SourceSettings
from source_server.users.sign_in import Authenticator, challenge, parse_basic
from source_server.web.convertors import EVERY_NAME
from source_server.web.dispatch import Dispatcher, OpenedPart, watched
from source_server.web.downloads import answer_with
from source_server.web.error_answers import bad_request, missing, not_now, refused, server_error
from source_server.web.etags import has_it_already
from source_server.web.guesses import Guesses, TooManyGuessesError, too_many_guesses
from source_server.web.list_limits import ListLimits, Refusal, Rules, Turn
from source_server.web.metrics import Metrics
from source_server.web.request_notes import note, values_of
from source_server.web.requests_watched import Served, WatchedRequest, visit_of
from source_server.web.streaming import StreamedResponse, accepts_gzip, gzipped

_XML = "text/xml; charset=UTF-8"
_FORM = "application/x-www-form-urlencoded"
_LARGEST_FORM = 256 * 1024
_MOST_PARAMETERS = 10_000
# Digits; a longer number does not fit into a column of the databases.
_LONGEST_VERSION = 9

_READ = ["GET", "HEAD"]


_routes = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """The objects that the routes use; kept in the state of the app."""

    publication: Publication
    peers: Peers
    authenticator: Authenticator
    politeness: ListLimits
    guesses: Guesses
    realm: str

    @property
    def catalogue(self) -> Catalogue:
        return self.publication.catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class _Client:
    """A user who is signed in."""

    user_id: str
    scope: Scope
    visit: WatchedRequest


def create_app(
    catalogue: Catalogue,
    authenticator: Authenticator,
    settings: SourceSettings,
    *,
    politeness: ListLimits | None = None,
    metrics: Metrics | None = None,
    beside: Sequence[OpenedPart] = (),
) -> ASGIApp:
    """The web application. It opens nothing, and closes none of its arguments.

    ``politeness`` and ``metrics`` may be given by callers that read them; ``beside`` are parts that
    do not belong to openBIS.
    """
    politeness = politeness or ListLimits(Rules.of(settings))
    counted = metrics or Metrics(lists=lambda: politeness.lists)
    app = _routed(catalogue, authenticator, settings, politeness)
    return watched(Dispatcher(beside, app), settings, counted)


def _routed(
    catalogue: Catalogue,
    authenticator: Authenticator,
    settings: SourceSettings,
    politeness: ListLimits,
) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.server = _Server(
        publication=Publication(
            catalogue=catalogue,
            addresses=settings.addresses,
            service_files=ServiceFiles.of(settings),
            wire_format=V20,
        ),
        peers=Peers.of(settings),
        authenticator=authenticator,
        politeness=politeness,
        guesses=Guesses.of(settings),
        realm=settings.auth_realm,
    )
    app.include_router(_routes)
    app.add_exception_handler(RequestError, bad_request)
    app.add_exception_handler(TooManyGuessesError, too_many_guesses)
    app.add_exception_handler(NotNowError, not_now)
    app.add_exception_handler(MissingRootsError, missing)
    app.add_exception_handler(SyncError, server_error)
    app.add_exception_handler(StarletteHTTPException, refused)
    app.add_exception_handler(Exception, server_error)
    return app


async def _server(request: Request) -> _Server:
    server: _Server = request.app.state.server
    return server


Server = Annotated[_Server, Depends(_server)]


def _client(request: Request, server: Server) -> _Client:
    """The client; 401 without a right password, 403 for a user without a role. Routes of files call
    this themselves: as a dependency it would change threads, which takes as long as to read a
    file."""
    credentials = parse_basic(request.headers.get("authorization"))
    address = request.client.host if request.client else ""
    if credentials is None or not server.guesses.accepted(
        server.authenticator, *credentials, address
    ):
        headers = {"WWW-Authenticate": challenge(server.realm)}
        raise HTTPException(401, "user and password are needed, and these are not right", headers)
    visit, user_id = visit_of(request), credentials[0]
    visit.user_id = user_id
    return _Client(user_id=user_id, scope=_scope_of(server, user_id), visit=visit)


def _scope_of(server: _Server, user_id: str) -> Scope:
    scope = server.catalogue.scope_of(user_id)
    if scope is None:
        raise HTTPException(
            403, f"the user {user_id!r} has no role here; an administrator must give one"
        )
    return scope


async def _parameters(request: Request) -> list[tuple[str, str]]:
    """The parameters of the query, then those of a form, as servlets order them."""
    query = request.scope["query_string"].decode("latin-1")
    pairs = _parse(query)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method == "POST" and content_type == _FORM:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > _LARGEST_FORM:
                raise HTTPException(413, f"the form is larger than {_LARGEST_FORM} bytes")
        pairs += _parse(body.decode("latin-1"))
    return pairs


def _parse(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError as error:
        raise RequestError(f"there are more than {_MOST_PARAMETERS} parameters") from error


Client = Annotated[_Client, Depends(_client)]
Parameters = Annotated[list[tuple[str, str]], Depends(_parameters)]


@_routes.api_route(RE_SYNC_PATH, methods=[*_READ, "POST"])
@_routes.api_route(RE_SYNC_PATH + "/{below:path}", methods=[*_READ, "POST"])
def re_sync(request: Request, server: Server, client: Client, parameters: Parameters) -> Response:
    """One of the documents of the table."""
    document = document_of(values_of(parameters, "verb"))
    note(client.visit, document, parameters)
    selection = Selection(
        black=parse_patterns("black_list", values_of(parameters, "black_list")),
        white=parse_patterns("white_list", values_of(parameters, "white_list")),
        roots=parse_roots(parameters),
    )
    publication = server.peers.answered(server.publication, selection.roots)
    client.visit.peer = publication.wire_format.name if document.is_limited else None
    headers = {"Content-Type": _XML, "Vary": "Accept-Encoding"}
    if document.etag and request.method in _READ:
        tag = document.etag(publication, selection.within(client.scope), selection.roots)
        if tag is not None:
            headers["ETag"] = tag
            if has_it_already(request.headers.get("if-none-match"), tag):
                return Response(status_code=304, headers=headers)
    if document.is_limited and request.method != "HEAD":
        client.visit.hold(_turn(server, client, selection))

    def visible(_snapshot: Snapshot) -> Scope:
        return _scope_of(server, client.user_id)

    return _sent(request, document.write(publication, visible, selection), headers)


def _sent(request: Request, chunks: Chunks, headers: dict[str, str]) -> Response:
    """The chunks as an answer, compressed if the client accepts that; for HEAD without them."""
    if request.method == "HEAD":
        return StreamedResponse(iter(()), close=chunks.close, headers=headers)
    begun = chain([next(chunks)], chunks)  # an error up to here is still answered as one
    if not accepts_gzip(request.headers.get("accept-encoding", "")):
        return StreamedResponse(begun, close=chunks.close, headers=headers)
    headers["Content-Encoding"] = "gzip"
    return StreamedResponse(gzipped(begun), close=chunks.close, headers=headers)


def _turn(server: _Server, client: _Client, selection: Selection) -> Turn:
    """The permission to send a list, until the visit ends; 429 if the limits forbid it."""
    turn = server.politeness.turn(client.user_id, selection)
    if isinstance(turn, Refusal):
        client.visit.refused = turn.reason
        raise HTTPException(429, turn.text, {"Retry-After": str(turn.seconds)})
    return turn


@_routes.api_route(
    f"{ATTACHMENTS_PATH}/{{kind}}/{{perm_id}}/{{file_name:{EVERY_NAME}}}", methods=_READ
)
def attachment(
    request: Request, server: Server, kind: str, perm_id: str, file_name: str
) -> Response:
    """A version of an attachment."""
    client = _client(request, server)
    client.visit.kind = Served.ATTACHMENT
    version = request.query_params.get("version", "")
    if not re.fullmatch("[0-9]+", version):
        raise RequestError("version=<number> is missing: which version of the attachment?")
    content: Downloadable | None = None
    known = kind in ATTACHMENT_HOLDERS and len(version) <= _LONGEST_VERSION
    if known and _is_plain(perm_id) and _is_plain(file_name):
        content = server.catalogue.attachment(
            Kind(kind), PermId(perm_id), file_name, int(version), client.scope
        )
    return answer_with(content, request.method, request.headers)


@_routes.api_route(f"{FILE_SERVICE_PATH}/{{path:{EVERY_NAME}}}", methods=_READ)
def service_file(request: Request, server: Server, path: str) -> Response:
    """A file of the file service."""
    client = _client(request, server)
    client.visit.kind = Served.SERVICE_FILE
    content = server.catalogue.service_file(path, client.scope) if _is_plain(path) else None
    return answer_with(content, request.method, request.headers)


@_routes.api_route(f"{DATA_STORE_PATH}/{{code}}/{{path:{EVERY_NAME}}}", methods=_READ)
def data_set_file(request: Request, server: Server, code: str, path: str) -> Response:
    """A file of a data set."""
    client = _client(request, server)
    client.visit.kind = Served.DATA_SET_FILE
    content: Downloadable | None = None
    if _is_plain(code) and _is_plain(path):
        content = server.catalogue.data_set_file(Code(code), path, client.scope)
    return answer_with(content, request.method, request.headers)


def _is_plain(path: str) -> bool:
    """Whether the path can exist at all, so that the catalogue must be asked."""
    return "\0" not in path and not {"", ".", ".."} & set(path.split("/"))
