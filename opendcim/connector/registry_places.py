"""Reads the element registry from its file or address, and decides when to read it again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import httpx

from opendcim.connector.external_response import RequestFailedError
from opendcim.connector.registry import (
    LARGEST,
    Registry,
    read_registry,
    registry_fault,
)

_TRIES = 3
# Seconds to wait before reading again: another program may be writing the file.
_PAUSE = 0.3
_TIMEOUT = 30.0

Clock = Callable[[], float]


class RegistryPlace(Protocol):
    """Thread-safe. Raises `RequestFailedError` if the registry cannot be read now."""

    def current(self) -> Registry: ...


class RegistryFile:
    """Read again whenever the file has changed. A faulty file is an error; the last good one is not
    used, because a name in it may belong to another element by now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: tuple[tuple[int, ...], Registry] | None = None

    def current(self) -> Registry:
        with self._lock:
            for _ in range(_TRIES - 1):
                try:
                    return self._read()
                except RequestFailedError:  # the last try tells it
                    time.sleep(_PAUSE)
            return self._read()

    def _read(self) -> Registry:
        try:
            # The stamp is older than the content: if the file changes in between, it is read again.
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if self._known and self._known[0] == stamp:
                return self._known[1]
            if status.st_size > LARGEST:
                raise registry_fault(self._path.name, f"it is larger than {LARGEST:,} bytes")
            content = self._path.read_bytes()
        except OSError as error:
            raise registry_fault(
                self._path.name, f"it cannot be read: {error.strerror or error}"
            ) from error
        registry = read_registry(content, self._path.name)
        self._known = stamp, registry
        return registry


class RegistryAddress:
    """Fetched again when it is older than ``interval`` seconds; with ``If-None-Match`` if the
    server sends ETags."""

    def __init__(
        self, client: httpx.Client, url: str, interval: float, clock: Clock = time.monotonic
    ) -> None:
        self._client = client
        self._url = url
        # Clients are shown the place in errors, and the query may hold a secret.
        self._place = str(httpx.URL(url).copy_with(query=None))
        self._interval = interval
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[float, str, Registry] | None = None

    def current(self) -> Registry:
        with self._lock:
            if self._known and self._clock() - self._known[0] < self._interval:
                return self._known[2]
            return self._fetch()

    def _fetch(self) -> Registry:
        headers = {"Accept-Encoding": "identity"}
        if self._known and self._known[1]:
            headers["If-None-Match"] = self._known[1]
        # The age counts from the question: the server may have made its answer right then.
        fetched = self._clock()
        try:
            with self._client.stream("GET", self._url, headers=headers, timeout=_TIMEOUT) as answer:
                if answer.status_code == httpx.codes.NOT_MODIFIED and self._known:
                    registry = self._known[2]
                else:
                    registry = read_registry(self._body(answer, fetched), self._place)
                etag = answer.headers.get("ETag", "")
        except httpx.HTTPError as error:
            raise registry_fault(self._place, _reason(error)) from error
        self._known = fetched, etag, registry
        return registry

    def _body(self, answer: httpx.Response, begun: float) -> bytes:
        if answer.status_code != httpx.codes.OK:
            raise registry_fault(self._place, f"it answered {answer.status_code}")
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            raise registry_fault(self._place, "it is packed, which was not asked for")
        content = bytearray()
        for part in answer.iter_raw():
            content += part
            if len(content) > LARGEST:
                raise registry_fault(self._place, f"it is larger than {LARGEST:,} bytes")
            if self._clock() - begun > _TIMEOUT:
                raise registry_fault(self._place, f"it is not here after {_TIMEOUT:.0f} seconds")
        return bytes(content)


def _reason(error: httpx.HTTPError) -> str:
    return f"it cannot be reached: {error or type(error).__name__}"
