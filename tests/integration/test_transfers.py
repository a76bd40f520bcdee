"""Data sets of a run that ends before its end: what is finished, and what goes on later."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from harvester.openbis.section import SectionConfig
from harvester.openbis.source.source import Source
from harvester.openbis.transfers.real_transfers import RealTransfers
from harvester.openbis.transfers.transfers import WantedContent, WantedDataSet
from harvester.runs.stopping import RunLimits, StopRequest
from harvester.runs.watchdog import watched
from shared.errors import ItemError, SourceError, StoppedError
from shared.model.entities import FileNode
from shared.model.kinds import Kind
from shared.store.files import DataStore
from tests.support.instances.instance import a_file
from tests.support.servers.scripted_source import seconds, section
from tests.support.servers.web_server import serving

SIZE = 1000


class Files:
    """An ASGI application with files. ``on_request`` is called with each path, and may say with
    which status it is answered; ``silent`` paths are never answered."""

    def __init__(self) -> None:
        self.url = ""
        self.contents: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.on_request: Callable[[str], int | None] = lambda _: None
        self.silent: set[str] = set()
        self.headers: dict[str, str] = {}
        self.pause = 0.0
        self.at_once = self.most_at_once = 0
        # So many must have come at once before any is answered.
        self.together = 0

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"].removeprefix("/datastore_server/")
        self.asked.append(path)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        while path in self.silent and (await receive())["type"] != "http.disconnect":
            pass
        while self.most_at_once < self.together:
            await asyncio.sleep(0.01)
        await asyncio.sleep(self.pause)
        status = self.on_request(path) or (200 if path in self.contents else 404)
        body = self.contents.get(path, b"") if status == 200 else b""
        headers = {"content-length": str(len(body)), **self.headers}
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.at_once -= 1
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        await send({"type": "http.response.body", "body": body})


class Bench:
    """A source with data sets, and a data store into which several runs bring them."""

    def __init__(self, files: Files, root: Path) -> None:
        self.files = files
        self.root = root
        self.limits: RunLimits | None = None
        self.wanted: dict[str, WantedDataSet] = {}

    def config(self, **fields: Any) -> SectionConfig:
        values = {"retry_pauses": (), "harvester_tmp_dir": self.root / "temp", "max_threads": 1}
        return section(self.files.url, **(values | fields))

    @property
    def store(self) -> DataStore:
        return DataStore(
            root=self.root / "store",
            uuid="U",
            service_root=self.root / "service",
            temporary=self.root / "temp" / "DS1",
        )

    def data_set(self, number: int, *names: str, proven: bool = True) -> str:
        code = f"20240101000000000-{number}"
        nodes = []
        for name in names or ("file",):
            content = f"{code} {name} ".encode() * (SIZE // 20)
            content = content[:SIZE].ljust(SIZE, b".")
            self.files.contents[f"{code}/{name}"] = content
            node = a_file(name, content) if proven else FileNode(path=name, length=SIZE)
            href = f"{self.files.url}/datastore_server/{code}/{name}"
            nodes.append(FileNode(**{**fields_of(node), "href": href}))
        self.wanted[code] = WantedDataSet(code=code, files=tuple(nodes))
        return code

    def data_sets(self, count: int) -> list[str]:
        return [self.data_set(number) for number in range(count)]

    def run(
        self,
        wanted: Iterable[str],
        request: StopRequest | None = None,
        clock: Callable[[], float] | None = None,
        **fields: Any,
    ) -> dict[str, ItemError | None]:
        """What arrived, in one run; of what failed, why."""
        config = self.config(**fields)
        self.limits = RunLimits(config, request, clock) if clock else RunLimits(config, request)
        self.files.asked.clear()
        with Source(config, self.limits) as source, watched(self.limits, source.abort):
            transfers = RealTransfers(self.store, source, config, self.limits)
            return dict(_installed(transfers, (self.wanted[code] for code in wanted)))

    def is_here(self, code: str) -> bool:
        folder = self.store.data_set_folder(code)
        return all(
            (folder / node.path).read_bytes() == self.files.contents[f"{code}/{node.path}"]
            for node in self.wanted[code].files
        )

    @property
    def kept(self) -> list[str]:
        folder = self.config().partial_folder
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    @property
    def aside(self) -> list[Path]:
        return list(self.store.temporary.iterdir())


def _installed(
    transfers: RealTransfers, wanted: Iterable[WantedDataSet]
) -> Iterator[tuple[str, ItemError | None]]:
    """As the step does it, but each alone."""
    for code, error in transfers.data_sets(wanted):
        if error is None:
            transfers.install(code, keep=False)
            assert transfers.secure() == []
            transfers.settle()
        yield code, error


def fields_of(node: FileNode) -> dict[str, Any]:
    names = ("path", "length", "crc32", "checksum")
    return {name: getattr(node, name) for name in names}


@pytest.fixture(scope="module")
def served() -> Iterator[Files]:
    files = Files()
    with serving(files) as url:
        files.url = url
        yield files


@pytest.fixture
def bench(served: Files, tmp_path: Path) -> Bench:
    url = served.url
    served.__init__()  # type: ignore[misc]
    served.url = url
    return Bench(served, tmp_path)


def stop_at(path: str, request: StopRequest) -> Callable[[str], None]:
    return lambda asked: request.set("told to stop") if asked == path else None


# --- a request to stop


def test_the_file_at_hand_is_finished_and_no_other_begun(bench: Bench) -> None:
    codes = bench.data_sets(8)
    request = StopRequest()
    bench.files.on_request = stop_at(f"{codes[2]}/file", request)
    assert bench.run(codes, request) == dict.fromkeys(codes[:3])
    assert bench.files.asked == [f"{code}/file" for code in codes[:3]]
    assert bench.limits is not None
    assert bench.limits.left_something
    assert all(bench.is_here(code) for code in codes[:3])
    assert bench.aside == []


def test_a_data_set_that_is_not_whole_does_not_arrive_and_goes_on_later(bench: Bench) -> None:
    names = [f"part {number}" for number in range(6)]
    code, request = bench.data_set(1, *names), StopRequest()
    bench.files.on_request = stop_at(f"{code}/part 2", request)
    assert bench.run([code], request) == {}
    assert bench.aside == []
    assert len(bench.kept) == 1
    assert bench.run([code]) == {code: None}
    assert bench.files.asked == [f"{code}/part {number}" for number in (3, 4, 5)]
    assert bench.is_here(code)
    assert bench.kept == []


def test_with_a_request_from_the_beginning_nothing_is_asked_for(bench: Bench) -> None:
    request = StopRequest()
    request.set("told to stop")
    assert bench.run(bench.data_sets(3), request) == {}
    assert bench.files.asked == []


def test_a_request_after_the_last_file_leaves_nothing(bench: Bench) -> None:
    codes = bench.data_sets(2)
    request = StopRequest()
    bench.files.on_request = stop_at(f"{codes[1]}/file", request)
    assert bench.run(codes, request) == dict.fromkeys(codes)
    assert bench.limits is not None
    assert not bench.limits.left_something


# --- out of time, stuck


def test_a_run_out_of_time_blames_no_data_set(bench: Bench) -> None:
    codes, seen = bench.data_sets(5), [0.0]

    def hurry(path: str) -> None:
        if path == f"{codes[2]}/file":
            seen[0] = 100.0

    bench.files.on_request = hurry
    found = bench.run(codes, clock=lambda: seen[0], max_run_time=timedelta(seconds=50))
    assert found == dict.fromkeys(codes[:2])
    assert bench.run(codes[2:]) == dict.fromkeys(codes[2:])


@pytest.mark.parametrize("threads", [1, 4])
def test_a_stalled_run_blames_no_data_set_and_the_next_one_brings_all(
    bench: Bench, threads: int
) -> None:
    codes = bench.data_sets(6)
    bench.files.silent = {f"{code}/file" for code in codes[2:]}
    began: list[float] = []

    def clock() -> float:
        """It stands still until all is here that will come: a slow machine is no stall."""
        places = map(bench.store.data_set_folder, codes[:2])
        if not began and all(place.is_dir() for place in places):
            began.append(time.monotonic())
        return time.monotonic() - began[0] if began else 0.0

    found = bench.run(codes, clock=clock, stall_timeout=timedelta(seconds=1), max_threads=threads)
    assert found == dict.fromkeys(codes[:2])
    assert bench.limits is not None
    assert bench.limits.stalled
    with pytest.raises(StoppedError, match="stall-timeout"):
        bench.limits.check()
    bench.files.silent = set()
    assert bench.run(codes[2:]) == dict.fromkeys(codes[2:])


def test_a_stall_is_not_the_fault_of_an_attachment(bench: Bench) -> None:
    bench.files.silent = {"content"}
    config = bench.config(stall_timeout=timedelta(seconds=1), retry_pauses=seconds(0))
    limits = RunLimits(config)
    wanted = WantedContent(
        kind=Kind.SAMPLE,
        perm_id="20240101000000000-1",
        name="attachment",
        length=1,
        sha256="0" * 64,
        href=f"{bench.files.url}/datastore_server/content",
    )
    with Source(config, limits) as source, watched(limits, source.abort):
        transfers = RealTransfers(bench.store, source, config, limits)
        with pytest.raises(StoppedError):
            transfers.attachment(wanted)


# --- volume


def test_no_data_set_is_begun_when_the_volume_is_used_up(bench: Bench) -> None:
    codes = bench.data_sets(6)
    assert bench.run(codes, max_transfer=2 * SIZE) == dict.fromkeys(codes[:2])
    assert bench.limits is not None
    assert bench.limits.volume_is_used_up == "2,000 bytes were fetched (max-transfer)"
    assert bench.limits.reason is None


def test_a_volume_that_just_suffices_leaves_nothing(bench: Bench) -> None:
    codes = bench.data_sets(2)
    assert bench.run(codes, max_transfer=2 * SIZE) == dict.fromkeys(codes)
    assert bench.limits is not None
    assert bench.limits.volume_is_used_up is None


def test_a_data_set_larger_than_the_volume_arrives_over_several_runs(bench: Bench) -> None:
    code = bench.data_set(1, *"abcdefg")
    runs = [bench.run([code], max_transfer=2 * SIZE) for _ in range(4)]
    assert runs == [{}, {}, {}, {code: None}]
    assert bench.files.asked == [f"{code}/g"]
    assert bench.is_here(code)
    assert bench.kept == []


def test_a_data_set_whose_files_nothing_proves_is_finished_however_large_it_is(
    bench: Bench,
) -> None:
    """What came of it could not be taken over: it would never arrive."""
    large, other = bench.data_set(1, *"abcdefg", proven=False), bench.data_set(2)
    assert bench.run([large, other], max_transfer=2 * SIZE) == {large: None}
    assert bench.limits is not None
    assert bench.limits.volume_is_used_up


def test_what_lies_here_already_costs_no_volume(bench: Bench) -> None:
    code = bench.data_set(1, *"abc")
    bench.run([code])
    assert bench.run([code], max_transfer=1) == {code: None}
    assert bench.limits is not None
    assert bench.limits.transferred == 0


# --- what earlier runs have left


def test_what_a_killed_run_had_brought_of_a_data_set_is_taken_over(bench: Bench) -> None:
    code = bench.data_set(1, "x/one", "x/two", "three")
    folder = bench.store.new_data_set(code)
    for name, content in (
        ("x/one", bench.files.contents[f"{code}/x/one"]),
        ("x/two", b"half"),
        ("three", b"?" * SIZE),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    assert bench.run([code]) == {code: None}
    assert bench.files.asked == [f"{code}/x/two", f"{code}/three"]
    assert bench.is_here(code)
    assert bench.kept == []
    assert bench.aside == []


def test_a_data_set_with_one_bad_file_keeps_the_others_for_the_next_try(bench: Bench) -> None:
    code = bench.data_set(1, *"abc")
    bench.files.on_request = lambda path: 500 if path.endswith("/b") else None
    (error,) = bench.run([code], max_threads=3).values()
    assert error is not None
    assert "file b: " in error.reason
    bench.files.on_request = lambda _: None
    assert bench.run([code]) == {code: None}
    assert f"{code}/a" not in bench.files.asked
    assert bench.is_here(code)
    assert bench.kept == []


def test_trouble_with_the_disk_keeps_nothing(bench: Bench) -> None:
    code, other = bench.data_set(1, "a", "b"), bench.data_set(2)
    leftover = bench.store.new_data_set(code)
    (leftover / "c").write_text("of an earlier run")
    target = bench.store.root / "1"
    target.parent.mkdir()
    target.write_text("a file where a folder is to be")
    found = bench.run([code, other])
    assert [error is not None for error in found.values()] == [True, True]
    assert bench.kept == []
    assert bench.aside == []


def test_leftovers_of_data_sets_that_nobody_wants_any_more_go_in_the_end(bench: Bench) -> None:
    wanted = bench.data_set(1)
    folder = bench.store.new_data_set("20240101000000000-99")
    (folder / "file").write_bytes(b"x")
    bench.run([wanted])
    assert len(bench.kept) == 1
    kept = bench.config().partial_folder
    os.utime(kept / bench.kept[0], (1, 1))
    bench.run([wanted])
    assert not kept.exists()


# --- the source goes out of reach


def test_a_source_that_wants_to_be_left_alone_ends_the_pass_and_no_data_set_is_blamed(
    bench: Bench,
) -> None:
    codes = bench.data_sets(6)
    bench.files.headers = {"retry-after": "3600"}
    bench.files.on_request = lambda path: 429 if path.startswith(codes[2]) else None
    arrived: list[str] = []
    with pytest.raises(SourceError, match="wants to be left alone until"):
        _collect(bench, codes, arrived)
    assert arrived == codes[:2]
    assert len(bench.files.asked) == 3


def test_a_source_that_went_away_ends_the_pass_and_no_data_set_is_blamed(tmp_path: Path) -> None:
    files = Files()
    lost = Bench(files, tmp_path)
    with serving(files) as url:
        files.url = url
        codes = lost.data_sets(200)
        arrived: list[str] = []
        gone = threading.Event()

        def work() -> None:
            with pytest.raises(SourceError, match="cannot be read"):
                _collect(lost, codes, arrived, on_arrival=lambda: gone.wait(0.02))

        files.pause = 0.01
        thread = threading.Thread(target=work)
        thread.start()
        while len(arrived) < 3:
            gone.wait(0.01)
    thread.join(60)
    assert not thread.is_alive()
    assert 3 <= len(arrived) < 200


def _collect(
    bench: Bench, codes: list[str], arrived: list[str], on_arrival: Callable[[], object] = int
) -> None:
    config = bench.config()
    limits = RunLimits(config)
    with Source(config, limits) as source:
        transfers = RealTransfers(bench.store, source, config, limits)
        for code, error in transfers.data_sets(bench.wanted[code] for code in codes):
            if error is None:
                arrived.append(code)
            on_arrival()


# --- connections


@pytest.mark.parametrize(("threads", "connections", "most"), [(10, 3, 3), (2, 10, 2)])
def test_a_source_is_asked_for_so_many_files_at_a_time_and_no_more(
    bench: Bench, threads: int, connections: int, most: int
) -> None:
    codes = bench.data_sets(20)
    bench.files.pause = 0.03
    bench.files.together = most
    found = bench.run(codes, max_threads=threads, max_connections_per_source=connections)
    assert found == dict.fromkeys(codes)
    assert bench.files.most_at_once == most
