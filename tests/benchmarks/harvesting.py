"""How fast a list is read and harvested, and in how much memory: workloads S, M and L."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from shutil import rmtree

import httpx
from sqlalchemy import make_url, text

from harvester.openbis.reading import read_metadata
from harvester.openbis.source.resource_list import ResourceList
from shared.blocks import WholeFile
from shared.resourcesync.addresses import RE_SYNC_PATH
from shared.store.engine import connect, work
from shared.store.load import Loadable, load
from tests.benchmarks import floors
from tests.benchmarks.measures import MEGABYTE, Measure, Sizes
from tests.benchmarks.processes import Spent, peak_of, run, timed
from tests.benchmarks.workloads import large_list, mixed_list, samples
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import PASSWORD, USER, Instance
from tests.support.processes.listening_programs import free_port, program
from tests.support.servers.postgres import Postgres

_MOST_MEMORY = 120.0
_MORE_MEMORY = 1.2
_GROWTH = 11.0
_NO_MARK = float("inf")
# Entities.
_CHANGED = 100
_TURNS = 3


def measures(folder: Path, sizes: Sizes) -> Iterator[Measure]:
    """S first, then what changes from S to L, then M."""
    small = _Workload(folder / "S", lambda: large_list(sizes.small), sizes.small)
    with small.published():
        yield from _readings(small)
        yield from _harvests(small, sizes.small)
        yield from _on_postgresql(small)
    large = _Workload(folder / "L", lambda: large_list(sizes.large), sizes.large)
    with large.published():
        yield from _growth(small, large, sizes.large, sizes.large / sizes.small)
    rmtree(folder / "S")
    rmtree(folder / "L")
    yield from _mixed(folder / "M", sizes.mixed)


@dataclass(slots=True)
class _Workload:
    """An instance that is published, its list in a file, and what was measured of it so far."""

    folder: Path
    values: Callable[[], Iterable[Loadable]]
    count: int
    source: Instance = field(init=False)
    url: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    # Bytes.
    peaks: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.source = Instance.create(self.folder / "source")
        self.load(self.values())
        self.source.add_user()
        self.source.engine.dispose()

    @property
    def list(self) -> Path:
        return self.folder / "list.xml"

    def load(self, values: Iterable[Loadable]) -> None:
        with (
            closing(self.source.engine.connect()) as connection,
            work(connection) as transaction,
            transaction(),
        ):
            assert load(connection, self.source.store, values).faults == []

    @property
    def database(self) -> Path:
        return self.source.root / "instance.db"

    @contextmanager
    def published(self) -> Iterator[None]:
        """By a source server in a process of its own."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        config = self.source.root / "source-server.properties"
        config.write_text(
            "database-url = sqlite:///instance.db\nstoreroot-dir = store\nworkers = 1\n"
            f"port = {port}\ndownload-url = {self.url}\nserver-url = {self.url}/openbis\n"
        )
        server = ("source_server", "serve", "--config", str(config))
        with program(*server, port=port, log=self.folder / "server.log") as process:
            self._fetch()
            yield
            self.peaks["server"] = peak_of(process.pid)

    def _fetch(self) -> None:
        address = f"{self.url}{RE_SYNC_PATH}?verb=resourcelist.xml"
        with (
            httpx.stream("GET", address, auth=(USER, PASSWORD), timeout=600) as answer,
            self.list.open("wb") as file,
        ):
            assert answer.is_success
            for chunk in answer.iter_bytes():
                file.write(chunk)

    def harvest(self, name: str = "destination", database_url: str | None = None) -> Harvest:
        """A new destination."""
        harvest = Harvest(self.folder / name, database_url=database_url)
        harvest.section(
            "DS1",
            self.url,
            deletion_allowed="true",
            keep_original_timestamps_and_users="true",
            keep_original_frozen_flags="true",
        )
        harvest.init()
        return harvest

    def run(self, harvest: Harvest, key: str, *options: str) -> Spent:
        config = str(harvest.root / "harvester.properties")
        spent = run("harvester", "run", "--config", config, *options)
        assert spent.code == 0, spent.output
        self.seconds[key] = spent.seconds
        self.peaks[key] = spent.peak
        return spent

    def floor(self) -> float:
        """Of reading: to parse the list, and to insert its rows."""
        rows = floors.insert(self.database, self.folder / "floor.db")
        return floors.parse(self.list) + rows

    def read(self) -> float:
        """Seconds for filling the incoming tables."""
        engine = connect(f"sqlite:///{self.folder}/incoming.db")
        with engine.connect() as connection:
            seconds, metadata = timed(
                lambda: read_metadata(ResourceList([WholeFile(self.list)]), connection, None)
            )
        engine.dispose()
        assert metadata.entities >= self.count
        assert metadata.faults == ()
        return seconds


def _readings(small: _Workload) -> Iterator[Measure]:
    """In turns, as everything here that is compared: machines are not equally fast all the time."""
    turns = [(small.floor(), small.read()) for _ in range(_TURNS)]
    floor, value = (sum(seconds) / _TURNS for seconds in zip(*turns, strict=True))
    small.seconds["read"] = value
    others = (
        f"the standard library's iterparse {floors.parse_by_standard_library(small.list):.1f} s, "
        f"expat alone {floors.parse_by_expat(small.list):.1f} s"
    )
    yield _measure("read.S", "read S", value, floor, 1.5, others)


