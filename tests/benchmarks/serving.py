"""The source server: how fast it publishes an embedded instance, and what that takes."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from shared.model.entities import Entity
from shared.model.kinds import Kind
from shared.resourcesync.addresses import RE_SYNC_PATH
from shared.resourcesync.escaping import escaped_text
from shared.resourcesync.reader import read_resource_list
from shared.resourcesync.v20.version import V20
from shared.store.engine import work
from shared.store.load import load
from tests.benchmarks.measures import MEGABYTE, Measure, Sizes
from tests.benchmarks.processes import PROJECT, peak_of, timed
from tests.benchmarks.workloads import large_list, space
from tests.support.instances.instance import PASSWORD, USER, Instance

_LIST = f"{RE_SYNC_PATH}/?verb=resourcelist.xml"
_ONE_SPACE = "one-space"
_AT_ONCE = 8
_WORKERS = 2
_TRIES = 3
_ROUNDS = 5
# Of the large list.
_PARTS = 5
_BLOCK = 1 << 20
_PUBLISHING = re.compile(r"publishing at (http://\S+?)/datastore_server")
# Said by the parent of several workers.
_SERVES = re.compile(r"worker .* serves\n")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An answer: ``entries`` counts its entries, ``first_byte`` and ``seconds`` are on the clock,
    ``work`` is the server's time of processor."""

    status: int
    etag: str | None
    entries: int
    size: int
    first_byte: float
    seconds: float
    work: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that runs as a process of its own, or as a parent with workers."""

    url: str
    pid: int

    @property
    def peak(self) -> int:
        """Bytes of the process that had most."""
        return max(map(peak_of, self._pids))

    @property
    def work(self) -> float:
        """Seconds of processor so far."""
        return sum(map(_work_of, self._pids))

    @property
    def _pids(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def fetch(
        self,
        user_id: str = USER,
        headers: Mapping[str, str] | None = None,
        keep: Callable[[bytes], object] = lambda _block: None,
        method: str = "GET",
    ) -> Fetched:
        """The resource list."""
        login = b64encode(f"{user_id}:{PASSWORD}".encode()).decode()
        place = urlsplit(self.url)
        before, begin = self.work, time.perf_counter()
        with closing(HTTPConnection(str(place.hostname), place.port, timeout=3600)) as connection:
            signed = {"Authorization": f"Basic {login}"} | dict(headers or {})
            connection.request(method, _LIST, headers=signed)
            answer = connection.getresponse()
            first = answer.read1(1)
            first_byte = time.perf_counter() - begin
            entries, size = _counted(first, answer, keep)
        seconds = time.perf_counter() - begin
        return Fetched(
            status=answer.status,
            etag=answer.headers["ETag"],
            entries=entries,
            size=size,
            first_byte=first_byte,
            seconds=seconds,
            work=self.work - before,
        )


def _work_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _counted(
    first: bytes, answer: HTTPResponse, keep: Callable[[bytes], object]
) -> tuple[int, int]:
    """Entries and bytes of a body. A mark that two blocks share is seen with the second one."""
    mark = b"</url>"
    entries, size, tail = 0, 0, b""
    block = first
    while block:
        keep(block)
        entries += (tail + block).count(mark)
        size += len(block)
        tail = block[1 - len(mark) :]
        block = answer.read1(_BLOCK)
    return entries, size


def filled(folder: Path, count: int) -> Path:
    """An instance with so many samples, and two users: of everything, and of one space."""
    if not (folder / "instance.db").exists():
        instance = Instance.create(folder)
        with instance.engine.connect() as connection, work(connection) as begin, begin():
            load(connection, instance.store, large_list(count))
        instance.add_user()
        instance.add_user(_ONE_SPACE, place=f"/{space(0)}")
        instance.engine.dispose()
    return folder


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Server]:
    """Publish an embedded instance, until the block ends."""
    given = {
        "server-url": "http://localhost/openbis",
        "download-url": "http://localhost",
        "database-url": f"sqlite:///{folder}/instance.db",
        "storeroot-dir": str(folder / "store"),
        "file-service-repository-path": str(folder / "file-service"),
    } | settings
    with served(folder, given) as server:
        yield server


@contextmanager
def served(folder: Path, settings: Mapping[str, str]) -> Iterator[Server]:
    """A source server with these settings, for as many lists at once as are measured. It is one
    process, unless they say otherwise."""
    many = {"max-lists": str(_AT_ONCE), "max-lists-per-user": str(_AT_ONCE), "access-log": "off"}
    config = folder / "source-server.properties"
    keys = {"port": "0", "workers": "1"} | many | dict(settings)
    config.write_text("".join(f"{key} = {value}\n" for key, value in keys.items()))
    config.chmod(0o600)
    arguments = [sys.executable, "-m", "source_server", "serve", "--config", str(config)]
    with subprocess.Popen(arguments, cwd=PROJECT, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Server(url=_address(process, int(keys["workers"])), pid=process.pid)
        finally:
            process.terminate()
            process.wait()


def _address(process: subprocess.Popen[str], workers: int) -> str:
    """The address, when all workers serve."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        found = _PUBLISHING.search(said)
        if found and (workers == 1 or len(_SERVES.findall(said)) == workers):
            threading.Thread(target=_pass_on, args=(process.stderr,), daemon=True).start()
            return found[1]
    raise RuntimeError(f"the server did not start:\n{said}")


