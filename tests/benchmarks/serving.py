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
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from shared.model.entities import Entity
from shared.model.kinds import Kind
from shared.resourcesync.addresses import RE_SYNC_PATH
from shared.resourcesync.escaping import escaped_text
from shared.resourcesync.reader import read_resource_list
from shared.store.engine import work
from shared.store.load import load
from tests.benchmarks.measures import MEGABYTE, Measure, Sizes
from tests.benchmarks.processes import PROJECT, peak_of, timed
from tests.benchmarks.workloads import large_list, space
from tests.instances import PASSWORD, USER, Instance

_LIST = f"{RE_SYNC_PATH}/?verb=resourcelist.xml"
_ONE_SPACE = "one-space"
_AT_ONCE = 8
_TRIES = 3
"""The best one counts: a machine does other things, too."""
_BLOCK = 1 << 20
_PUBLISHING = re.compile(r"publishing at (http://\S+?)/datastore_server")
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
    """A server that runs as a process of its own."""

    url: str
    pid: int

    @property
    def peak(self) -> int:
        return peak_of(self.pid)

    @property
    def work(self) -> float:
        """Seconds of processor so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def fetch(
        self,
        user_id: str = USER,
        headers: Mapping[str, str] | None = None,
        keep: Callable[[bytes], object] = lambda _block: None,
    ) -> Fetched:
        """GET the resource list."""
        login = b64encode(f"{user_id}:{PASSWORD}".encode()).decode()
        place = urlsplit(self.url)
        before, begin = self.work, time.perf_counter()
        with closing(HTTPConnection(str(place.hostname), place.port, timeout=3600)) as connection:
            connection.request(
                "GET", _LIST, headers={"Authorization": f"Basic {login}"} | dict(headers or {})
            )
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
    """A source server with these settings, for as many lists at once as are measured."""
    many = {"max-lists": str(_AT_ONCE), "max-lists-per-user": str(_AT_ONCE), "access-log": "off"}
    config = folder / "source-server.properties"
    lines = ({"port": "0"} | many | dict(settings)).items()
    config.write_text("".join(f"{key} = {value}\n" for key, value in lines))
    config.chmod(0o600)
    arguments = [sys.executable, "-m", "source_server", "serve", "--config", str(config)]
    with subprocess.Popen(arguments, cwd=PROJECT, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Server(url=_address(process), pid=process.pid)
        finally:
            process.terminate()
            process.wait()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if found := _PUBLISHING.search(line):
            threading.Thread(target=_pass_on, args=(process.stderr,), daemon=True).start()
            return found[1]
    raise RuntimeError(f"the server did not start:\n{said}")


def _pass_on(said: IO[str]) -> None:
    """What a server says is read to the end, and shown if it is an error."""
    for line in said:
        if " ERROR " in line or "Error:" in line:
            sys.stderr.write(line)


def floor_of(database: Path) -> float:
    """Seconds to read the rows of all samples with the sqlite3 module and to join texts that are
    escaped already."""
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT properties FROM entity WHERE kind = 'SAMPLE' ORDER BY perm_id"
        prepared = [_prepared(json.loads(text)) for (text,) in connection.execute(query)]
        return min(timed(partial(_join, connection, prepared))[0] for _ in range(_TRIES))


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
    floor = floor_of(small / "instance.db")
    with serving(small) as server:
        tries = [server.fetch() for _ in range(_TRIES)]
        full = min(tries, key=lambda each: each.seconds)
        usual = sum(each.seconds for each in tries) / len(tries)
        floor = min(floor, floor_of(small / "instance.db"))
        assert_whole(server, full, sizes.small)
        yield from _of_one_list(full, floor)
        yield _of_one_space(server, full)
        small_tag = _unchanged(server, full)
        peak = server.peak
    with serving(small) as server:
        yield from _of_many(server, full)
    with serving(large) as server:
        listed = server.fetch()
        assert_count(listed, sizes.large)
        yield _megabytes("serve-memory-S", "peak memory of the server on S", peak, 120)
        yield _megabytes("serve-memory-L", "peak memory of the server on L", server.peak, 120)
        yield Measure(
            key="serve-memory-growth",
            title="peak memory of the server: L, compared with S",
            value=server.peak / MEGABYTE,
            unit="MB",
            floor=peak / MEGABYTE,
            mark=1.2,
        )
        yield Measure(
            key="serve-growth",
            title="serve: L, compared with S",
            value=listed.seconds,
            unit="s",
            floor=usual,
            mark=1.1 * sizes.large / sizes.small,
        )
        yield Measure(
            key="serve-unchanged",
            title="serve L with If-None-Match, nothing changed; compared with S",
            value=_unchanged(server, listed),
            unit="s",
            floor=small_tag,
            mark=1.5,
            note="304, whatever the number of entities",
        )


def best(server: Server, user_id: str) -> Fetched:
    """The fastest of some tries."""
    return min((server.fetch(user_id) for _ in range(_TRIES)), key=lambda each: each.seconds)


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
    one = best(server, _ONE_SPACE)
    assert 0 < one.entries < full.entries / 10, f"{one.entries} of {full.entries} entries"
    return Measure(
        key="serve-one-space",
        title="a user with 1 of 20 spaces fetches S, compared with the whole list",
        value=one.seconds,
        unit="s",
        floor=full.seconds,
        mark=0.1,
    )


def _of_many(server: Server, full: Fetched) -> Iterator[Measure]:
    with ThreadPoolExecutor(_AT_ONCE) as clients:
        seconds, lists = timed(lambda: list(clients.map(server.fetch, [USER] * _AT_ONCE)))
    assert {each.entries for each in lists} == {full.entries}
    alone = sum(server.fetch().seconds for _ in range(_TRIES)) / _TRIES  # not the best of them
    yield Measure(
        key="serve-at-once",
        title=f"{_AT_ONCE} clients fetch S at once, compared with {_AT_ONCE} times one client",
        value=seconds,
        unit="s",
        floor=_AT_ONCE * alone,
        mark=1,
    )
    yield _megabytes(
        "serve-memory-at-once", f"peak memory of the server, {_AT_ONCE} clients", server.peak, 400
    )


def _unchanged(server: Server, listed: Fetched) -> float:
    """Seconds for the answer that the client has the list already."""
    headers = {"If-None-Match": str(listed.etag)}
    answers = [server.fetch(headers=headers) for _ in range(20)]
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
    items = read_resource_list(iter(parts))
    found = sum(isinstance(item, Entity) and item.kind is Kind.SAMPLE for item in items)
    assert found == samples, f"{found} samples"
