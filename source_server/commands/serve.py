"""``source-server serve``: publishes the instance until it is told to stop."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from shared.errors import ConfigError
from shared.monitoring import listening_socket, monitored
from shared.resourcesync.addresses import RE_SYNC_PATH
from shared.settings.quantities import ListenAddress
from source_server.access_log import access_log_on_standard_error
from source_server.app import create_app
from source_server.auth import DirectoryAuthenticator
from source_server.catalogue import Catalogue
from source_server.instance import opened
from source_server.metrics import Metrics
from source_server.politeness import Politeness, Rules
from source_server.reachability import Reachability
from source_server.settings import SourceSettings, read_settings

_GRACE = 30
"""Seconds in which answers that are under way may be finished after the signal to stop."""

_log = logging.getLogger(__name__)


def serve(options: argparse.Namespace) -> int:
    """Ends with 0 after SIGTERM or SIGINT; lists that are still being sent then break off."""
    settings = read_settings(options.config)
    politeness = Politeness(Rules.of(settings))
    metrics = Metrics(lists=lambda: politeness.lists)
    with opened(settings) as instance, listening(settings) as listener:
        app = create_app(
            instance.catalogue,
            DirectoryAuthenticator(instance.directories),
            settings,
            politeness=politeness,
            metrics=metrics,
        )
        with _monitored(settings, instance.catalogue, metrics), access_log_on_standard_error():
            _log.info("publishing at %s%s", _address_of(listener), RE_SYNC_PATH)
            _run(app, listener)
    _log.info("stopped")
    return 0


def listening(settings: SourceSettings) -> socket.socket:
    """The socket of the settings. Raises `ConfigError` if it cannot be had."""
    try:
        return listening_socket(settings.address, settings.port)
    except OSError as error:
        raise ConfigError(
            f"address = {settings.address}, port = {settings.port}: cannot listen there: "
            f"{error.strerror or error}; is another server running, or the address not of this "
            "machine?"
        ) from error


@contextmanager
def _monitored(settings: SourceSettings, catalogue: Catalogue, metrics: Metrics) -> Iterator[None]:
    """Health and metrics, if they are wanted."""
    address = settings.monitor_address
    if address is None:
        yield
        return
    instance = Reachability(catalogue)
    with monitored(address, lambda: instance.collect(metrics), instance.health) as port:
        shown = ListenAddress(address.host, port)
        _log.info("health at http://%s/healthz, metrics at http://%s/metrics", shown, shown)
        yield


def _address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{ListenAddress(host, port)}"


def _run(app: ASGIApp, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # its lines hold the query, and ours say more
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    # uvicorn raises the signal once more when it has stopped; then it shall do no harm.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    uvicorn.Server(config).run(sockets=[listener])
