"""The web application: routes, sign-in, and answers to errors.

All routes need Basic authentication or a bearer token. Paths are decoded once, by the web server;
nothing decodes them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from shared.errors import NotNowError, RequestError, SyncError
from shared.resourcesync.addresses import RE_SYNC_PATH
from shared.resourcesync.v20.version import V20
from source_server.publication.catalogue import Catalogue, Scope, Snapshot
from source_server.publication.documents import document_of
from source_server.publication.expansion import MissingRootsError
from source_server.publication.file_lists import FileLists
from source_server.publication.peers import Peers
from source_server.publication.published import Publication
from source_server.publication.roots import parse_roots
from source_server.publication.selection import Selection, parse_patterns
from source_server.publication.service_files import ServiceFiles
from source_server.settings import SourceSettings
from source_server.users.bearer import BearerTokens
from source_server.users.sign_in import Authenticator
from source_server.users.tokens_file import TokensFile
from source_server.web.clients import (
    READ,
    XML,
    Client,
    Server,
    ServerState,
    scope_of,
    sent,
    turn_of,
)
from source_server.web.dispatch import Dispatcher, OpenedPart, watched
from source_server.web.error_answers import bad_request, missing, not_now, refused, server_error
from source_server.web.etags import has_it_already
from source_server.web.files import FILES
from source_server.web.guesses import Guesses, TooManyGuessesError, too_many_guesses
from source_server.web.list_limits import ListLimits, Rules
from source_server.web.metrics import Metrics
from source_server.web.request_notes import note, values_of
from source_server.web.resource_sets import RESOURCE_SETS

_FORM = "application/x-www-form-urlencoded"
_LARGEST_FORM = 256 * 1024
_MOST_PARAMETERS = 10_000

_routes = APIRouter()


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
    app = openbis_app(catalogue, authenticator, settings, politeness, Guesses.of(settings))
    return watched(Dispatcher(beside, app), settings, counted)


def openbis_app(
    catalogue: Catalogue,
    authenticator: Authenticator,
    settings: SourceSettings,
    politeness: ListLimits,
    guesses: Guesses,
) -> FastAPI:
    """The publication alone, without parts, access log and metrics."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.server = ServerState(
        publication=Publication(
            catalogue=catalogue,
            addresses=settings.addresses,
            service_files=ServiceFiles.of(settings),
            wire_format=V20,
        ),
        peers=Peers.of(settings),
        authenticator=authenticator,
        politeness=politeness,
        guesses=guesses,
        realm=settings.auth_realm,
        tokens=BearerTokens(TokensFile(settings.tokens_file), authenticator),
        file_lists=FileLists.in_temporary_folder(),
    )
    app.include_router(_routes)
    app.include_router(FILES)
    app.include_router(RESOURCE_SETS)
    app.add_exception_handler(RequestError, bad_request)
    app.add_exception_handler(TooManyGuessesError, too_many_guesses)
    app.add_exception_handler(NotNowError, not_now)
    app.add_exception_handler(MissingRootsError, missing)
    app.add_exception_handler(SyncError, server_error)
    app.add_exception_handler(StarletteHTTPException, refused)
    app.add_exception_handler(Exception, server_error)
    return app


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


Parameters = Annotated[list[tuple[str, str]], Depends(_parameters)]


@_routes.api_route(RE_SYNC_PATH, methods=[*READ, "POST"])
@_routes.api_route(RE_SYNC_PATH + "/{below:path}", methods=[*READ, "POST"])
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
    headers = {"Content-Type": XML, "Vary": "Accept-Encoding"}
    if document.etag and request.method in READ:
        tag = document.etag(publication, selection.within(client.scope), selection.roots)
        if tag is not None:
            headers["ETag"] = tag
            if has_it_already(request.headers.get("if-none-match"), tag):
                return Response(status_code=304, headers=headers)
    if document.is_limited and request.method != "HEAD":
        client.visit.hold(turn_of(server, client, selection))

    def visible(_snapshot: Snapshot) -> Scope:
        return scope_of(server, client.user_id)

    return sent(request, document.write(publication, visible, selection), headers)
