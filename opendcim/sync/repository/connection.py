"""HTTP with one template repository. Its credentials are sent to it only, and an answer counts only
if its envelope agrees with its status.

After 429 the request is repeated if the pause is short; otherwise no run asks again before the time
in the answer.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from harvester.http.bodies import unpacked
from harvester.http.client import Sockets, open_client, origin, shown, translated
from harvester.http.retries import OutOfReachError, PassingError, Retries, seconds_until
from harvester.runs.stopping import RunLimits
from opendcim.records.envelope import Envelope, read_envelope
from opendcim.records.texts import plain
from opendcim.sync.repository.memory import Memory
from opendcim.sync.section import RepositorySection
from shared.errors import FormatError, SourceError, SourceRefusedError
from shared.page_title import title_of

NOT_FOUND = 404
_NOT_MODIFIED = 304
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_TOO_MANY = 429
_REFUSED = frozenset({401, 403})
_PASSING = frozenset({408, _TOO_MANY})
# Bytes of an unexpected answer that are read for the error.
_SHOWN = 2000
# Bytes; the whole public repository is a hundredth of it.
_LONGEST_ANSWER = 200 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryAnswer:
    """An answer that was read completely."""

    status: int
    headers: httpx.Headers
    body: bytes
    url: httpx.URL

    @property
    def is_unchanged(self) -> bool:
        return self.status == _NOT_MODIFIED

    def envelope(self) -> Envelope:
        """Raises `FormatError` unless it is an envelope that agrees with the status."""
        try:
            envelope = read_envelope(self.body)
        except FormatError as error:
            raise FormatError(f"{shown(self.url)} (status {self.status}): {error}") from error
        if envelope.code != self.status:
            raise FormatError(
                f"{shown(self.url)} has status {self.status}, but its answer says {envelope.code}"
            )
        return envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """The body of a request: a form, JSON, or files."""

    data: Mapping[str, str] | None = None
    json: object = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        found = {"data": self.data, "json": self.json, "files": self.files}
        return {name: value for name, value in found.items() if value is not None}


_NOTHING = Upload()


@dataclass(slots=True)
class RepositoryConnection:
    """Has to be closed."""

    config: RepositorySection
    limits: RunLimits
    log: logging.Logger
    memory: Memory
    _sockets: Sockets = field(default_factory=Sockets)

    def __post_init__(self) -> None:
        self._client = open_client(self.config)
        self._home = origin(httpx.URL(self.config.repository_url))
        pauses = [pause.total_seconds() for pause in self.config.retry_pauses]
        self._retries = Retries(pauses, self.limits.sleep, self.log)

    _client: httpx.Client = field(init=False)
    _home: tuple[str, str, int] = field(init=False)
    _retries: Retries = field(init=False)

    def close(self) -> None:
        self._client.close()

    def abort(self) -> None:
        """Breaks off requests in work; called from another thread."""
        self._sockets.break_off()

    @property
    def has_key(self) -> bool:
        return bool(self.config.api_key and self.config.api_key.get_secret_value())

    @property
    def shows_key(self) -> bool:
        """Whether the key would cross a network unencrypted."""
        scheme, host, _ = self._home
        return self.has_key and scheme == "http" and host not in _LOOPBACK

    def at(self, path: str) -> httpx.URL:
        return httpx.URL(f"{self.config.repository_url}/api{path}")

    def is_home(self, url: httpx.URL) -> bool:
        return origin(url) == self._home

    def get(self, url: httpx.URL, headers: Mapping[str, str] | None = None) -> RepositoryAnswer:
        """Returns an answer of any status, after new tries if the fault may pass. Raises
        `SourceError`."""
        return self._asked(lambda: self._sent("GET", url, headers or {}, _NOTHING))

    def send(self, method: str, path: str, upload: Upload) -> RepositoryAnswer:
        """Sends once: after an error it is unknown whether the repository took it. Only after
        `OutOfReachError` it certainly did not."""
        url = self.at(path)
        answer = self._sent(method, url, {}, upload, checked=False)
        if answer.status == _TOO_MANY:
            error = _too_many(answer)
            self._keep_away(error)
            raise OutOfReachError(str(error), retry_after=error.retry_after) from error
        return answer

    def _asked(self, attempt: Any) -> RepositoryAnswer:
        try:
            answer: RepositoryAnswer = self._retries.run(attempt)
        except OutOfReachError as error:
            self._keep_away(error)
            raise
        return answer

    def _keep_away(self, error: PassingError) -> None:
        if error.retry_after > 0:
            until = datetime.now(UTC) + timedelta(seconds=error.retry_after)
            self.memory.leave_alone(until, str(error))

    def _sent(
        self,
        method: str,
        url: httpx.URL,
        headers: Mapping[str, str],
        upload: Upload,
        *,
        checked: bool = True,
    ) -> RepositoryAnswer:
        self.limits.check()
        self._sockets.check(url)
        request = self._client.build_request(
            method,
            url,
            headers={**self._credentials(url), "Accept-Encoding": "gzip", **headers},
            extensions={"trace": self._sockets.trace},
            **upload.arguments,
        )
        with translated(url):
            # After a redirect to another host, httpx would send the key there: it withholds
            # `Authorization`, but not `APIKey`.
            response = self._client.send(request, stream=True, follow_redirects=False)
            try:
                body = self._read(response)
            finally:
                response.close()
        answer = RepositoryAnswer(
            status=response.status_code, headers=response.headers, body=body, url=url
        )
        if checked:
            _check(answer)
        return answer

    def _credentials(self, url: httpx.URL) -> dict[str, str]:
        """Spelt exactly so: the original repository compares names with case (opendcim.md, 1.2)."""
        if not self.is_home(url) or not self.has_key or self.config.api_key is None:
            return {}
        return {"APIKey": self.config.api_key.get_secret_value(), "UserID": self.config.api_user_id}

    def _read(self, response: httpx.Response) -> bytes:
        chunks, size = [], 0
        for chunk in unpacked(response):
            chunks.append(chunk)
            size += len(chunk)
            self.limits.received(len(chunk))
            if size > _LONGEST_ANSWER:
                raise FormatError(f"{shown(response.url)} answers with more than {size:,} bytes")
        return b"".join(chunks)


def check_refused(answer: RepositoryAnswer, config: RepositorySection) -> None:
    """Raises `SourceRefusedError` if the key is refused; the original answers 400 if there is
    none."""
    # The status alone proves nothing: the original also answers 403 if it cannot store something.
    if answer.status in _REFUSED and b"Api key" in answer.body:
        raise SourceRefusedError(
            f"{shown(answer.url)} refuses the API key of user {config.api_user_id or '(none)'} "
            f"with status {answer.status}; check api-key and api-user-id, or ask the repository's "
            "administrator for a new key"
        )


def message_of(answer: RepositoryAnswer) -> str:
    """The repository's message, for people."""
    try:
        return read_envelope(answer.body).message or f"status {answer.status}"
    except FormatError:
        page = answer.body[:_SHOWN].decode("utf-8", errors="replace")
        title = title_of(page)
        text = f"a page {title!r}" if title else repr(plain(page)[:100])
        return f"status {answer.status} and {text}"


def _check(answer: RepositoryAnswer) -> None:
    """Raises an error that is tried again if the fault may pass."""
    if answer.status in _PASSING:
        raise _too_many(answer)
    if answer.status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise PassingError(
            f"{shown(answer.url)} answers with {message_of(answer)}",
            retry_after=seconds_until(answer.headers.get("retry-after", "")),
        )
    if answer.status in _REFUSED:
        raise SourceRefusedError(
            f"{shown(answer.url)} refuses with {message_of(answer)}; check api-key and api-user-id"
        )
    # httpx counts 304 among the redirects.
    if httpx.codes.is_redirect(answer.status) and not answer.is_unchanged:
        target = answer.headers.get("location", "nowhere")
        raise SourceError(
            f"{shown(answer.url)} leads to {target}; if that is right, set repository-url to it"
        )


def _too_many(answer: RepositoryAnswer) -> PassingError:
    wait = seconds_until(answer.headers.get("retry-after", ""))
    text = f"{shown(answer.url)} was asked too often: {message_of(answer)}"
    return PassingError(text, retry_after=wait)
