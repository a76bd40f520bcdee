"""Answers of the API: envelope, compression, and answers with 304."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from fastapi import Request
from starlette.responses import Response

from opendcim.records.envelope import OK, Envelope, write_envelope
from opendcim.repository.refusals import BAD_REQUEST, NOT_PROCESSED, RefusalError
from opendcim.repository.storage import Change, time_text
from shared.errors import FormatError
from source_server.web.streaming import accepts_gzip

TOO_MANY_REQUESTS = 429
_NOT_MODIFIED = 304
_JSON = "application/json"
# Bytes above which an answer is compressed.
_WORTH_COMPRESSING = 1_000
_LEVEL = 6
_NOT_STORED = {"Cache-Control": "no-store"}

Content = Mapping[str, object]


def answer(content: Content | None = None, *, code: int = OK, message: str = "") -> Response:
    """An answer that no cache may keep."""
    body = write_envelope(Envelope(code=code, message=message, content=content or {}))
    return Response(body, code, headers=_NOT_STORED, media_type=_JSON)


def too_early(seconds: int, message: str) -> Response:
    response = answer(code=TOO_MANY_REQUESTS, message=message)
    response.headers["Retry-After"] = str(seconds)
    return response


def entity_tag(*parts: object) -> str:
    """A weak ETag: compressed and plain answers have different bytes and the same content."""
    return f'W/"{"-".join(map(str, parts))}"'


def revalidation(tag: str, change: Change) -> dict[str, str]:
    """Headers that let the client keep the answer, but ask each time whether it is current."""
    return {
        "ETag": tag,
        "Last-Modified": format_datetime(_moment(change.at), usegmt=True),
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
    }


def is_known(request: Request, tag: str, change: Change) -> bool:
    """Whether the client has this version already. `If-None-Match` beats `If-Modified-Since`."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return any(_opaque(one) in {"*", _opaque(tag)} for one in tags.split(","))
    since = request.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        known = parsedate_to_datetime(since)
    except ValueError:
        return False
    return _moment(change.at) <= (known if known.tzinfo else known.replace(tzinfo=UTC))


def not_modified(headers: Mapping[str, str]) -> Response:
    return Response(status_code=_NOT_MODIFIED, headers=dict(headers))


def list_answer(
    request: Request, headers: Mapping[str, str], render: Callable[[], Content]
) -> Response:
    """A list, compressed if the client accepts that and the size makes it worth while."""
    body = write_envelope(Envelope(code=OK, content=render()))
    sent = dict(headers)
    takes_gzip = accepts_gzip(request.headers.get("accept-encoding", ""))
    if takes_gzip and len(body) >= _WORTH_COMPRESSING:
        # Without mtime=0, gzip writes the clock into its head, and equal lists differ in bytes.
        body = gzip.compress(body, _LEVEL, mtime=0)
        sent["Content-Encoding"] = "gzip"
    return Response(body, headers=sent, media_type=_JSON)


def since_of(request: Request) -> str:
    """The time of ``?since=`` in the form of the tables, or "". Raises `RefusalError`."""
    text = request.query_params.get("since", "").strip()
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
        # A time in the calendar's first or last hours raises OverflowError when moved to UTC.
        return time_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise RefusalError(
            BAD_REQUEST,
            f"since={text[:40]!r} is no time; write YYYY-MM-DD hh:mm:ss (UTC), as in LastModified",
        ) from error


def format_refused(error: FormatError, status: int = BAD_REQUEST) -> RefusalError:
    """Refuses a body that cannot be read with the original's answer."""
    return RefusalError(status, f"{NOT_PROCESSED} {error}")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _opaque(tag: str) -> str:
    # HTTP compares the tags of If-None-Match weakly: the mark of weak tags does not count.
    return tag.strip().removeprefix("W/")
