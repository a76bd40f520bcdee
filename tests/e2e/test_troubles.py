"""A daemon among things that fail: the source server dies, connections are cut, held or slowed,
the disk is full, PostgreSQL is restarted.

The daemon never ends by itself; its runs are recorded as what they were; and when the trouble is
over it has brought everything after a while, without anybody doing anything.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Morning, a_morning
from tests.support.faults.faulty_source import LIST
from tests.support.faults.full_disk import full_disk
from tests.support.faults.tcp_proxy import Fate, TcpProxy, Trouble, tcp_proxy
from tests.support.instances.harvests import Harvest
from tests.support.instances.intact import is_intact, verdicts
from tests.support.processes.killed_process import PROJECT, HarvesterProcess, Starter, wait_until
from tests.support.processes.listening_programs import free_port
from tests.support.processes.moments import Moment
from tests.support.processes.programs import started
from tests.support.servers.restartable_postgres import RestartablePostgres
from tests.support.worlds.two_days import KEYS, LARGE, LARGE_PATH

DONE, NOTHING, UNREACHABLE = "done", "nothing to do", "unreachable"
OVER = frozenset({DONE, NOTHING})
DATA_SETS = "/datastore_server/2"


class SourceServer:
    """``source-server serve`` as a process, always on the same port."""

    def __init__(self, config: Path, port: int) -> None:
        self._config = config
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "source_server", "serve", "--config", str(self._config)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=PROJECT)
        wait_until(self._answers, "the source server")

    def _answers(self) -> bool:
        try:
            httpx.get(f"http://127.0.0.1:{self._port}/", timeout=30)
        except httpx.TransportError:
            return False
        return True

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()


@dataclass(slots=True, kw_only=True)
class Site:
    """Both programs as processes, and the wire between them."""

    morning: Morning
    server: SourceServer
    wire: TcpProxy

    def dies(self) -> None:
        """The source server, while an answer is on its way; nobody listens at its port then."""
        self.wire.wait_until_held()
        self.server.kill()
        self.wire.shut()
        self.wire.drop()

    def comes_back(self) -> None:
        self.server.start()
        self.wire.open()

    @contextmanager
    def harvest(self, root: Path | None = None, **keys: str) -> Iterator[Harvest]:
        """One whose daemon harvests over the wire, every second."""
        with self.morning.again(root=root, once=False) as harvest:
            harvest.section("DS1", self.wire.url, **(KEYS | keys))
            yield harvest

    def is_intact(self, harvest: Harvest) -> None:
        self.wire.expects()
        is_intact(harvest, self.morning.days.instance)


@pytest.fixture(scope="module")
def site(morning_on_sqlite: Morning, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    port = free_port()
    with tcp_proxy(port) as wire:
        config = tmp_path_factory.mktemp("site") / "source.properties"
        config.write_text(
            f"base-dir = {morning_on_sqlite.days.instance.root}\nport = {port}\n"
            f"download-url = {wire.url}\nserver-url = {wire.url}/openbis\n"
            "database-url = sqlite:///instance.db\nstoreroot-dir = store\n"
            "file-service-repository-path = file-service\nworkers = 1\n"
        )
        server = SourceServer(config, port)
        server.start()
        try:
            yield Site(morning=morning_on_sqlite, server=server, wire=wire)
        finally:
            server.kill()


@dataclass(slots=True, kw_only=True)
class Daemon:
    """One at work, and the runs that began since it was started."""

    process: HarvesterProcess
    harvest: Harvest
    _before: int

    def runs(self) -> list[str | None]:
        rows = self.harvest.instance.rows("SELECT verdict FROM run ORDER BY id")
        return [None if v is None else str(v) for (v,) in rows][self._before :]

    def waits_for(self, *wanted: str, number: int = 1) -> None:
        """Until so many of its runs have ended like that."""

        def happened() -> bool:
            assert self.process.is_alive, self.process.output
            return sum(run in wanted for run in self.runs()) >= number

        wait_until(happened, f"{number} runs that are {wanted}; {self.process.output[-3000:]}")

    def has_done_all(self) -> None:
        """Wait until it has, and stop it."""
        self.waits_for(*OVER)
        assert self.process.stops() == 0, self.process.output

    @property
    def fate(self) -> list[str]:
        """What became of its runs, as an operator sees it."""
        return verdicts(self.harvest)[self._before :]


@contextmanager
def a_daemon(
    starter: Starter, harvest: Harvest, *, stops_at: Moment | None = None
) -> Iterator[Daemon]:
    before = len(verdicts(harvest))
    process = starter.start(harvest, stops_at=stops_at)
    try:
        yield Daemon(process=process, harvest=harvest, _before=before)
    finally:
        process.kill()


def goes_well_in_the_end(runs: list[str], first: str, *others: str) -> None:
    """It begins with the first, and ends well; in between there may be the others."""
    assert runs[0] == first
    if runs[-1] == "stopped":  # one more had just begun when the daemon was told to end
        runs = runs[:-1]
    trouble = [run for run in runs if run not in OVER]
    assert set(trouble) <= {first, *others}
    assert runs[: len(trouble)] == trouble
    assert set(runs[len(trouble) :]) <= {DONE, NOTHING, "stopped"}
    assert runs[len(trouble)] in OVER


def test_a_source_that_dies_in_the_middle_of_its_list(site: Site) -> None:
    with site.harvest() as harvest:
        site.wire.expects(Trouble(path=LIST, fate=Fate.HELD, after=1_500))
        with a_daemon(site.morning.starter, harvest) as daemon:
            site.dies()
            daemon.waits_for(UNREACHABLE, number=2)
            assert harvest.instance.entities() != site.morning.days.instance.entities()
            site.comes_back()
            daemon.has_done_all()
        goes_well_in_the_end(daemon.fate, UNREACHABLE)
        site.is_intact(harvest)


def test_a_source_that_dies_in_the_middle_of_a_large_file(site: Site) -> None:
    with site.harvest() as harvest:
        site.wire.expects(Trouble(path=LARGE_PATH, fate=Fate.HELD, after=LARGE // 2))
        site.wire.exchanges.clear()
        with a_daemon(site.morning.starter, harvest) as daemon:
            site.dies()
            daemon.waits_for(UNREACHABLE, number=2)
            site.comes_back()
            daemon.has_done_all()
        goes_well_in_the_end(daemon.fate, UNREACHABLE)
        site.is_intact(harvest)
    _went_on_where_it_broke_off(site.wire)


def _went_on_where_it_broke_off(wire: TcpProxy) -> None:
    """Of the large file, only what was missing was fetched."""
    first, *_, last = wire.asked(LARGE_PATH)
    assert first.range is None
    assert last.range
    start = int(last.range.removeprefix("bytes=").removesuffix("-"))
    assert LARGE // 4 < start <= LARGE // 2
    assert last.if_range
    assert LARGE - start <= last.bytes < LARGE - start + 2_000


def test_a_daemon_that_is_killed_in_the_middle_of_a_large_file_goes_on_there(site: Site) -> None:
    with site.harvest() as harvest:
        site.wire.expects(Trouble(path=LARGE_PATH, fate=Fate.HELD, after=LARGE // 2))
        site.wire.exchanges.clear()
        partial = harvest.root / "store" / "temp" / "DS1~partial"
        with started(harvest, "daemon") as program:
            site.wire.wait_until_held()
            wait_until(lambda: _content_in(partial) > LARGE // 4, "the beginning of the file")
            assert program.stops(signal.SIGKILL) == -signal.SIGKILL
        site.wire.drop()
        with a_daemon(site.morning.starter, harvest) as daemon:
            daemon.has_done_all()
        assert verdicts(harvest).count("killed") == 1
        site.is_intact(harvest)
    _went_on_where_it_broke_off(site.wire)


def test_data_sets_are_there_although_the_one_after_them_takes_hours(site: Site) -> None:
    """They are committed in groups, but none waits long for the others of its group."""
    raw = site.morning.days.full_instance.raw.code
    with site.harvest(max_threads="1") as harvest:
        site.wire.expects(
            Trouble(path=f"/datastore_server/{raw}", fate=Fate.SLOW, rate=150),
            Trouble(path=LARGE_PATH, fate=Fate.HELD, after=LARGE // 2),
        )
        with a_daemon(site.morning.starter, harvest) as daemon:
            site.wire.wait_until_held()
            query = f"SELECT length FROM data_set_file WHERE code = '{raw}'"  # noqa: S608
            assert (len(b"other digits"),) in harvest.instance.rows(query)
            daemon.process.kill()
        site.wire.drop()


def _content_in(folder: Path) -> int:
    """The length of what is kept, without the small file that names its validator."""
    return max((file.stat().st_size for file in folder.glob("*")), default=0)


def test_connections_that_are_cut_at_many_places(site: Site) -> None:
    tries = 3  # of each request
    places = (0, 1, 120, 700, 3_000)
    with site.harvest() as harvest:
        site.wire.expects(
            *(Trouble(path=LIST, fate=Fate.CUT, after=after, times=tries) for after in places)
        )
        with a_daemon(site.morning.starter, harvest) as daemon:
            daemon.has_done_all()
        assert daemon.fate[: len(places)] == [UNREACHABLE] * len(places)
        goes_well_in_the_end(daemon.fate, UNREACHABLE)
        site.is_intact(harvest)


def test_files_that_are_cut_at_many_places_arrive_all_the_same(site: Site) -> None:
    places = (0, 1, 200, 400, LARGE // 5, LARGE // 2, LARGE - 1)
    with site.harvest() as harvest:
        site.wire.exchanges.clear()
        site.wire.expects(
            *(Trouble(path=LARGE_PATH, fate=Fate.CUT, after=after) for after in places),
            *(Trouble(path=DATA_SETS, fate=Fate.CUT, after=100 * n) for n in range(12)),
        )
        with a_daemon(site.morning.starter, harvest) as daemon:
            daemon.has_done_all()
        assert set(daemon.fate) <= {UNREACHABLE, "partial", "stopped", *OVER}
        site.is_intact(harvest)
    assert len(site.wire.asked(LARGE_PATH)) >= len(places)


def test_a_wire_that_lets_only_a_trickle_through(site: Site) -> None:
    with site.harvest(stall_timeout="1 min") as harvest:
        site.wire.expects(
            Trouble(path=LIST, fate=Fate.SLOW, rate=5_000, times=None),
            Trouble(path=LARGE_PATH, fate=Fate.SLOW, after=LARGE - 20_000, rate=20_000),
            Trouble(path=DATA_SETS, fate=Fate.SLOW, rate=4_000, times=None),
        )
        with a_daemon(site.morning.starter, harvest) as daemon:
            daemon.has_done_all()
        assert daemon.fate[0] == DONE
        site.is_intact(harvest)


def test_a_wire_on_which_nothing_moves_any_more(site: Site) -> None:
    with site.harvest(stall_timeout="3 s") as harvest:
        site.wire.expects(Trouble(path=LARGE_PATH, fate=Fate.HELD, after=LARGE // 2))
        with a_daemon(site.morning.starter, harvest) as daemon:
            site.wire.wait_until_held()
            daemon.waits_for("stopped")
            daemon.has_done_all()
            site.wire.drop()
        site.is_intact(harvest)


@pytest.mark.parametrize("folder", ["store", "."], ids=["the data store", "everything"])
def test_a_disk_that_is_full_until_somebody_makes_room(
    site: Site, tmp_path: Path, folder: str
) -> None:
    """Below the data store only, or also below the database, the logs and the state."""
    root = tmp_path / "destination"
    site.wire.expects()
    with full_disk(root / folder) as room, site.harvest(root) as harvest:
        room.squeeze(spare=200_000)
        with a_daemon(site.morning.starter, harvest) as daemon:
            room.squeeze_process(daemon.process.pid)
            wait_until(lambda: len(_failures(daemon)) > 1, daemon.process.output)
            assert daemon.process.is_alive
            room.make()
            room.let_go(daemon.process.pid)
            seen = len(daemon.runs())
            _time_passes(harvest)
            wait_until(lambda: OVER.intersection(daemon.runs()[seen:]), "a run that goes well")
            assert daemon.process.stops() == 0
        assert set(daemon.fate) <= {"partial", "failed", "killed", "stopped", *OVER}
        site.is_intact(harvest)


def _failures(daemon: Daemon) -> list[str]:
    ended = [
        line.rpartition(" ")[2]
        for line in daemon.process.output.splitlines()
        if "execution ended with code" in line
    ]
    assert "0" not in ended
    return ended


def _time_passes(harvest: Harvest) -> None:
    """What failed more than once is tried again only after hours: they are over."""
    harvest.instance.execute("UPDATE failed_item SET next_try = 0")


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[RestartablePostgres]:
    """Others must not notice that it is restarted."""
    server = RestartablePostgres(Path(tempfile.mkdtemp(prefix="openbis-sync-restarted-")))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def morning_on_own_postgres(
    starter: Starter,
    own_postgres: RestartablePostgres,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Morning]:
    root = tmp_path_factory.mktemp("restarted")
    with a_morning(root, starter, own_postgres) as found:
        yield found


RESTARTS = {
    "while the list is read": Moment(name="the list is read"),
    "in the dry run": Moment(
        name="the steps of one transaction are about to be committed", rehearsal=True
    ),
    "in steps 2 to 4": Moment(
        name="the steps of one transaction are about to be committed", rehearsal=False
    ),
    "among the data sets": Moment(name="a data set is about to be put in place", after=3),
}


@pytest.mark.parametrize("when", RESTARTS)
def test_a_database_that_is_restarted(
    morning_on_own_postgres: Morning, own_postgres: RestartablePostgres, when: str
) -> None:
    morning = morning_on_own_postgres
    with morning.again(once=False) as harvest:
        harvest.instance.engine.dispose()
        with a_daemon(morning.starter, harvest, stops_at=RESTARTS[when]) as daemon:
            daemon.process.is_at_its_moment()
            own_postgres.restart_at_once()
            daemon.process.go_on()
            daemon.has_done_all()
        goes_well_in_the_end(daemon.fate, "failed")
        is_intact(harvest, morning.days.instance)
