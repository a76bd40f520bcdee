"""HTTP with one data source: its own origins only, with its credentials, TLS and proxy.

httpx's errors are translated into ours; those that may pass by themselves into `PassingError`.
"""

from __future__ import annotations

import logging
import os
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import Any
from weakref import WeakSet

import httpx

from harvester.http.bodies import IDENTITY, beginning
from harvester.http.direct_transport import DirectTransport
from harvester.http.retries import OutOfReachError, PassingError, seconds_until
from harvester.http.tls import tls_context, trusting_context
from harvester.settings.section import SectionSettings
from shared.errors import ConfigError, SourceError, SourceRefusedError
from shared.proxies import ProxiedTransport, Proxies

logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it logs URLs, with session tokens

# The variable that chooses the transport below httpx; docs/operations.md says what differs.
TRANSPORT = "OPENBIS_SYNC_HTTP_TRANSPORT"
_CONNECT = 30.0
_MOST_REDIRECTS = 5
_SHOWN = 200
_REFUSED = frozenset({401, 403})
_PASSING = frozenset({408, 429})
_FORM = "application/x-www-form-urlencoded"


class HttpClient:
    """The client of one section. Any number of threads may use it; at most
    ``max-connections-per-source`` requests run at a time."""

    def __init__(
        self, config: SectionSettings, *, user: str, password: str, base: str, urls: Iterable[str]
    ) -> None:
        """Relative addresses are resolved against ``base``; absolute ones must have the origin of
        one of the ``urls``."""
        self._user = user
        self._base = httpx.URL(base)
        self._origins = frozenset(origin(httpx.URL(url)) for url in urls)
        # Seconds to wait for a byte.
        self.patience = float(config.timeout)
        self._auth = httpx.BasicAuth(user, password)
        self._sockets = Sockets()
        self._client = open_client(config, self._sockets)

    def close(self) -> None:
        self._client.close()

    def abort(self) -> None:
        """Break off all requests, from another thread. Nothing can be fetched afterwards."""
        self._sockets.break_off()

    @contextmanager
    def get(
        self, url: httpx.URL, headers: Mapping[str, str], form: bytes | None = None
    ) -> Iterator[httpx.Response]:
        """The answer to a GET, or to a POST of the form, whatever its status; its body is not read
        yet. Redirects are followed within the origins of the source."""
        for _ in range(_MOST_REDIRECTS + 1):
            with self._asked(url, headers, form) as response:
                if not response.has_redirect_location:
                    yield response
                    return
                target = response.headers["location"]
            url = self.at_home(target, seen_in=url)
        raise SourceError(f"{shown(url)}: there are too many redirects")

    @contextmanager
    def _asked(
        self, url: httpx.URL, headers: Mapping[str, str], form: bytes | None
    ) -> Iterator[httpx.Response]:
        """The answer to one request, which may be a redirect."""
        self._sockets.check(url)
        request = self._client.build_request(
            "GET" if form is None else "POST",
            url,
            headers=headers if form is None else {**headers, "Content-Type": _FORM},
            content=form,
            extensions={"trace": self._sockets.trace},
        )
        with (
            translated(url),
            closing(self._client.send(request, auth=self._auth, stream=True)) as response,
        ):
            yield response

    @contextmanager
    def post(self, address: str, body: bytes) -> Iterator[httpx.Response]:
        """The answer to a POST of JSON; its body is not read yet."""
        with self.call("POST", address, body, "application/json") as response:
            yield response

    @contextmanager
    def call(
        self, http: str, address: str, body: bytes | None = None, media_type: str = ""
    ) -> Iterator[httpx.Response]:
        """The answer to a request without the user's credentials, whatever its status; its body is
        not read yet. The address must be one of the section's own."""
        url = httpx.URL(address)
        self._sockets.check(url)
        headers = IDENTITY if body is None else {"Content-Type": media_type, **IDENTITY}
        with (
            translated(url),
            self._client.stream(
                http,
                url,
                content=body,
                headers=headers,
                extensions={"trace": self._sockets.trace},
            ) as response,
        ):
            yield response

    def check(self, response: httpx.Response) -> None:
        """Raise the error that fits a status other than 200."""
        status, url = response.status_code, shown(response.url)
        if status == httpx.codes.OK:
            return
        if status in _REFUSED:
            raise SourceRefusedError(
                f"{url} refuses user {self._user} with status {status}; check "
                "data-source-auth-user, data-source-auth-pass and the user's rights"
            )
        message = f"{url} answers with status {status}: {_text(response)}"
        if response.is_server_error or status in _PASSING:
            wait = seconds_until(response.headers.get("retry-after", ""))
            passing = PassingError(message, retry_after=wait)
            passing.status = status
            raise passing
        raise SourceError(message)

    def at_home(self, address: str, *, seen_in: httpx.URL | None = None) -> httpx.URL:
        """The absolute form of an address that the source gave; `SourceError` if its origin is not
        the source's."""
        seen_in = seen_in or self._base
        try:
            url = httpx.URL(address)
            if url.is_relative_url:
                url = seen_in.join(url)
        except httpx.InvalidURL as error:
            raise SourceError(f"{shown(seen_in)} names an invalid URL: {error}") from error
        if not address:
            raise SourceError(f"{shown(seen_in)}: the list does not say where the file lies")
        if origin(url) not in self._origins:
            raise SourceError(
                f"{shown(seen_in)} leads to {shown(url)}, another origin than those of the "
                "section's URLs; credentials are not sent there. If it is right, configure it"
            )
        return url