def _harvests(small: _Workload, count: int) -> Iterator[Measure]:
    harvest = small.harvest()
    title = "first harvest of S, both passes, SQLite"
    yield _beside_floors("first.S", title, small, 4.0, partial(small.run, harvest, "first"))
    before = _rows(harvest)
    title = "second harvest, nothing changed"
    again = partial(small.run, harvest, "second")
    yield _beside_floors("second.S", title, small, 1.6, again, _TURNS)
    assert _rows(harvest) == before  # to the byte: nothing was written
    second = [small.seconds["second"]]
    small.load(samples(count, seed=2, only=_CHANGED))
    changed = small.run(harvest, "changed")
    assert _rows(harvest) != before
    second.append(small.run(harvest, "second").seconds)
    title = f"second harvest, {_CHANGED} entities changed"
    yield _measure("changed.S", title, changed.seconds, sum(second) / len(second), 1.1)
    _drop_a_tenth(small.source, count)
    deleted = small.run(harvest, "deleted", "--allow-deletions")
    harvest.agrees()
    title = "harvest with deletions of 10 %"
    yield _measure("deleted.S", title, deleted.seconds, small.seconds["first"], 1.0)
    yield _memory("memory.harvester.S", "memory of the harvester on S", _highest(small))
    harvest.instance.engine.dispose()


def _beside_floors(
    key: str,
    title: str,
    small: _Workload,
    mark: float,
    work: Callable[[], Spent],
    times: int = 1,
) -> Measure:
    """Of something between two measurements of the floor, or of its mean between several."""
    floor, seconds = [small.floor()], []
    for _ in range(times):
        seconds.append(work().seconds)
        floor.append(small.floor())
    return _measure(key, title, sum(seconds) / times, sum(floor) / len(floor), mark)


def _drop_a_tenth(source: Instance, count: int) -> None:
    first = count - count // 10
    which = f"kind = 'SAMPLE' AND CAST(substr(code, 8) AS INTEGER) >= {first}"
    ids = f"SELECT perm_id FROM entity WHERE {which}"  # noqa: S608 - a number
    source.execute(f"DELETE FROM link WHERE from_perm_id IN ({ids}) OR to_perm_id IN ({ids})")  # noqa: S608
    source.execute(f"DELETE FROM entity WHERE {which}")  # noqa: S608
    source.engine.dispose()


def _rows(harvest: Harvest) -> tuple[object, ...]:
    """What the destination has, and when it was last changed, row by row."""
    query = text("SELECT count(*), total(modified), total(source_modified) FROM entity")
    hashes = text("SELECT content_hash FROM entity ORDER BY kind, perm_id")
    with harvest.instance.engine.connect() as connection:
        return (*connection.execute(query).one(), hash(tuple(connection.scalars(hashes))))


def _on_postgresql(small: _Workload) -> Iterator[Measure]:
    server = Postgres(small.folder / "postgres")
    try:
        server.create("bench")
        url = server.url("bench")
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        floor = floors.copy(small.database, plain)
        harvest = small.harvest("destination-pg", url)
        spent = small.run(harvest, "first-postgresql")
        harvest.instance.engine.dispose()
    finally:
        server.stop()
    parsing = floors.parse(small.list)
    title = "first harvest of S, PostgreSQL"
    yield _measure(
        "first.S.postgresql.copy", title, spent.seconds, floor, 4.0, "against COPY alone"
    )
    yield _measure(
        "first.S.postgresql",
        title,
        spent.seconds,
        floor + parsing,
        4.0,
        "against COPY and parsing the list, as for SQLite",
    )


def _growth(small: _Workload, large: _Workload, count: int, times: float) -> Iterator[Measure]:
    large.seconds["read"] = large.read()
    harvest = large.harvest()
    for key in ("first", "second"):
        large.run(harvest, key)
    large.load(samples(count, seed=2, only=_CHANGED))
    large.run(harvest, "changed")
    _drop_a_tenth(large.source, count)
    large.run(harvest, "deleted", "--allow-deletions")
    yield _memory("memory.harvester.L", "memory of the harvester on L", _highest(large))
    yield Measure(
        key="memory.growth",
        title="memory of the harvester on L, against S",
        value=_highest(large) / MEGABYTE,
        unit="MB",
        floor=_highest(small) / MEGABYTE,
        mark=_MORE_MEMORY,
    )
    for key in ("read", "first", "second", "changed", "deleted"):
        mark = _GROWTH * times / 10
        title = f"{key}: L against S"
        yield _measure(f"growth.{key}", title, large.seconds[key], small.seconds[key], mark)
    harvest.instance.engine.dispose()


def _mixed(folder: Path, count: int) -> Iterator[Measure]:
    mixed = _Workload(folder, lambda: mixed_list(count), count)
    with mixed.published():
        harvest = mixed.harvest()
        for key in ("first", "second"):
            title = f"{key} harvest of M"
            work = partial(mixed.run, harvest, key)
            yield _beside_floors(f"{key}.M", title, mixed, _NO_MARK, work)
        harvest.agrees()
        harvest.instance.engine.dispose()
    rmtree(folder)


def _highest(workload: _Workload) -> int:
    """Bytes."""
    return max(peak for key, peak in workload.peaks.items() if key != "server")


def _measure(
    key: str, title: str, value: float, floor: float, mark: float, note: str = ""
) -> Measure:
    return Measure(key=key, title=title, value=value, unit="s", floor=floor, mark=mark, note=note)


def _memory(key: str, title: str, peak: int) -> Measure:
    return Measure(key=key, title=title, value=peak / MEGABYTE, unit="MB", mark=_MOST_MEMORY)
