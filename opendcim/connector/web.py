"""``/external-requests``: clients post requests and read rows, all in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from opendcim.connector.access import Access, Refused
from opendcim.connector.external_request import (
    Posted,
    is_request_id,
    read_posted,
)
from opendcim.connector.external_response import (
    Code,
    Json,
    RequestFailedError,
    Status,
    error_of,
    response,
)
from opendcim.connector.request_row import NewRow, RequestRow
from opendcim.connector.rows import Rows, now
from opendcim.connector.workers import Workers
from shared.errors import RequestError, SyncError

PATH = "/external-requests"

# Seconds within which the body of a request must arrive.
_BODY_TIME = 30.0
_USUAL_PAGE, _LARGEST_PAGE = 100, 1_000
# `Retry-After`, in seconds, when there are too many requests.
_LATER = "10"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    # Time for a request that names none.
    timeout: timedelta
    max_timeout: timedelta
    max_body: int
    max_elements: int
    max_pending: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorSite:
    """What the routes work on."""

    rows: Rows
    workers: Workers
    access: Access
    limits: Limits


class _Refusal(Exception):  # noqa: N818 - an answer to the client, not a fault of the program
    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers


def create_routes(site: ConnectorSite) -> Starlette:
    async def take(request: Request) -> Response:
        client = await _signed_in(site, request)
        # A client that is refused cannot make the server read a body.
        body = await _body(request, site.limits.max_body)
        return await run_in_threadpool(_taken, site, body, client)

    async def listed(request: Request) -> Response:
        await _signed_in(site, request)
        return await run_in_threadpool(_listed, site, request)

    async def one(request: Request) -> Response:
        await _signed_in(site, request)
        return await run_in_threadpool(_one, site, request.path_params["request_id"])

    app = Starlette(
        routes=[
            Route(PATH, take, methods=["POST"]),
            Route(PATH, listed, methods=["GET"]),
            Route(PATH + "/{request_id}", one, methods=["GET"]),
        ],
        exception_handlers={
            _Refusal: _refused,
            HTTPException: _no_route,
            SyncError: _unavailable,
        },
    )
    app.router.redirect_slashes = False
    return app


async def _signed_in(site: ConnectorSite, request: Request) -> str:
    peer = request.client.host if request.client else None
    client = await run_in_threadpool(site.access.client, request.headers, peer)
    if isinstance(client, Refused):
        raise _Refusal(client.status, client.code, client.message, client.headers)
    visit = getattr(request.state, "visit", None)
    # A name in parentheses, such as (token), is no user of the server.
    if visit is not None and not client.startswith("("):
        visit.user_id = client
    return client


async def _body(request: Request, most: int) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    # A page of another site can make a browser post a form or plain text, but JSON only if this
    # server allowed it.
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise _Refusal(
            415, "WrongContentType", f"send application/json as Content-Type, not {kind[:100]}"
        )
    body = bytearray()
    try:
        with anyio.fail_after(_BODY_TIME):
            async for part in request.stream():
                body += part
                if len(body) > most:
                    raise _Refusal(
                        413,
                        "TooLarge",
                        f"the body is larger than {most:,} bytes; send several requests",
                        # The rest stays unread, so the connection cannot carry another request.
                        {"Connection": "close"},
                    )
    except TimeoutError as error:
        raise _Refusal(
            408,
            "TooSlow",
            f"the body was not here within {_BODY_TIME:.0f} seconds",
            {"Connection": "close"},
        ) from error
    except ClientDisconnect as error:
        raise _Refusal(400, "Incomplete", "the client left before the end of its body") from error
    return bytes(body)


def _taken(site: ConnectorSite, body: bytes, client: str) -> Response:
    try:
        posted = read_posted(body, site.limits.max_elements)
    except RequestError as error:
        raise _Refusal(400, Code.MALFORMED, str(error)) from error
    known = site.rows.find(posted.request_id)
    if known is None:
        return _kept(site, posted, client)
    return _again(posted, known)


def _kept(site: ConnectorSite, posted: Posted, client: str) -> Response:
    # A malformed request is never Pending, so the limit does not concern it.
    if posted.request and site.rows.pending() >= site.limits.max_pending:
        raise _Refusal(
            503,
            "TooManyRequests",
            f"{site.limits.max_pending:,} requests are Pending already; try again later",
            {"Retry-After": _LATER},
        )
    new = site.rows.add(_new_row(site.limits, posted, client))
    site.workers.wake()
    row = site.rows.find(posted.request_id)
    if row is None:
        raise _Refusal(503, "Gone", "the row has been removed meanwhile; send it again")
    # Another request with this id was added since `_taken` looked.
    if not new:
        return _again(posted, row)
    return _row_answer(row, 400 if posted.fault else 202)


def _again(posted: Posted, row: RequestRow) -> Response:
    if row.digest != posted.digest:
        raise _Refusal(
            409,
            "IdInUse",
            f"there is a request with the Id {posted.request_id} and other content; use a new Id",
        )
    return _row_answer(row, 400 if posted.fault else 200)


def _new_row(limits: Limits, posted: Posted, client: str) -> NewRow:
    received = now()
    timeout = posted.request and posted.request.timeout
    seconds = min(timeout or limits.timeout, limits.max_timeout).total_seconds()
    failed: Json | None = None
    if posted.fault:
        error = RequestFailedError(Code.MALFORMED, posted.fault)
        failed = response(
            posted.request_id, Status.FAILED, received=received, finished=received, error=error
        )
    return NewRow(
        request_id=posted.request_id,
        digest=posted.digest,
        request=posted.request.to_json() if posted.request else None,
        posted_by=client,
        received=received,
        deadline=received + round(seconds * 1000),
        response=failed,
    )


def _one(site: ConnectorSite, request_id: str) -> Response:
    row = site.rows.find(request_id) if is_request_id(request_id) else None
    if row is None:
        raise _Refusal(
            404, "NotFound", "there is no request with this Id, or it has been removed by now"
        )
    return _row_answer(row, 200)


def _listed(site: ConnectorSite, request: Request) -> Response:
    status = _status(request.query_params.get("status"))
    limit = _limit(request.query_params.get("limit"))
    before_id = request.query_params.get("before")
    before = site.rows.find(before_id) if before_id and is_request_id(before_id) else None
    if before_id and before is None:
        raise _Refusal(400, "BadParameter", "before: there is no request with this Id any more")
    rows = site.rows.page(status, limit, before)
    following = rows[-1].request_id if len(rows) == limit else None
    return _json({"Requests": [row.summary() for row in rows], "Before": following}, 200)


def _status(text: str | None) -> Status | None:
    if not text:
        return None
    found = next((status for status in Status if status.casefold() == text.casefold()), None)
    if found is None:
        raise _Refusal(400, "BadParameter", f"status must be {', '.join(Status)}")
    return found


def _limit(text: str | None) -> int:
    if text is None:
        return _USUAL_PAGE
    # Nine digits are more than the largest page, and `int` refuses texts of thousands of digits.
    number = int(text.lstrip("0")[:9] or "0") if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= _LARGEST_PAGE:
        raise _Refusal(400, "BadParameter", f"limit must be a number from 1 to {_LARGEST_PAGE}")
    return number


def _row_answer(row: RequestRow, status: int) -> Response:
    headers = {"Location": f"{PATH}/{row.request_id}"}
    if row.status is Status.PENDING:
        headers["Retry-After"] = "1"
    return _json(row.content(), status, headers)


def _json(content: Json, status: int, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=str) + "\n"
    return Response(
        body.encode("utf-8", "replace"),
        status,
        {"Cache-Control": "no-store", **(headers or {})},
        media_type="application/json",
    )


def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, _Refusal):
        raise error
    return _json({"Error": error_of(error.code, str(error))}, error.status, error.headers)


def _no_route(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return _json(
        {"Error": error_of("NoSuchRoute", f"{error.detail}: see {PATH}")},
        error.status_code,
        error.headers,
    )


def _unavailable(_request: Request, error: Exception) -> Response:
    message = error_of("Unavailable", str(error))
    return _json({"Error": message}, 503, {"Retry-After": _LATER})