def _pass_on(said: IO[str]) -> None:
    """What a server says is read to the end, and shown if it is an error."""
    for line in said:
        if " ERROR " in line or "Error:" in line:
            sys.stderr.write(line)


class Floor:
    """Reads the rows of all samples with the sqlite3 module and joins texts that are escaped
    already."""

    def __init__(self, database: Path) -> None:
        self._database = database
        with closing(sqlite3.connect(database)) as connection:
            query = "SELECT properties FROM entity WHERE kind = 'SAMPLE' ORDER BY perm_id"
            rows = connection.execute(query)
            self._texts = [_prepared(json.loads(properties)) for (properties,) in rows]

    def seconds(self) -> float:
        with closing(sqlite3.connect(self._database)) as connection:
            return timed(lambda: _join(connection, self._texts))[0]


def _prepared(properties: Mapping[str, str]) -> list[str]:
    return [
        part
        for code, value in properties.items()
        for part in (
            *("<x:property><x:code>", code, "</x:code><x:value>"),
            *(escaped_text(value, code), "</x:value></x:property>"),
        )
    ]


def _join(connection: sqlite3.Connection, prepared: Iterable[list[str]]) -> int:
    rows = connection.execute("SELECT * FROM entity WHERE kind = 'SAMPLE' ORDER BY perm_id")
    links = connection.execute("SELECT * FROM link WHERE kind = 'SAMPLE' ORDER BY from_perm_id")
    size, entries = 0, []
    moment = "2024-01-31T08:00:00Z"
    for row, edge, properties in zip(rows, links, prepared, strict=True):
        entries.append(
            "".join([
                *("<url><loc>http://localhost/openbis/SAMPLE/", row[1], "/M</loc><lastmod>"),
                *(moment, '</lastmod><rs:ln href="http://localhost/openbis?viewMode=SIMPLE&amp;anonymous=true'),
                *("#entity=SAMPLE&amp;permId=", row[1], '" rel="describes"/><x:xd code="', row[2]),
                *('" kind="SAMPLE" modifier="', row[13], '" project="', row[6]),
                *('" registration-timestamp="', moment, '" registrator="', row[12], '" space="'),
                *(row[5], '" type="', row[4], '"><x:properties>', *properties, "</x:properties>"),
                *('<x:connections><x:connection to="', edge[3], '" type="Child"/></x:connections>'),
                "</x:xd></url>",
            ])
        )  # fmt: skip
        if len(entries) == 100:
            size += len("".join(entries).encode())
            entries = []
    return size + len("".join(entries).encode())


def measures(folder: Path, sizes: Sizes) -> Iterator[Measure]:
    """All that the issue asks of a source server with an embedded instance."""
    small, large = filled(folder / "S", sizes.small), filled(folder / "L", sizes.large)
    with serving(small) as server:
        full, floor = _in_turns(server.fetch, Floor(small / "instance.db").seconds, _ROUNDS)
        assert_whole(server, full, sizes.small)
        yield from _of_one_list(full, floor)
        yield _of_one_space(server, full)
        peak = server.peak
    with serving(small) as server:
        yield from _of_many(server, full)
    with serving(small, workers=str(_WORKERS)) as server:
        yield from _of_workers(server, full)
    with serving(small) as server, serving(large) as larger:
        yield from _of_growth(server, larger, full, sizes)
        yield from _of_memory(peak, larger.peak)
        yield _of_nothing_new(server, larger)


