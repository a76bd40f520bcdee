"""``source-server serve``: publishes the instance until a signal stops it."""

from __future__ import annotations

import argparse
import gc
import logging
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Protocol

import uvicorn
from prometheus_client.core import Metric
from starlette.types import ASGIApp

from shared.errors import ConfigError
from shared.monitoring import Health, listening_socket, monitored
from shared.resourcesync.addresses import RE_SYNC_PATH
from shared.settings.quantities import ListenAddress
from source_server.instance import opened
from source_server.parts import opened_parts
from source_server.publication.unseen import log_unseen
from source_server.settings import SourceSettings, read_server_settings
from source_server.settings.choices import CatalogueKind
from source_server.users.sign_in import DirectoryAuthenticator
from source_server.web.access_log import access_log_on_standard_error
from source_server.web.afs.opening import opened_afs
from source_server.web.app import create_app
from source_server.web.dispatch import Dispatcher, OpenedPart, nothing, watched
from source_server.web.heads import ConnectionLimits, limited_protocol
from source_server.web.list_limits import ListLimits, Rules
from source_server.web.metrics import Metrics
from source_server.web.reachability import Reachability

# Seconds after the signal to stop in which answers may be completed.
_GRACE = 30

# Seconds within which the head of a request must be complete.
_HEAD = 20.0

_log = logging.getLogger(__name__)


def serve(options: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT, then end with 0; lists that are still being sent break off."""
    settings = read_server_settings(options.config)
    with opened_parts(settings) as parts:
        if settings.source.catalogue is CatalogueKind.NONE:
            _serve_parts(settings.source, parts)
        else:
            _serve_instance(settings.source, parts)
    _log.info("stopped")
    return 0


def _serve_instance(settings: SourceSettings, parts: Sequence[OpenedPart]) -> None:
    politeness = ListLimits(Rules.of(settings))
    metrics = Metrics(lists=lambda: politeness.lists)
    with ExitStack() as opening:
        instance = opening.enter_context(opened(settings))
        authenticator = DirectoryAuthenticator(instance.directories)
        afs = opening.enter_context(opened_afs(settings, instance.catalogue, authenticator))
        listener = opening.enter_context(listening(settings))
        parts = (*parts, *afs)
        app = create_app(
            instance.catalogue,
            authenticator,
            settings,
            politeness=politeness,
            metrics=metrics,
            beside=parts,
        )
        reachable = Reachability(instance.catalogue)
        with _monitored(settings, reachable, metrics), access_log_on_standard_error():
            _log.info("publishing at %s%s", _address_of(listener), RE_SYNC_PATH)
            log_unseen(instance.catalogue)
            _announce(parts, listener)
            _run(app, listener, settings)


def _serve_parts(settings: SourceSettings, parts: Sequence[OpenedPart]) -> None:
    """Serve the parts without an instance."""
    metrics = Metrics(lists=lambda: 0)
    app = watched(Dispatcher(parts, nothing), settings, metrics)
    with (
        listening(settings) as listener,
        _monitored(settings, _Alive(), metrics),
        access_log_on_standard_error(),
    ):
        _announce(parts, listener)
        _run(app, listener, settings)


def _announce(parts: Sequence[OpenedPart], listener: socket.socket) -> None:
    for part in parts:
        _log.info("%s at %s%s", part.name, _address_of(listener), part.prefixes[0])


def listening(settings: SourceSettings) -> socket.socket:
    """The socket of the settings. Raises `ConfigError` if the address cannot be used."""
    try:
        return listening_socket(settings.address, settings.port)
    except OSError as error:
        raise ConfigError(
            f"address = {settings.address}, port = {settings.port}: cannot listen there: "
            f"{error.strerror or error}; is another server running, or the address not of this "
            "machine?"
        ) from error


class _Monitored(Protocol):
    """The questions of the monitoring."""

    def health(self) -> Health: ...
    def collect(self, metrics: Metrics) -> Iterator[Metric]: ...


class _Alive:
    """The monitoring without an instance: a server that answers is healthy."""

    def health(self) -> Health:
        return Health(ok=True)

    def collect(self, metrics: Metrics) -> Iterator[Metric]:
        yield from metrics.collect()


@contextmanager
def _monitored(settings: SourceSettings, instance: _Monitored, metrics: Metrics) -> Iterator[None]:
    """Serve health and metrics if the settings ask for them."""
    address = settings.monitor_address
    if address is None:
        yield
        return
    with monitored(address, lambda: instance.collect(metrics), instance.health) as port:
        shown = ListenAddress(address.host, port)
        _log.info("health at http://%s/healthz, metrics at http://%s/metrics", shown, shown)
        yield


def _address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{ListenAddress(host, port)}"


def _run(app: ASGIApp, listener: socket.socket, settings: SourceSettings) -> None:
    limits = ConnectionLimits(
        most=settings.max_connections,
        most_of_address=settings.max_connections_per_address,
        head_seconds=_HEAD,
    )
    config = uvicorn.Config(
        app,
        http=limited_protocol(limits),
        log_config=None,
        access_log=False,  # its lines hold the query, and ours say more
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    gc.freeze()  # what is there by now stays; looking through it takes a sixth of a list's time
    # uvicorn raises the signal once more when it has stopped; then it shall do no harm.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    # The socket is open already: uvicorn itself would end the program with an exit code of its own
    # if the address cannot be used, where `listening` says what to do.
    uvicorn.Server(config).run(sockets=[listener])
