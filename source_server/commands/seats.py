"""How a process serves: alone, or as one of several workers."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, cast

import uvicorn
from prometheus_client.core import Metric

from shared.command_line import exit_code_of
from shared.errors import ConfigError
from shared.monitoring import Health, listening_socket, monitor_socket, monitored, monitored_at
from shared.settings.quantities import ListenAddress
from source_server.settings import SourceSettings
from source_server.web.handed_over import HandedOverServer
from source_server.web.metrics import Metrics
from source_server.web.metrics_of_workers import AllProcesses, counting_in
from source_server.workers.census import CENSUS, Census
from source_server.workers.common import ALONE, Common
from source_server.workers.doorman import Doors
from source_server.workers.supervisor import Supervisor
from source_server.workers.whole_lines import LineLock, locked_lines
from source_server.workers.worker import Worker

Collect = Callable[[], Iterable[Metric]]
AskHealth = Callable[[], Health]

_ACCESS_LOG = "source_server.access"


class Seat(Protocol):
    """What the code that serves asks of its process."""

    @property
    def common(self) -> Common: ...

    @property
    def is_first(self) -> bool:
        """Whether it says what the server serves, and where; the others repeat nothing."""
        ...

    def opening(self) -> AbstractContextManager[object]:
        """Surrounds the opening of what is served."""
        ...

    def listening(self, settings: SourceSettings) -> AbstractContextManager[str]:
        """The server's address. Raises `ConfigError` if it cannot be used."""
        ...

    def metrics(self, lists: Callable[[], int]) -> Metrics: ...

    def monitored(
        self, address: ListenAddress, collect: Collect, health: AskHealth
    ) -> AbstractContextManager[int]:
        """Serve health and metrics; gives the port."""
        ...

    def run(self, config: uvicorn.Config) -> None:
        """Serve until a signal comes."""
        ...


class AloneSeat:
    """The only process."""

    common: Common = ALONE
    is_first = True

    def __init__(self) -> None:
        self._listener: socket.socket | None = None

    @contextmanager
    def opening(self) -> Iterator[None]:
        yield

    @contextmanager
    def listening(self, settings: SourceSettings) -> Iterator[str]:
        with listening(settings) as listener:
            self._listener = listener
            yield address_of(listener)

    def metrics(self, lists: Callable[[], int]) -> Metrics:
        return Metrics(lists=lists)

    def monitored(
        self, address: ListenAddress, collect: Collect, health: AskHealth
    ) -> AbstractContextManager[int]:
        return monitored(address, collect, health)

    def run(self, config: uvicorn.Config) -> None:
        # The socket is open already: uvicorn itself would end the program with an exit code of its
        # own if the address cannot be used, where `listening` says what to do.
        uvicorn.Server(config).run(sockets=[self._listener] if self._listener else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """What the parent opens for its workers. ``counts`` is the folder of their metrics, if there is
    a monitor."""

    parent: int
    address: str
    lines: LineLock
    monitor: socket.socket | None
    counts: Path | None


class WorkerSeat:
    """One of several workers."""

    def __init__(self, worker: Worker, given: _Opened) -> None:
        self._worker = worker
        self._given = given
        self._census = worker.link.one(CENSUS, Census)

    @property
    def common(self) -> Common:
        return self._worker.link

    @property
    def is_first(self) -> bool:
        return self._worker.is_first

    @contextmanager
    def opening(self) -> Iterator[None]:
        """The first worker has said what is odd about what is opened; errors are said again."""
        if not self.is_first:
            logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)

    @contextmanager
    def listening(self, _settings: SourceSettings) -> Iterator[str]:
        yield self._given.address

    def metrics(self, lists: Callable[[], int]) -> Metrics:
        folder = self._given.counts
        together = counting_in(folder, self._worker.place) if folder else None
        return Metrics(lists=lists, together=together)

    @contextmanager
    def monitored(
        self, _address: ListenAddress, collect: Collect, health: AskHealth
    ) -> Iterator[int]:
        listener = cast("socket.socket", self._given.monitor)  # it is there if the address is
        processes = AllProcesses(self._census.processes)
        asked = partial(self._with_workers, health)
        with monitored_at(listener, collect, asked, processes) as port:
            yield port

    def run(self, config: uvicorn.Config) -> None:
        server = HandedOverServer(config, self._worker.door, self._worker.link.ready)
        with locked_lines(logging.getLogger(_ACCESS_LOG), self._given.lines):
            server.run()
        # A parent that was killed could not remove it.
        if os.getppid() != self._given.parent and self._given.counts:
            shutil.rmtree(self._given.counts, ignore_errors=True)

    def _with_workers(self, ask: AskHealth) -> Health:
        """The health of this worker; it tells if others are missing, which the parent starts."""
        health, found = ask(), self._census.processes()
        if len(found.workers) == found.wanted:
            return health
        missing = f"{len(found.workers)} of {found.wanted} are running"
        return replace(health, details={**health.details, "workers": missing})


def by_workers(settings: SourceSettings, serve: Callable[[Seat], None]) -> int:
    """Let ``serve`` run in each of the workers; returns the exit code. Raises `ConfigError` if an
    address cannot be used."""
    with ExitStack() as stack:
        given = _opened(settings, stack)
        listener = stack.enter_context(listening(settings))
        given = replace(given, address=address_of(listener))

        def work(worker: Worker) -> int:
            def run() -> int:
                serve(WorkerSeat(worker, given))
                return 0

            return exit_code_of("source-server", run, interrupted="interrupted")

        doors = Doors(
            most=settings.max_connections, most_of_address=settings.max_connections_per_address
        )
        stack.enter_context(locked_lines(logging.getLogger(), given.lines))
        # Memory that no process frees or marks stays common to all.
        gc.collect()
        gc.freeze()
        return Supervisor(settings.worker_count, listener, doors, work).run()


def _opened(settings: SourceSettings, stack: ExitStack) -> _Opened:
    monitor, counts = None, None
    if settings.monitor_address is not None:
        monitor = stack.enter_context(monitor_socket(settings.monitor_address))
        counts = _folder_of_counts()
        stack.callback(shutil.rmtree, counts, ignore_errors=True)
    # A file without a name, which ends with the last process that has it open.
    lines = LineLock(stack.enter_context(os.fdopen(os.memfd_create("lines"), "wb")))
    return _Opened(parent=os.getpid(), address="", lines=lines, monitor=monitor, counts=counts)


def _folder_of_counts() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="openbis-sync-"))
    except OSError as error:
        raise ConfigError(
            f"workers: a folder for their counts cannot be made: {error.strerror or error}; set "
            "TMPDIR to a folder that can be written, or workers = 1"
        ) from error


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


def address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{ListenAddress(host, port)}"