def _in_turns(
    fetch: Callable[[], Fetched], floor: Callable[[], float], rounds: int
) -> tuple[Fetched, float]:
    """What is fetched, and seconds of the floor: those of the round whose ratio is the middle one,
    since machines are not equally fast all the time."""
    found = [(fetch(), floor()) for _ in range(rounds)]
    return sorted(found, key=lambda one: one[0].seconds / one[1])[rounds // 2]


def _of_growth(small: Server, large: Server, full: Fetched, sizes: Sizes) -> Iterator[Measure]:
    """While the large list comes, it is held after each part, and the small one is fetched. Some MB
    that lie between server and client meanwhile come sooner than they would."""
    times = sizes.large / sizes.small
    part, taken, paused = full.size * times / _PARTS, 0, [small.fetch().seconds]

    def hold(block: bytes) -> None:
        nonlocal taken
        taken += len(block)
        if taken >= part * len(paused):
            paused.append(small.fetch().seconds)

    listed = large.fetch(keep=hold)
    assert_count(listed, sizes.large)
    yield Measure(
        key="serve-growth",
        title="serve: L, compared with S",
        value=listed.seconds - sum(paused[1:]),
        unit="s",
        floor=sum(paused) / len(paused),
        mark=1.1 * times,
    )


def _of_memory(small: int, large: int) -> Iterator[Measure]:
    yield _megabytes("serve-memory-S", "peak memory of the server on S", small, 120)
    yield _megabytes("serve-memory-L", "peak memory of the server on L", large, 120)
    yield Measure(
        key="serve-memory-growth",
        title="peak memory of the server: L, compared with S",
        value=large / MEGABYTE,
        unit="MB",
        floor=small / MEGABYTE,
        mark=1.2,
    )


def _of_nothing_new(small: Server, large: Server) -> Measure:
    return Measure(
        key="serve-unchanged",
        title="serve L with If-None-Match, nothing changed; compared with S",
        value=_unchanged(large),
        unit="s",
        floor=_unchanged(small),
        mark=1.5,
        note="304, whatever the number of entities",
    )


def _of_one_list(full: Fetched, floor: float) -> Iterator[Measure]:
    yield Measure(
        key="serve-S",
        title="serve S as resource list over HTTP, uncompressed, one client",
        value=full.seconds,
        unit="s",
        floor=floor,
        mark=3,
        note=f"{full.size / MEGABYTE:.0f} MB; {full.work:.2f} s of processor",
    )
    yield Measure(
        key="serve-first-byte",
        title="serve S: the first byte",
        value=full.first_byte,
        unit="s",
        mark=0.1,
    )


def _of_one_space(server: Server, full: Fetched) -> Measure:
    one, usual = _in_turns(lambda: server.fetch(_ONE_SPACE), lambda: server.fetch().seconds, _TRIES)
    assert 0 < one.entries < full.entries / 10, f"{one.entries} of {full.entries} entries"
    return Measure(
        key="serve-one-space",
        title="a user with 1 of 20 spaces fetches S, compared with the whole list",
        value=one.seconds,
        unit="s",
        floor=usual,
        mark=0.1,
    )


def _of_many(server: Server, full: Fetched) -> Iterator[Measure]:
    title = f"{_AT_ONCE} clients fetch S at once, compared with {_AT_ONCE} times one client"
    yield _all_at_once("serve-at-once", title, server, full, 1)
    yield _megabytes(
        "serve-memory-at-once", f"peak memory of the server, {_AT_ONCE} clients", server.peak, 400
    )


def _of_workers(server: Server, full: Fetched) -> Iterator[Measure]:
    title = f"the same with {_WORKERS} workers"
    yield _all_at_once("serve-at-once-workers", title, server, full, 0.6)
    yield _megabytes(
        "serve-memory-workers", "peak memory of each worker, 4 clients each", server.peak, 120
    )


def _all_at_once(key: str, title: str, server: Server, full: Fetched, mark: float) -> Measure:
    seconds, alone = _at_once(server, full)
    floor = _AT_ONCE * alone
    return Measure(key=key, title=title, value=seconds, unit="s", floor=floor, mark=mark)


def _at_once(server: Server, full: Fetched) -> tuple[float, float]:
    """Seconds for all clients at once, and for one of them alone, before and after."""
    alone = [server.fetch().seconds for _ in range(_TRIES)]
    with ThreadPoolExecutor(_AT_ONCE) as clients:
        seconds, lists = timed(lambda: list(clients.map(server.fetch, [USER] * _AT_ONCE)))
    assert {each.entries for each in lists} == {full.entries}
    alone += [server.fetch().seconds for _ in range(_TRIES)]
    return seconds, sum(alone) / len(alone)


def _unchanged(server: Server) -> float:
    """Seconds for the answer that the client has the list already."""
    tag = str(server.fetch(method="HEAD").etag)
    answers = [server.fetch(headers={"If-None-Match": tag}) for _ in range(20)]
    assert {answer.status for answer in answers} == {304}
    return min(answer.seconds for answer in answers)


def _megabytes(key: str, title: str, size: int, mark: float) -> Measure:
    return Measure(key=key, title=title, value=size / MEGABYTE, unit="MB", mark=mark)


def assert_count(fetched: Fetched, samples: int) -> None:
    """At least the samples are there; projects, spaces and master data beside them."""
    assert fetched.status == 200
    assert samples < fetched.entries < samples + 1_000, f"{fetched.entries} entries"


def assert_whole(server: Server, fetched: Fetched, samples: int) -> None:
    """What is served is a resource list with all samples in it."""
    assert_count(fetched, samples)
    parts: list[bytes] = []
    server.fetch(keep=parts.append)
    items = read_resource_list(iter(parts), V20)
    found = sum(isinstance(item, Entity) and item.kind is Kind.SAMPLE for item in items)
    assert found == samples, f"{found} samples"
