"""``source-server serve``: publishes the instance until it is told to stop."""

from __future__ import annotations

import argparse
import logging
import signal
import socket

import uvicorn
from fastapi import FastAPI

from shared.errors import ConfigError
from shared.resourcesync.addresses import RE_SYNC_PATH
from source_server.app import create_app
from source_server.auth import DirectoryAuthenticator
from source_server.instance import opened
from source_server.settings import SourceSettings, read_settings

_GRACE = 30
"""Seconds in which answers that are under way may be finished after the signal to stop."""

_log = logging.getLogger(__name__)


def serve(options: argparse.Namespace) -> int:
    """Ends with 0 after SIGTERM or SIGINT; lists that are still being sent then break off."""
    settings = read_settings(options.config)
    with opened(settings) as instance, listening(settings) as listener:
        authenticator = DirectoryAuthenticator(instance.directories)
        app = create_app(instance.catalogue, authenticator, settings)
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        _log.info("publishing at http://%s:%s%s", shown, port, RE_SYNC_PATH)
        _run(app, listener)
    _log.info("stopped")
    return 0


def listening(settings: SourceSettings) -> socket.socket:
    """The socket of the settings. Raises `ConfigError` if it cannot be had.

    Without TCP_NODELAY, which connections inherit, each small answer takes 40 ms: its body waits
    until the client confirms the head. asyncio sets it for sockets of its own making only.
    """
    family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
    place = (settings.address, settings.port)
    try:
        listener = socket.create_server(place, family=family, backlog=2048)
    except OSError as error:
        raise ConfigError(
            f"address = {settings.address}, port = {settings.port}: cannot listen there: "
            f"{error.strerror or error}; is another server running, or the address not of this "
            "machine?"
        ) from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _run(app: FastAPI, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        log_config=None,
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    # uvicorn raises the signal once more when it has stopped; then it shall do no harm.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    uvicorn.Server(config).run(sockets=[listener])
