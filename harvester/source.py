"""The data source over HTTP: its list, once for a run, and its files. httpx lives only here.

Credentials go to the origins of the section's own URLs and nowhere else. What may pass by itself
(no connection, a cut body, 5xx) is tried again a few times; every error then leaves as one of ours.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Self

import httpx

from harvester.config import SectionConfig
from harvester.list_documents import list_url, parts_of
from harvester.openbis_session import OpenbisSession
from harvester.retries import PAUSES, PassingError, Retries, seconds_until
from shared.errors import SourceError, SourceRefusedError
from shared.verification import Download, Expected, VerificationError, Verifier

__all__ = ["Download", "Source", "VerificationError"]

logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it logs URLs, with session tokens

_CONNECT = 30.0
_MOST_REDIRECTS = 5
_CHUNK = 1 << 16
_SHOWN = 200
_GONE = frozenset({404, 410})
_REFUSED = frozenset({401, 403})
_PASSING = frozenset({408, 429})


class Source:
    """One section's data source; to be used in a ``with``, from any number of threads.

    ``pauses`` are the seconds between one try and the next, a little more or less at random; so
    there is one try more than pauses.
    """

    def __init__(
        self,
        config: SectionConfig,
        *,
        pauses: Sequence[float] = PAUSES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config = config
        self._retries = Retries(pauses, sleep)
        urls = (
            *(config.resource_list_url, config.data_source_dss_url),
            config.data_source_openbis_url or config.data_source_dss_url,
        )
        self._origins = frozenset(_origin(httpx.URL(url)) for url in urls)
        password = config.data_source_auth_pass.get_secret_value()
        self._auth = httpx.BasicAuth(config.data_source_auth_user, password)
        self._session = OpenbisSession(config, self._post)
        try:
            self._client = httpx.Client(
                timeout=httpx.Timeout(config.timeout, connect=_CONNECT, pool=None),
                limits=httpx.Limits(max_connections=config.max_threads + 1),
                headers={"User-Agent": "openbis-sync"},
            )
        except OSError as error:
            raise SourceError(
                f"the certificates named by SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {error}"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(SourceError):
            self._session.close()
        self._client.close()

    def fetch_list(self, spool_dir: Path) -> list[Path]:
        """The resource list, unpacked, in one file; or in several, in order, if it lies in parts.

        The files are new ones below ``spool_dir`` and the caller's to remove. None is left if this
        raises: `SourceRefusedError`, `SourceError`, or `OSError` if the disk is full.
        """
        url = httpx.URL(list_url(self._config))
        first = self._spool(url, spool_dir)
        parts = parts_of(first)
        if parts is None:
            return [first]
        first.unlink()
        files: list[Path] = []
        with ExitStack() as undo:
            for part in parts:
                file = self._spool(self._at_home(part, seen_in=url), spool_dir)
                undo.callback(file.unlink, missing_ok=True)
                files.append(file)
            undo.pop_all()
        return files

    def download(
        self,
        url: str,
        path: Path,
        *,
        length: int | None = None,
        crc32: int | None = None,
        checksum: str | None = None,
        sha256: str | None = None,
    ) -> Download:
        """Fetches a file to ``path``, which must not exist, verifies it and makes it durable.

        Nothing is left if this raises: `VerificationError` if the source does not have the file or
        sends other bytes than announced, the errors of `fetch_list`, or `OSError`.
        """
        expected = Expected(length=length, crc32=crc32, checksum=checksum, sha256=sha256)
        with path.open("xb") as file:
            try:
                location = self._at_home(url, seen_in=httpx.URL(self._config.data_source_dss_url))
                found = self._retries.run(partial(self._copy_verified, location, file, expected))
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        return found

    def open_session(self) -> None:
        """Logs in at an original openBIS, unless that has been done; see `session_file_url`."""
        self._session.token()

    def session_file_url(self, code: str, path: str) -> str:
        """Where an original openBIS serves a data set's file: for lists that announce no ``href``.

        The URL holds a session token and must not be printed. The first call logs in.
        """
        return self._session.file_url(code, path)

    def _spool(self, url: httpx.URL, folder: Path) -> Path:
        with NamedTemporaryFile(dir=folder, prefix="list-", suffix=".xml", delete=False) as file:
            path = Path(file.name)
            try:
                self._retries.run(partial(self._copy, url, file))
                file.flush()
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        return path

    def _copy(self, url: httpx.URL, file: IO[bytes]) -> None:
        _empty(file)
        with self._answer(url, "gzip") as response:
            _check(response, self._config.data_source_auth_user)
            for chunk in response.iter_bytes(_CHUNK):
                file.write(chunk)

    def _copy_verified(self, url: httpx.URL, file: IO[bytes], expected: Expected) -> Download:
        _empty(file)
        verifier = Verifier(expected)
        with self._answer(url, "identity") as response:
            if response.status_code in _GONE:
                raise VerificationError("the source does not have the file")
            _check(response, self._config.data_source_auth_user)
            for chunk in response.iter_bytes(_CHUNK):
                verifier.feed(chunk)
                file.write(chunk)
        return verifier.finish()

    def _post(self, url: str, body: bytes) -> bytes | None:
        """The body of an answer with status 200; None for other ones, unless they may pass."""

        def attempt() -> bytes | None:
            headers = {"Content-Type": "application/json"}
            with _translated(httpx.URL(url)):
                response = self._client.post(url, content=body, headers=headers)
                if response.status_code in {502, 503, 504}:
                    _check(response, self._config.data_source_auth_user)
            return response.content if response.status_code == httpx.codes.OK else None

        return self._retries.run(attempt)

    @contextmanager
    def _answer(self, url: httpx.URL, encoding: str) -> Iterator[httpx.Response]:
        """The answer to a GET; redirects are followed as long as they stay at home."""
        headers = {"Accept-Encoding": encoding}
        for _ in range(_MOST_REDIRECTS + 1):
            with (
                _translated(url),
                self._client.stream("GET", url, headers=headers, auth=self._auth) as response,
            ):
                if not response.has_redirect_location:
                    yield response
                    return
                target = response.headers["location"]
            url = self._at_home(target, seen_in=url)
        raise SourceError(f"{_shown(url)}: there are too many redirects")

    def _at_home(self, address: str, *, seen_in: httpx.URL) -> httpx.URL:
        """An address that the source gave; raises `SourceError` if it is not the source's own."""
        try:
            url = seen_in.join(address)
        except httpx.InvalidURL as error:
            raise SourceError(f"{_shown(seen_in)} names an invalid URL: {error}") from error
        if not address:
            raise SourceError(f"{_shown(seen_in)}: the list does not say where the file lies")
        if _origin(url) not in self._origins:
            raise SourceError(
                f"{_shown(seen_in)} leads to {_shown(url)}, another origin than those of the "
                "section's URLs; credentials are not sent there. If it is right, configure it"
            )
        return url


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    port = url.port or {"https": 443}.get(url.scheme, 80)
    return url.scheme, url.host.lower(), port


