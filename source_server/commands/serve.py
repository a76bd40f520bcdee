"""``source-server serve``: publishes the instance until a signal stops it."""

from __future__ import annotations

import argparse
import gc
import logging
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import uvicorn
from prometheus_client.core import Metric
from starlette.types import ASGIApp

from shared.monitoring import Health
from shared.resourcesync.addresses import RE_SYNC_PATH
from shared.settings.quantities import ListenAddress
from source_server.commands.parts import opened_parts
from source_server.commands.seats import AloneSeat, Seat, by_workers
from source_server.instance import opened
from source_server.publication.catalogue import Catalogue
from source_server.publication.unseen import log_unseen
from source_server.settings import ServerSettings, SourceSettings, read_server_settings
from source_server.settings.choices import CatalogueKind
from source_server.users.sign_in import DirectoryAuthenticator
from source_server.web.access_log import access_log_on_standard_error
from source_server.web.afs.opening import opened_afs
from source_server.web.app import openbis_app
from source_server.web.dispatch import Dispatcher, OpenedPart, nothing, watched
from source_server.web.guesses import Guesses
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
    if settings.source.worker_count > 1:
        code = by_workers(settings.source, partial(_serve, settings))
        if code:
            return code
    else:
        _serve(settings, AloneSeat())
    _log.info("stopped")
    return 0


def _serve(settings: ServerSettings, seat: Seat) -> None:
    with ExitStack() as stack:
        with seat.opening():
            parts = stack.enter_context(opened_parts(settings, seat.common))
            if settings.source.catalogue is CatalogueKind.NONE:
                served = _parts_alone(settings.source, parts, seat)
            else:
                served = _instance(settings.source, parts, seat, stack)
            address = stack.enter_context(seat.listening(settings.source))
        stack.enter_context(_monitored(settings.source, served, seat))
        stack.enter_context(access_log_on_standard_error())
        if seat.is_first:
            _announce(served, address)
        _run(served.app, settings.source, seat)


class _Monitored(Protocol):
    """The questions of the monitoring."""

    def health(self) -> Health: ...
    def collect(self, metrics: Metrics) -> Iterator[Metric]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Served:
    """What is served: ``catalogue`` if it is an instance, and the parts beside it."""

    app: ASGIApp
    parts: Sequence[OpenedPart]
    metrics: Metrics
    monitored: _Monitored
    catalogue: Catalogue | None = None


def _instance(
    settings: SourceSettings, parts: Sequence[OpenedPart], seat: Seat, stack: ExitStack
) -> _Served:
    common = seat.common
    politeness = ListLimits(Rules.of(settings), common=common)
    metrics = seat.metrics(lambda: politeness.lists)
    instance = stack.enter_context(opened(settings, common))
    catalogue = instance.catalogue
    authenticator = DirectoryAuthenticator(instance.directories, common=common)
    afs = stack.enter_context(opened_afs(settings, catalogue, authenticator, common))
    guesses = Guesses.of(settings, common)
    app = openbis_app(catalogue, authenticator, settings, politeness, guesses)
    return _Served(
        app=watched(Dispatcher((*parts, *afs), app), settings, metrics),
        parts=(*parts, *afs),
        metrics=metrics,
        monitored=Reachability(catalogue),
        catalogue=catalogue,
    )


def _parts_alone(settings: SourceSettings, parts: Sequence[OpenedPart], seat: Seat) -> _Served:
    """The parts without an instance."""
    metrics = seat.metrics(lambda: 0)
    app = watched(Dispatcher(parts, nothing), settings, metrics)
    return _Served(app=app, parts=parts, metrics=metrics, monitored=_Alive())


class _Alive:
    """The monitoring without an instance: a server that answers is healthy."""

    def health(self) -> Health:
        return Health(ok=True)

    def collect(self, metrics: Metrics) -> Iterator[Metric]:
        yield from metrics.collect()


@contextmanager
def _monitored(settings: SourceSettings, served: _Served, seat: Seat) -> Iterator[None]:
    """Serve health and metrics if the settings ask for them."""
    address = settings.monitor_address
    if address is None:
        yield
        return
    asked = served.monitored
    with seat.monitored(address, lambda: asked.collect(served.metrics), asked.health) as port:
        shown = ListenAddress(address.host, port)
        if seat.is_first:
            _log.info("health at http://%s/healthz, metrics at http://%s/metrics", shown, shown)
        yield


def _announce(served: _Served, address: str) -> None:
    if served.catalogue is not None:
        _log.info("publishing at %s%s", address, RE_SYNC_PATH)
        log_unseen(served.catalogue)
    for part in served.parts:
        _log.info("%s at %s%s", part.name, address, part.prefixes[0])


def _run(app: ASGIApp, settings: SourceSettings, seat: Seat) -> None:
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
    seat.run(config)
