"""A source server of several processes, and connections that go to chosen ones."""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx

from tests.support.instances.instance import PASSWORD, PROJECT, USER
from tests.support.servers.watched_site import LIST, series_of

# Seconds; a start takes half of one.
PATIENCE = 120


def awaited(happens: Callable[[], bool]) -> None:
    """Wait until something has happened."""
    deadline = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.02)


@dataclass(kw_only=True)
class Begun:
    """An answer of which the beginning was taken."""

    answer: HTTPResponse
    body: bytes

    @property
    def status(self) -> int:
        return self.answer.status

    def rest(self) -> bytes:
        """The whole body."""
        return self.body + self.answer.read()


class Visitor:
    """One connection, which goes to one worker."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._connection = HTTPConnection(str(place.hostname), place.port, timeout=PATIENCE)
        self._connection.connect()

    @property
    def port(self) -> int:
        return int(self._connection.sock.getsockname()[1])

    def begin(
        self,
        path: str = LIST,
        *,
        user: str = USER,
        password: str = PASSWORD,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> Begun:
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        signed = {"Authorization": f"Basic {token}"} | dict(headers or {})
        self._connection.request(method, path, headers=signed)
        return self.taken()

    def ask(self, path: str) -> None:
        """Send a request, and leave the answer for later."""
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self._connection.request("GET", path, headers={"Authorization": f"Basic {token}"})

    def post(
        self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Begun:
        """Send a form, without a password."""
        typed = {"Content-Type": "application/x-www-form-urlencoded"} | dict(headers or {})
        self._connection.request("POST", path, body=urlencode(form), headers=typed)
        return self.taken()

    def taken(self) -> Begun:
        """The beginning of the answer to what was asked."""
        answer = self._connection.getresponse()
        return Begun(answer=answer, body=answer.read(1))

    def close(self) -> None:
        self._connection.close()


@dataclass(kw_only=True)
class Workers:
    """A running server."""

    process: subprocess.Popen[str]
    url: str = ""
    monitor: str = ""
    said: list[str] = field(default_factory=list)

    @property
    def log(self) -> str:
        return "".join(self.said)

    @property
    def starts(self) -> int:
        """Workers that began to serve."""
        return len(re.findall(r" serves$", self.log, re.MULTILINE))

    def pids(self) -> list[int]:
        """The workers, but not those that have ended and are still to be buried."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(each) for each in children if _is_alive(int(each))]

    def has_started(self, workers: int) -> bool:
        """Whether as many workers began to serve, those that have ended included."""
        return self.starts >= workers

    def serves(self, count: int) -> bool:
        """Whether all serve. One process has no parent that says so."""
        return self.has_started(count) if count > 1 else "startup complete" in self.log

    @contextmanager
    def visitors(self, count: int = 2) -> Iterator[list[Visitor]]:
        """Connections, each to another worker if there are as many."""
        found = [Visitor(self.url) for _ in range(count)]
        try:
            yield found
        finally:
            for each in found:
                each.close()

    def worker_of(self, visitor: Visitor) -> int:
        """The worker that has the other end of a connection."""
        port = urlsplit(self.url).port or 0
        line = re.compile(rf"[0-9A-F]+:{port:04X} [0-9A-F]+:{visitor.port:04X} (?:\S+ +){{6}}(\d+)")
        found: list[int] = []

        def is_taken() -> bool:
            inode = line.search(Path("/proc/net/tcp").read_text())
            name = f"socket:[{inode[1]}]" if inode else ""
            found[:] = [pid for pid in self.pids() if name in _open_files(pid)]
            return bool(found)

        awaited(is_taken)
        return found[0]

    def metrics(self) -> dict[str, float]:
        return series_of(httpx.get(f"{self.monitor}/metrics", timeout=PATIENCE).text)

    def replace(self, pid: int, number: signal.Signals = signal.SIGKILL) -> int:
        """End a worker; returns the one that takes its place."""
        before, started = set(self.pids()), self.starts
        os.kill(pid, number)
        awaited(lambda: self.has_started(started + 1))
        (new,) = set(self.pids()) - before
        return new

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


def _is_alive(pid: int) -> bool:
    with suppress(OSError):
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return False


def _open_files(pid: int) -> set[str]:
    found = set()
    with suppress(OSError):
        for each in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.add(str(each.readlink()))
    return found


@contextmanager
def workers_site(config: Path, count: int = 2) -> Iterator[Workers]:
    """``source-server serve`` with a settings file that says ``workers``; all of them serve."""
    command = [sys.executable, "-m", "source_server", "serve", "--config", str(config)]
    with subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE, text=True) as process:
        site = Workers(process=process)
        reader = threading.Thread(target=_read, args=(site,), daemon=True)
        reader.start()
        try:
            awaited(lambda: site.serves(count) or process.poll() is not None)
            assert process.poll() is None, site.log
            site.url = _found(r" at (http://[^/]+)/(?:api|datastore_server)", site.log)
            site.monitor = _found(r"health at (http://[^/]+)", site.log)
            yield site
        finally:
            if process.poll() is None:
                site.stop()
            reader.join(PATIENCE)


def _read(site: Workers) -> None:
    assert site.process.stderr
    for line in site.process.stderr:
        site.said.append(line)


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else ""
