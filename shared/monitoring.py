"""Health and metrics of a running program, for load balancers and Prometheus.

A web server in a thread of its own serves them on a socket of its own, so neither it nor the
program waits for the other. There is no sign-in, so nothing secret may be shown.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import anyio
import anyio.to_thread
import uvicorn
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from shared.errors import ConfigError, SyncError
from shared.settings.quantities import ListenAddress

T = TypeVar("T")

# Seconds for an answer; Prometheus waits for ten.
PATIENCE = 8.0

# Seconds in which answers in work may be finished when the program ends.
_FAREWELL = 1

_THREAD = "monitoring"
_NO_STORE = {"Cache-Control": "no-store"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether a program can do its work. ``details`` say why or why not: texts, numbers, lists and
    mappings of these."""

    ok: bool
    details: Mapping[str, object] = field(default_factory=dict)


@contextmanager
def monitored(
    address: ListenAddress,
    collect: Callable[[], Iterable[Metric]],
    health: Callable[[], Health],
) -> Iterator[int]:
    """Serves ``GET /healthz`` (200, or 503 if not ok) and ``GET /metrics``; gives the port.

    ``collect`` and ``health`` are called for each request, in other threads, each by one request at
    a time. If one raises or takes too long, the answer is 500 or 503, and the log has the reason.
    Raises `ConfigError` if the address cannot be bound.
    """
    with monitor_socket(address) as listener, monitored_at(listener, collect, health) as port:
        yield port


@contextmanager
def monitored_at(
    listener: socket.socket,
    collect: Callable[[], Iterable[Metric]],
    health: Callable[[], Health],
    process: Collector | None = None,
) -> Iterator[int]:
    """`monitored` at a socket that several processes may share: each request is answered by one of
    them. ``process`` has the metrics of processes, by default those of this one."""
    port: int = listener.getsockname()[1]
    config = uvicorn.Config(
        _app(collect, health, process or ProcessCollector(registry=None)),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_FAREWELL,
    )
    server = uvicorn.Server(config)
    with _quiet(), _in_a_thread(server, listener):
        yield port


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound, listening socket. Raises `OSError`.

    Connections inherit TCP_NODELAY; without it each small answer takes 40 ms, since its body waits
    until the client confirms the head. asyncio sets it only for sockets that it made.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def monitor_socket(address: ListenAddress) -> socket.socket:
    """A listening socket. Raises `ConfigError` if the address cannot be bound."""
    try:
        return listening_socket(address.host, address.port)
    except OSError as error:
        raise ConfigError(
            f"monitor-address = {address}: cannot listen there: {error.strerror or error}; is "
            "another program at that port, or the address not of this machine?"
        ) from error


@contextmanager
def _in_a_thread(server: uvicorn.Server, listener: socket.socket) -> Iterator[None]:
    """A daemon thread, as its own threads are: one that hangs never keeps the program alive."""
    thread = threading.Thread(target=server.run, args=([listener],), name=_THREAD, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(_FAREWELL + 2)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences uvicorn's messages about starting and stopping."""

    def is_worth_telling(record: logging.LogRecord) -> bool:
        return record.threadName != _THREAD or record.levelno >= logging.WARNING

    logger = logging.getLogger("uvicorn.error")
    logger.addFilter(is_worth_telling)
    try:
        yield
    finally:
        logger.removeFilter(is_worth_telling)


class _Collector:
    """Metrics in the form that a registry collects."""

    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        return self._collect()


def _app(
    collect: Callable[[], Iterable[Metric]], health: Callable[[], Health], process: Collector
) -> Starlette:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(collect))
    registry.register(process)
    ask_health = _OneAtATime(health)
    ask_metrics = _OneAtATime(lambda: generate_latest(registry))

    async def healthz(_request: Request) -> Response:
        try:
            found = await _in_time("/healthz", ask_health)
        except _NoAnswerError as error:
            found = Health(ok=False, details={"health": str(error)})
        shown = {"status": "ok" if found.ok else "failing", "details": dict(found.details)}
        body = json.dumps(shown, ensure_ascii=False, default=str) + "\n"
        status = 200 if found.ok else 503
        return Response(body, status, _NO_STORE, media_type="application/json")

    async def metrics(_request: Request) -> Response:
        try:
            text = await _in_time("/metrics", ask_metrics)
        except _NoAnswerError as error:
            return PlainTextResponse(f"{error}\n", 500, _NO_STORE)
        return Response(text, 200, _NO_STORE, media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return Starlette(routes=[Route("/healthz", healthz), Route("/metrics", metrics)])


class _OneAtATime(Generic[T]):
    """A call that is not repeated before it has returned: if it hangs, it hangs once."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._lock = threading.Lock()

    def __call__(self) -> T:
        if not self._lock.acquire(timeout=PATIENCE):
            raise TimeoutError
        try:
            return self._ask()
        finally:
            self._lock.release()


class _NoAnswerError(Exception):
    """There is no answer; the message says what to say instead."""


async def _in_time(path: str, ask: Callable[[], T]) -> T:
    """The result of a call in a worker thread, which is abandoned if it takes too long. Raises
    `_NoAnswerError`, whatever fails."""
    try:
        with anyio.fail_after(PATIENCE):
            return await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)
    except Exception as error:
        raise _NoAnswerError(_told(path, error)) from error


def _told(path: str, error: Exception) -> str:
    """The text of the answer. Errors that were not raised on purpose may contain secrets and are
    only logged."""
    if isinstance(error, TimeoutError):
        _log.error("%s: no answer within %.0f seconds", path, PATIENCE)
        return f"no answer within {PATIENCE:.0f} seconds"
    _log.error("%s: %s: %s", path, type(error).__name__, error, exc_info=error)
    return str(error) if isinstance(error, SyncError) else "it failed; the log says why"
