"""A source that does not go on: whoever watches the run can free it, however it is blocked."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from harvester.openbis.source.source import Source
from harvester.runs.stopping import RunLimits, StopRequest
from harvester.runs.watchdog import watched
from shared.errors import SourceError, StoppedError
from tests.support.servers.certificates import certificate, server_context
from tests.support.servers.scripted_source import seconds, section
from tests.support.servers.tls_site import a_proxy

pytestmark = pytest.mark.usefixtures("transport")

HEAD = b'HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\nETag: "x"\r\n\r\n'
PATIENCE = 30


class Stuck:
    """A server that sends a beginning to whoever connects, and then no more, or a drop now and
    then."""

    def __init__(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        self.begin = b""
        self.drop = b""
        self.port = listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://localhost:{self.port}"
        self.asked = threading.Semaphore(0)
        self.ended = threading.Event()
        self._listener = listener
        self._context = context
        self._kept: list[socket.socket] = []

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._hold, args=(connection,), daemon=True).start()

    def _hold(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            self._kept.append(connection)
            connection.recv(65536)
            connection.sendall(self.begin)
            self.asked.release()
            while not self.ended.wait(0.02):
                connection.sendall(self.drop)

    def close(self) -> None:
        self.ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for connection in self._kept:
            connection.close()


@contextmanager
def stuck(context: ssl.SSLContext | None = None) -> Iterator[Stuck]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Stuck(listener, context)
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        yield server
        server.close()
        thread.join(PATIENCE)


@pytest.fixture(params=["plain", "tls"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stuck]:
    tls = request.param == "tls"
    with stuck(server_context(certificate(tmp_path)) if tls else None) as server:
        yield server


def opened(
    server: Stuck, folder: Path, limits: RunLimits | None = None, **fields: object
) -> Source:
    pauses = {"retry_pauses": (), "ca_bundle": certificate(folder)}
    config = section(server.url, **(pauses | {"harvester_tmp_dir": folder / "temp"} | fields))
    return Source(config, limits)


def outcome(work: Callable[[], object]) -> str:
    """In a thread of its own, so that a test that fails does not wait for ever."""
    with ThreadPoolExecutor(1) as pool:
        error = pool.submit(work).exception(timeout=PATIENCE)
    assert isinstance(error, SourceError | StoppedError), error
    return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("begin", [b"", HEAD, HEAD + b"<urlset" * 1000], ids=["", "head", "body"])
def test_a_list_that_does_not_come_can_be_broken_off(
    server: Stuck, tmp_path: Path, begin: bytes
) -> None:
    server.begin = begin
    spool = tmp_path / "spool"
    spool.mkdir()
    with opened(server, tmp_path) as source, ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(source.fetch_list, spool)
        assert server.asked.acquire(timeout=PATIENCE)
        time.sleep(0.1)  # until it reads
        source.abort()
        assert isinstance(fetching.exception(timeout=PATIENCE), SourceError)
    assert list(spool.iterdir()) == []


def test_all_threads_are_freed(server: Stuck, tmp_path: Path) -> None:
    server.begin = HEAD + b"x" * 1000
    with opened(server, tmp_path) as source, ThreadPoolExecutor(5) as pool:
        fetching = [
            pool.submit(source.download, f"{server.url}/{number}", tmp_path / str(number))
            for number in range(5)
        ]
        for _ in fetching:
            assert server.asked.acquire(timeout=PATIENCE)
        source.abort()
        for download in fetching:
            assert isinstance(download.exception(timeout=PATIENCE), SourceError)


def test_after_it_nothing_can_be_fetched_any_more(server: Stuck, tmp_path: Path) -> None:
    with opened(server, tmp_path) as source:
        source.abort()
        message = outcome(lambda: source.download(f"{server.url}/file", tmp_path / "file"))
    assert "the run was broken off" in message


def test_a_tunnel_through_a_proxy_is_broken_off_as_well(tmp_path: Path) -> None:
    file = certificate(tmp_path)
    with (
        stuck(server_context(file)) as server,
        a_proxy(server_context(file)) as proxy,
        opened(server, tmp_path, proxy=proxy.url) as source,
        ThreadPoolExecutor(1) as pool,
    ):
        fetching = pool.submit(source.download, f"{server.url}/file", tmp_path / "file")
        assert server.asked.acquire(timeout=PATIENCE)
        source.abort()
        assert isinstance(fetching.exception(timeout=PATIENCE), SourceError)


def test_the_watchdog_frees_a_run_that_is_stuck(server: Stuck, tmp_path: Path) -> None:
    server.begin = HEAD
    config = section(
        server.url, stall_timeout=timedelta(seconds=1), ca_bundle=certificate(tmp_path)
    )
    limits = RunLimits(config)

    def work() -> None:
        with Source(config, limits) as source, watched(limits, source.abort):
            source.fetch_list(tmp_path)

    assert "no progress for 1 s (stall-timeout)" in outcome(work)
    assert limits.stalled


def test_a_list_that_drips_is_no_stall_but_a_stop_request_ends_it(
    server: Stuck, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.begin, server.drop = HEAD, b"x"
    request = StopRequest()
    config = section(
        server.url, stall_timeout=timedelta(seconds=1), ca_bundle=certificate(tmp_path)
    )
    limits = RunLimits(config, request)
    threading.Timer(1.5, lambda: request.set("told to stop")).start()

    def work() -> None:
        with Source(config, limits) as source, watched(limits, source.abort):
            source.fetch_list(tmp_path)

    with caplog.at_level(logging.WARNING):
        assert outcome(work).startswith("StoppedError: told to stop")
    assert not limits.stalled
    assert caplog.text == ""


def test_a_throttled_file_is_no_stall(tmp_path: Path) -> None:
    """It takes a second and a half; after one without progress a run is stuck."""
    body = b"x" * 600_000
    with stuck() as server:
        server.begin = b"HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n" + body
        config = section(
            server.url, stall_timeout=timedelta(seconds=1), bandwidth_limit="400k", timeout=20
        )
        limits = RunLimits(config)
        with Source(config, limits) as source, watched(limits, source.abort):
            found = source.download(f"{server.url}/file", tmp_path / "file", length=len(body))
        assert found.length == limits.transferred == len(body)


def test_a_pause_between_two_tries_ends_with_the_run(server: Stuck, tmp_path: Path) -> None:
    server.begin = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: 250\r\n\r\n"
    request = StopRequest()
    config = section(server.url, retry_pauses=seconds(3600), ca_bundle=certificate(tmp_path))
    threading.Timer(0.5, lambda: request.set("told to stop")).start()
    with Source(config, RunLimits(config, request)) as source:
        assert "told to stop" in outcome(lambda: source.fetch_list(tmp_path))
