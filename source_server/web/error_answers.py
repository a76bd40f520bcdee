"""The answers to failed requests."""

from __future__ import annotations

import logging

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from shared.errors import SyncError
from source_server.publication.expansion import MissingRootsError
from source_server.web.requests_watched import visit_of

_log = logging.getLogger(__name__)


def bad_request(_request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"{error}\n", 400)


def not_now(_request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"{error}\n", 503)


def missing(request: Request, error: Exception) -> Response:
    if not isinstance(error, MissingRootsError):
        return server_error(request, error)
    return PlainTextResponse(f"{error.for_user(visit_of(request).user_id)}\n", 404)


def refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, StarletteHTTPException):
        return server_error(_request, error)
    return PlainTextResponse(f"{error.detail}\n", error.status_code, headers=error.headers)


def server_error(request: Request, error: Exception) -> Response:
    """Show the message of our own errors, which holds no secret; other messages may."""
    if isinstance(error, SyncError):
        _log.error("%s %s: %s", request.method, request.url.path, error)
        return PlainTextResponse(f"{error}\n", 500)
    # Starlette raises the error again behind this answer, and uvicorn logs its traceback.
    return PlainTextResponse("the server failed; its log says why\n", 500)