class Sockets:
    """All connections of a client. Closing a socket does not wake up a thread that reads from it;
    shutting it down does."""

    def __init__(self) -> None:
        self._open: WeakSet[socket.socket] = WeakSet()
        self._lock = threading.Lock()
        self._broken_off = False

    def trace(self, event: str, found: Mapping[str, Any]) -> None:
        """httpx's transport calls this at each step of a request."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self.add(found["return_value"].get_extra_info("socket"))

    def add(self, connection: socket.socket) -> None:
        with self._lock:
            if self._broken_off:
                connection.close()  # by the thread that has just made it
            self._open.add(connection)

    def check(self, url: httpx.URL) -> None:
        """Raise `SourceError` if the work was broken off."""
        if self._broken_off:
            raise SourceError(f"{shown(url)} is not asked for any more: the run was broken off")

    def break_off(self) -> None:
        with self._lock:
            self._broken_off = True
            for connection in self._open:
                _shut_down(connection)


def _shut_down(connection: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        # Shut down the plain socket: SSLSocket.shutdown is not safe from another thread.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def proxies_of(config: SectionSettings) -> Proxies:
    """The proxies of the section, else those of the environment. Raises `ConfigError`."""
    try:
        return Proxies.of(config.proxy)
    except ConfigError as error:
        raise ConfigError(f"{error}, or set proxy") from error


def open_client(config: SectionSettings, sockets: Sockets | None = None) -> httpx.Client:
    """An httpx client. Raises `ConfigError`. With ``sockets``, requests that need no proxy use our
    own transport."""
    context = tls_context(config)
    most = config.max_connections_per_source
    limits = httpx.Limits(max_connections=most)
    transport = ProxiedTransport(
        proxies_of(config),
        context,
        limits,
        direct=_own_transport(context, most, sockets) if sockets else None,
        proxy_context=trusting_context(config) if config.proxy else None,
    )
    return httpx.Client(
        transport=transport,
        trust_env=False,
        timeout=httpx.Timeout(config.timeout, connect=_CONNECT, pool=None),
        headers={"User-Agent": "openbis-sync", **IDENTITY},
    )


def _own_transport(
    context: ssl.SSLContext, most: int, sockets: Sockets
) -> httpx.BaseTransport | None:
    """None if httpx's is wanted."""
    return DirectTransport(context, most, sockets.add) if uses_own_transport() else None


def uses_own_transport() -> bool:
    """What the environment variable `TRANSPORT` wants. Raises `ConfigError` for other values."""
    match os.environ.get(TRANSPORT, "").strip():
        case "" | "direct":
            return True
        case "httpx":
            return False
        case other:
            raise ConfigError(
                f"environment variable {TRANSPORT}={other}: must be direct or httpx; unset it, "
                "unless a source cannot be read otherwise"
            )


def origin(url: httpx.URL) -> tuple[str, str, int]:
    port = url.port or {"https": 443}.get(url.scheme, 80)
    return url.scheme, url.host.lower(), port


def shown(url: httpx.URL) -> str:
    """The URL without its query, which may hold a session token."""
    return str(url.copy_with(query=None, userinfo=b""))


@contextmanager
def translated(url: httpx.URL) -> Iterator[None]:
    """Translates httpx's errors into ours; nearly all of them may pass."""
    try:
        yield
    except httpx.HTTPError as error:
        message = f"{shown(url)} cannot be read: {str(error) or type(error).__name__}"
        if "CERTIFICATE_VERIFY_FAILED" in message:
            raise SourceError(
                f"{message}; name the file of its certificate authority in ca-bundle, or in the "
                "environment variable SSL_CERT_FILE"
            ) from error
        if "CERTIFICATE_REQUIRED" in message:
            raise SourceError(f"{message}; set client-certificate and client-key") from error
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
            raise OutOfReachError(message) from error
        raise PassingError(message) from error


def _text(response: httpx.Response) -> str:
    """The beginning of the answer's body as text."""
    body = b""
    with suppress(httpx.HTTPError, httpx.StreamError):
        body = beginning(response, _SHOWN * 4)
    text = body.decode(response.encoding or "utf-8", errors="replace")
    return " ".join(text.split())[:_SHOWN] or response.reason_phrase