def _shown(url: httpx.URL) -> str:
    """Without its query, which may hold a session token."""
    return str(url.copy_with(query=None, userinfo=b""))


def _empty(file: IO[bytes]) -> None:
    """Whatever an earlier try has left."""
    file.seek(0)
    file.truncate()


@contextmanager
def _translated(url: httpx.URL) -> Iterator[None]:
    """httpx's errors as ours; all of them may pass."""
    try:
        yield
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            reason += "; name the file of its certificate authority in SSL_CERT_FILE"
        raise PassingError(f"{_shown(url)} cannot be read: {reason}") from error


def _check(response: httpx.Response, user: str) -> None:
    """Raises the error that fits a status other than 200."""
    status, url = response.status_code, _shown(response.url)
    if status == httpx.codes.OK:
        return
    if status in _REFUSED:
        raise SourceRefusedError(
            f"{url} refuses user {user} with status {status}; check data-source-auth-user, "
            "data-source-auth-pass and the user's rights"
        )
    message = f"{url} answers with status {status}: {_text(response)}"
    if response.is_server_error or status in _PASSING:
        raise PassingError(
            message, retry_after=seconds_until(response.headers.get("retry-after", ""))
        )
    raise SourceError(message)


def _text(response: httpx.Response) -> str:
    """The beginning of the answer's body."""
    body = b""
    with suppress(httpx.HTTPError):
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > _SHOWN * 4:
                break
    text = body.decode(response.encoding or "utf-8", errors="replace")
    return " ".join(text.split())[:_SHOWN] or response.reason_phrase
