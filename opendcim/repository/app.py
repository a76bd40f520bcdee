"""The repository as a web application: routes, errors, and headers of all answers."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

from fastapi import FastAPI, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from opendcim.repository import (
    deciding,
    picture_routes,
    reads,
    submitting,
)
from opendcim.repository.answers import answer
from opendcim.repository.pages.rendering import refusal_page
from opendcim.repository.pages.routes import routes as page_routes
from opendcim.repository.refusals import RefusalError
from opendcim.repository.site import API, PAGES, PICTURES, Site

_OVERRIDE = "x-http-method-override"
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"})
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "PUT, GET, POST, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": (
        "X-Requested-With, X-authentication, X-client, UserID, APIKey, Origin, Accept, "
        "Content-Type, If-None-Match, If-Modified-Since, X-HTTP-Method-Override"
    ),
    "Access-Control-Expose-Headers": "ETag, Last-Modified, Retry-After",
    "Access-Control-Max-Age": "86400",
}
_HARDENED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
}
_OF_PAGES = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}
_NOT_FOUND = (
    "<!DOCTYPE html><html lang=en><head><title>404 Page Not Found</title></head><body>"
    "<h1>404 Page Not Found</h1><p>There is nothing at this address.</p></body></html>"
)
_SERVER_ERROR = 500
_UNAVAILABLE = 503

_log = logging.getLogger(__name__)


def repository_app(site: Site) -> ASGIApp:
    """Answers everything below ``/api`` and ``/repository``. The caller closes the site."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.site = site
    # Routes of pending submissions come before routes that take any word for an id.
    for routes in (deciding.routes, submitting.routes, reads.routes, picture_routes.routes):
        app.include_router(routes)
    app.include_router(page_routes)
    app.add_exception_handler(RefusalError, _refused)
    app.add_exception_handler(StarletteHTTPException, _no_route)
    app.add_exception_handler(SQLAlchemyError, _unavailable)
    app.add_exception_handler(Exception, _failed)
    # FastAPI's middleware lies within its handler of failures, whose answers need headers, too.
    return _Around(app)


class _Around:
    """Adds the CORS headers to every answer, errors included; answers preflights; applies method
    overrides of POST (opendcim.md, 1.1)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        # The browser client is a script in an installation's page: browsers let it read lists and
        # pictures from here with CORS headers only. Pages of moderators are for no other site.
        shared = path == API or path.startswith((f"{API}/", f"{PICTURES}/"))
        added = {**_HARDENED, **_CORS} if shared else _OF_PAGES

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(message, added)
            await send(message)

        meant = _meant(scope)
        if meant["method"] == "OPTIONS" and shared:
            await HTMLResponse("")(meant, receive, sending)
        else:
            await self._app(meant, receive, sending)


def _meant(scope: Scope) -> Scope:
    """The method that a POST asks for by header or field, else its own."""
    if scope["method"] != "POST":
        return scope
    method = Headers(scope=scope).get(_OVERRIDE, "").upper()
    return {**scope, "method": method} if method in _METHODS else scope


def _add(message: MutableMapping[str, Any], added: dict[str, str]) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in added.items():
        # An answer keeps a header of its own, such as the Cache-Control of a picture.
        headers.setdefault(name, value)


def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, RefusalError):
        return _failed(request, error)
    if request.url.path.startswith(f"{PAGES}/") and not request.url.path.startswith(PICTURES):
        return refusal_page(request, error)
    return answer(code=error.status, message=str(error))


def _no_route(_request: Request, error: Exception) -> Response:
    """A page in HTML with 404, never JSON and never 405, as in the original."""
    del error
    return HTMLResponse(_NOT_FOUND, 404)


def _unavailable(request: Request, error: Exception) -> Response:
    _log.error("%s %s: the database failed: %s", request.method, request.url.path, error)
    response = answer(code=_UNAVAILABLE, message="The database does not answer; try again later")
    response.headers["Retry-After"] = "60"
    return response


def _failed(request: Request, error: Exception) -> Response:
    _log.error("%s %s", request.method, request.url.path, exc_info=error)
    return answer(code=_SERVER_ERROR, message="The server failed; its log says why")
