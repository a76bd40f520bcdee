"""Client of openDCIM's REST API, for versions 19.01 to 25.01 (opendcim.md, 4).

Answers are checked, because some versions refuse with 200 and ``Access Denied``, ignore unknown
parameters and those with the value 0 and then send everything, or answer with pages of HTML. So the
value 0 is never asked for, and the rows are compared with the query.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping

import httpx

from opendcim.connector.external_response import Code, RequestFailedError
from opendcim.connector.fields import Record, number_of

# Largest answer in bytes; if a parameter was ignored, it has all devices.
LARGEST = 32 << 20

# Compressed answers are not wanted: their size is unknown before they are unpacked.
_AS_IT_IS = {"Accept-Encoding": "identity"}
# Seconds to wait before the second and the third try of a call.
_PAUSES = (0.3, 1.0)
_BUSY = frozenset({429, 502, 503, 504})
_ABSENT = frozenset({400, 404})
# Bytes of an unexpected answer that are shown in the error.
_SHOWN = 200


class StoppedWorkError(Exception):
    """The program is stopping, or the request has failed for another element."""


class PartRefusedError(Exception):
    """openDCIM answered 403 to one call: the user may not see this, but may see other things."""


class Time:
    """The time that a request has left. Setting ``stop`` ends it at once."""

    def __init__(self, seconds: float, stop: threading.Event) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._stop = stop

    def left(self) -> float:
        """Seconds left, more than 0. Raises if there are none."""
        if self._stop.is_set():
            raise StoppedWorkError
        left = self._end - time.monotonic()
        if left <= 0:
            raise RequestFailedError(
                Code.TIMED_OUT, "the time of this request was over before all was asked"
            )
        return left

    def pause(self, seconds: float) -> None:
        self._stop.wait(min(seconds, self.left()))
        self.left()


class OpenDcim:
    """Safe for several threads. ``calls`` counts the calls sent."""

    def __init__(self, client: httpx.Client, base_url: str, call_timeout: float) -> None:
        self._client = client
        self._base_url = base_url
        self._call_timeout = call_timeout
        self.calls = 0

    def rows(self, path: str, member: str, time_: Time, **parameters: str | int) -> list[Record]:
        """The rows under ``member``, which may be a list, an object keyed by id, or one record.
        They are not compared with ``parameters``.

        Raises `PartRefusedError`, `StoppedWorkError`, and `RequestFailedError` if openDCIM cannot
        be asked.
        """
        # Each call is a GET, which changes nothing in openDCIM, so it may be repeated.
        for pause in _PAUSES:
            try:
                return self._asked(path, member, time_, parameters)
            except _TryAgainError:
                time_.pause(pause)
        try:
            return self._asked(path, member, time_, parameters)
        except _TryAgainError as error:
            raise RequestFailedError(Code.UNREACHABLE, str(error)) from error

    def row(self, path: str, member: str, time_: Time, key: str, number: int) -> Record | None:
        """The record whose ``key`` is ``number``, by a query."""
        found = self.rows(path, member, time_, **{key: number})
        return _with(found, key, number)

    def row_at(self, path: str, member: str, time_: Time, key: str, number: int) -> Record | None:
        """The record with this number, by its path."""
        return _with(self.rows(f"{path}/{number}", member, time_), key, number)

    def _asked(
        self, path: str, member: str, time_: Time, parameters: Mapping[str, str | int]
    ) -> list[Record]:
        status, content_type, body = self._fetched(path, time_, parameters)
        if status in _BUSY:
            raise _TryAgainError(f"openDCIM answered {status} to {path}, several times")
        content = _parsed(path, status, content_type, body)
        if content.get("error") in {True, "true"}:
            status = number_of(content, "errorcode") or status
        _check_status(path, status)
        return [] if status in _ABSENT else _rows(path, member, content)

    def _fetched(
        self, path: str, time_: Time, parameters: Mapping[str, str | int]
    ) -> tuple[int, str, bytes]:
        seconds = min(self._call_timeout, time_.left())
        # The timeout of httpx holds for each read: an answer that drips would never reach it.
        end = time.monotonic() + seconds
        self.calls += 1
        try:
            with self._client.stream(
                "GET",
                f"{self._base_url}/{path}",
                params=dict(parameters),
                headers=_AS_IT_IS,
                timeout=seconds,
            ) as answer:
                if answer.headers.get("content-encoding", "identity").lower() != "identity":
                    raise _bad(path, "it has a content encoding, which was not asked for")
                body = bytearray()
                for part in answer.iter_raw():
                    body += part
                    _check_progress(path, len(body), end, time_)
                return answer.status_code, answer.headers.get("content-type", ""), bytes(body)
        except httpx.TimeoutException as error:
            # This raises if the request's time is over: the call's limit is not the reason then.
            time_.left()
            raise _too_slow(path) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _TryAgainError(self._unreachable(path, error)) from error

    def _unreachable(self, path: str, error: Exception) -> str:
        reason = str(error) or type(error).__name__
        return f"{self._base_url}/{path} cannot be asked: {reason}; is openDCIM there, and on?"


class _TryAgainError(Exception):
    """No answer came; another try may get one."""


def _check_progress(path: str, size: int, end: float, time_: Time) -> None:
    time_.left()
    if time.monotonic() > end:
        raise _too_slow(path)
    if size > LARGEST:
        raise _bad(path, f"it is larger than {LARGEST:,} bytes")


def _parsed(path: str, status: int, content_type: str, body: bytes) -> Record:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _no_json(path, status, content_type, body) from error
    if not isinstance(content, dict):
        raise _bad(path, "it is JSON, but no object")
    return content


def _no_json(path: str, status: int, content_type: str, body: bytes) -> RequestFailedError:
    """Error for an answer that is not JSON, often a refusal. Its text is not shown: it may be
    SQL."""
    start = body[:_SHOWN].lower()
    kind = content_type.partition(";")[0] or "without a type"
    if status in {401, 403} or b"access denied" in start:
        return _refused(path, status)
    if httpx.codes.is_redirect(status):
        return RequestFailedError(
            Code.REFUSED,
            f"openDCIM answered {status} to {path}, which leads elsewhere, perhaps to a page to "
            "sign in; opendcim-connector-address must be the address that answers itself, and the "
            "API must take this kind of sign-in",
        )
    return _bad(path, f"it is no JSON ({status}, {kind}, {len(body):,} bytes)")


def _check_status(path: str, status: int) -> None:
    if status == httpx.codes.UNAUTHORIZED:
        raise _refused(path, status)
    if status == httpx.codes.FORBIDDEN:
        raise PartRefusedError(f"openDCIM answered 403 to {path}")
    if status != httpx.codes.OK and status not in _ABSENT:
        raise _bad(path, f"its status is {status}")


def _rows(path: str, member: str, content: Record) -> list[Record]:
    value = content.get(member)
    if member not in content:
        raise _bad(path, f"there is no {member} in it")
    if isinstance(value, dict):
        # An object keyed by id holds nothing but records; a record has fields that are no objects.
        values = list(value.values())
        records = all(isinstance(each, dict) for each in values)
        value = values if records else [value]
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise _bad(path, f"{member} is no list of records")
    return value


def _with(rows: list[Record], key: str, number: int) -> Record | None:
    return next((row for row in rows if number_of(row, key) == number), None)


def _bad(path: str, text: str) -> RequestFailedError:
    return RequestFailedError(
        Code.BAD_ANSWER,
        f"the answer to {path} is not openDCIM's: {text}; is opendcim-connector-address right, "
        "and is openDCIM well?",
    )


def _refused(path: str, status: int) -> RequestFailedError:
    return RequestFailedError(
        Code.REFUSED,
        f"openDCIM refused {path} ({status}); check the connector's user and password, or user id "
        "and API key: which pair is right depends on openDCIM's AUTHENTICATION",
    )


def _too_slow(path: str) -> RequestFailedError:
    return RequestFailedError(
        Code.TIMED_OUT, f"openDCIM has not answered {path} within opendcim-connector-call-timeout"
    )
