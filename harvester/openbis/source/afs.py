"""openBIS 7's application file service (AFS): brings the files of samples and experiments.

Its interface is in openbis-7-sync.md, 6.3. Calls carry a session of the application server, which
must never be printed. A file is read in chunks from any byte on, so the beginning of a large one is
kept when a run ends. Length and MD5 of the list decide whether the right bytes have come.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TypeVar
from urllib.parse import quote, urlencode

import httpx

from harvester.http.bodies import beginning, encoding_of
from harvester.http.client import HttpClient
from harvester.http.downloads import Content, Downloads
from harvester.http.retries import OutOfReachError, PassingError
from harvester.openbis.section import SectionConfig
from harvester.openbis.source.afs_chunks import MOST_BYTES, bytes_of_chunk, request_for
from harvester.openbis.source.openbis_session import OpenbisSession
from shared.errors import SourceError, SourceRefusedError
from shared.verification import Download, Expected, VerificationError

_T = TypeVar("_T")

_BINARY = "application/octet-stream"
# Chunks of one file with one checksum can be joined, whichever answers they come from.
_VALIDATOR = "MD5"
_LONGEST_ANSWER = 1 << 16
_SHOWN = 300
# Files that fail one after the other for want of an answer before the others are left to the next
# run: each would wait as long in vain.
_MOST_IN_VAIN = 3
# Statuses of a gateway whose service does not run.
_AWAY = frozenset({502, 503})
# AFS has no other sign of these than its texts.
_BUSY = "10011"
_MISSING = "NoSuchFileException"


class _RefusedError(Exception):
    """AFS answered with an error; the message is its text."""


class AfsAwayError(SourceError):
    """AFS gives nothing now, or nothing of this owner, so this is never the fault of one file."""


class AfsRefusedError(AfsAwayError, SourceRefusedError):
    """The session must not be sent to the address of AFS."""


class AfsChangedError(VerificationError):
    """A file is, or may be, another one than when the list was made, or is gone; the next list
    knows that."""


class _NotGivenError(SourceError):
    """AFS refuses a file, without a reason that is known."""


class _BusyError(PassingError):
    """Another user is writing to the files of this owner."""


class AfsFiles:
    """The files of AFS for one run; any number of threads may share it. ``url`` is the address that
    the list names, if it names one."""

    def __init__(
        self,
        config: SectionConfig,
        url: str | None,
        client: HttpClient,
        session: OpenbisSession,
        downloads: Downloads,
    ) -> None:
        self._config = config
        self._url = url
        self._client = client
        self._session = session
        self._downloads = downloads
        self._lock = Lock()
        self._in_vain = 0
        self._away: str | None = None

    def download(self, owner: str, path: str, target: Path, expected: Expected) -> Download:
        """Bring a file of an owner to a new file; ``path`` is relative. If this raises, nothing
        remains there: `VerificationError` if AFS does not have the file or sends other bytes than
        the list announces, `SourceError`, `StoppedError` or `OSError`."""
        if self._away:
            raise AfsAwayError(self._away)
        attempt = partial(self._attempt, owner, f"/{path}")
        try:
            came = self._downloads.bring(f"afs/{owner}/{path}", attempt, target, expected)
        except PassingError as error:
            raise self._without_answer(error) from error
        except (VerificationError, _NotGivenError) as error:
            raise self._explained(error, owner, f"/{path}", expected) from error
        self._in_vain = 0
        return came

    def _attempt(self, owner: str, path: str, content: Content) -> Download:
        """Bring what is missing; anew if what was kept turns out to be wrong."""
        if content.length and content.validator:
            with suppress(VerificationError):
                self._read_on(owner, path, content)
                return content.finish()
        content.begin(_VALIDATOR)
        self._read_on(owner, path, content)
        return content.finish()

    def _read_on(self, owner: str, path: str, content: Content) -> None:
        length = content.expected.length or 0
        while content.length < length:
            limit = min(MOST_BYTES, length - content.length)
            self._with_session(partial(self._read, owner, path, content, limit), owner, path)

    def _read(self, owner: str, path: str, content: Content, limit: int, token: str) -> None:
        """One chunk. AFS refuses to read beyond the end of a file."""
        offset = content.length
        body = request_for(owner, path, offset, limit)
        with self._called("POST", {"method": "read"}, token, body) as response:
            blocks = self._downloads.watched(response.iter_raw())
            for block in bytes_of_chunk(blocks, offset, limit):
                content.take(block)

    def _hash(self, owner: str, path: str, token: str) -> str:
        """What AFS says now of a file: its MD5 in lower-case hex."""
        wanted = {"method": "hash", "owner": owner, "source": path}
        with self._called("GET", wanted, token) as response:
            return _text(response).strip().lower()

    def _is_valid(self, token: str) -> bool:
        with self._called("GET", {"method": "isSessionValid"}, token) as response:
            return _text(response).strip().lower() == "true"

    def _with_session(self, call: Callable[[str], _T], owner: str, path: str) -> _T:
        """Make a call, a second time if the session has ended."""
        token = self._session.token()
        try:
            return call(token)
        except _RefusedError as error:
            # A refusal does not show whether the session has ended, so AFS is asked, unless the
            # text of the refusal gives another reason.
            if _BUSY in str(error) or _MISSING in str(error) or self._is_valid(token):
                raise self._meant(error, owner, path) from error
        self._session.renew(token)
        try:
            return call(self._session.token())
        except _RefusedError as error:
            raise self._meant(error, owner, path) from error

    def _meant(self, refusal: _RefusedError, owner: str, path: str) -> Exception:
        text = str(refusal)
        if _BUSY in text:
            return _BusyError(f"{self._url}: {owner}{path} is locked by another user: {text}")
        if _MISSING in text:
            return AfsChangedError("the application file service does not have the file any more")
        return _NotGivenError(
            f"{self._url} does not give {owner}{path}: {text}; user "
            f"{self._config.data_source_auth_user} must be allowed to see the sample or experiment "
            "with this perm id, and the log of the application file service may say more"
        )

    @contextmanager
    def _called(
        self, http: str, parameters: dict[str, str], token: str, body: bytes | None = None
    ) -> Iterator[httpx.Response]:
        """The answer with status 200 to a call. Raises `_RefusedError`, or `SourceError`."""
        query = urlencode({**parameters, "sessionToken": token}, quote_via=quote)
        address = f"{self._checked_url()}/api?{query}"
        with self._client.call(http, address, body, _BINARY) as response:
            if response.status_code == httpx.codes.BAD_REQUEST:
                raise _RefusedError(_error_of(_text(response)))
            self._client.check(response)
            if encoding := encoding_of(response):
                raise SourceError(f"{self._url} packs its answer ({encoding[:60]!r})")
            yield response

    def _checked_url(self) -> str:
        """The session is sent only to a host of the section, and never with less protection."""
        if self._url is None:
            raise AfsAwayError(
                "the list names no application file service (AFS), so the files cannot be "
                "fetched; see afs-url in the settings of the data source"
            )
        config = self._config
        given = config.resource_list_url, config.data_source_dss_url, config.data_source_openbis_url
        homes = {(url.scheme, url.host.lower()) for url in map(httpx.URL, filter(None, given))}
        # What is no URL at all is refused like the URL of a foreign host.
        with suppress(httpx.InvalidURL):
            url = httpx.URL(self._url)
            if (url.scheme, url.host.lower()) in homes:
                return self._url.rstrip("/")
        raise AfsRefusedError(
            f"{self._url}, where the list says that the application file service is, is not on a "
            "host of the section's URLs with the same scheme; the session is not sent there. "
            "Correct afs-url in the settings of the data source"
        )

    def _without_answer(self, error: PassingError) -> SourceError:
        """The error of one file. If that is not the fault of the file, the next ones fail at
        once."""
        with self._lock:
            self._in_vain += not isinstance(error, _BusyError)
            if isinstance(error, OutOfReachError) or self._in_vain >= _MOST_IN_VAIN:
                self._away = f"{error}; what is missing comes with the next run"
        away = isinstance(error, OutOfReachError | _BusyError) or error.status in _AWAY
        return (AfsAwayError if away else SourceError)(str(error))

    def _explained(
        self, error: VerificationError | _NotGivenError, owner: str, path: str, expected: Expected
    ) -> VerificationError | _NotGivenError:
        """Says whether the file has changed since the list was made."""
        # The question only makes the message better: without an answer, the first error stands.
        with suppress(SourceError, VerificationError):
            now = self._with_session(partial(self._hash, owner, path), owner, path)
            if expected.checksum and expected.checksum.partition(":")[2].lower() != now:
                refused = isinstance(error, _NotGivenError)
                return AfsChangedError(
                    f"{'it cannot be read as listed' if refused else error}; it has changed since "
                    "the list was made, and comes as it is now with the next run"
                )
        return error


def _text(response: httpx.Response) -> str:
    return beginning(response, _LONGEST_ANSWER).decode(errors="replace")


def _error_of(body: str) -> str:
    """The error in an answer with status 400, on one line."""
    with suppress(ValueError, RecursionError):
        answer = json.loads(body)
        if isinstance(answer, dict) and (error := answer.get("error")):
            body = "; ".join(map(str, error if isinstance(error, list) else [error]))
    return " ".join(body.split())[:_SHOWN] or "no reason is given"
