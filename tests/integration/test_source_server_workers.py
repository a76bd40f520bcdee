"""Several processes serve as one: what one promises holds for all of them together."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from shared.model.ids import Code, PermId
from shared.model.kinds import Kind
from source_server.__main__ import main
from tests.benchmarks.serving import filled
from tests.support.instances.builders import a_space, an_entity
from tests.support.instances.instance import PASSWORD, USER, Instance
from tests.support.servers.workers_site import Workers, awaited, workers_site

OTHER = "one-space"
ABOUT = "/datastore_server/re-sync/?verb=about.xml"
# So many samples make a list that no buffers between server and client hold.
SAMPLES = 12_000


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("workers") / "S", SAMPLES)


def settings_of(folder: Path, *lines: str, count: int = 2) -> Path:
    config = folder / "s.properties"
    config.write_text(
        "\n".join(
            [
                *("port = 0", f"workers = {count}", "monitor-address = 127.0.0.1:0"),
                f"database-url = sqlite:///{folder}/instance.db",
                *(
                    f"storeroot-dir = {folder}/store",
                    f"file-service-repository-path = {folder}/files",
                ),
                *lines,
            ]
        )
    )
    return config


@contextmanager
def a_site(instance: Path, *lines: str) -> Iterator[Workers]:
    with workers_site(settings_of(instance, *lines)) as site:
        yield site


def test_connections_go_to_the_worker_with_the_fewest(instance: Path) -> None:
    with a_site(instance) as site, site.visitors(6) as visitors:
        workers = [site.worker_of(each) for each in visitors]
        assert sorted(workers.count(pid) for pid in site.pids()) == [3, 3]
        gone = workers[0]
        for each, worker in zip(visitors, workers, strict=True):
            if worker == gone:
                each.close()
        awaited(lambda: lines_of(site, gone) == 0)
        with site.visitors(3) as more:
            assert {site.worker_of(each) for each in more} == {gone}


def lines_of(site: Workers, pid: int) -> int:
    """Connections to the server that a worker has."""
    port = int(site.url.rpartition(":")[2])
    rows = Path("/proc/net/tcp").read_text().splitlines()
    own = {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink()}
    mine = (row.split() for row in rows if f":{port:04X} " in row[:21])
    return sum(f"socket:[{row[9]}]" in own for row in mine)


def test_lists_at_once_are_limited_over_all_workers(instance: Path) -> None:
    keys = ("max-lists = 3", "max-lists-per-user = 2")
    with a_site(instance, *keys) as site, site.visitors(6) as visitors:
        first, second, third, *others = visitors
        assert site.worker_of(first) != site.worker_of(second)
        begun = [first.begin(), second.begin()]
        assert [each.status for each in begun] == [200, 200]
        assert site.metrics()["lists_in_progress"] == 2

        own = [each.begin() for each in others[:2]]
        assert [each.status for each in own] == [429, 429]
        assert all(b"2 resource lists are being sent to this user" in each.rest() for each in own)
        begun.append(third.begin(user=OTHER))
        # The list of one space is short: it may be in the buffers already, and count no more.
        assert begun[2].status == 200
        assert begun[0].rest().endswith(b"</urlset>")
        assert others[2].begin().status == 200


def test_the_interval_between_two_lists_holds_over_all_workers(instance: Path) -> None:
    with a_site(instance, "minimum-interval = 20 h") as site, site.visitors() as (one, other):
        assert site.worker_of(one) != site.worker_of(other)
        assert one.begin().rest().endswith(b"</urlset>")
        refused = other.begin()
        assert refused.status == 429
        assert b"this resource list was sent to you already" in refused.rest()


def test_wrong_passwords_are_counted_over_all_workers(instance: Path) -> None:
    keys = ("max-guesses = 3", "longest-guess-pause = 5 min")
    with a_site(instance, *keys) as site, site.visitors() as (one, other):
        assert site.worker_of(one) != site.worker_of(other)
        for number, visitor in enumerate((one, other, one)):
            wrong = visitor.begin(ABOUT, password=f"wrong {number}")
            assert (wrong.status, wrong.rest()[:5]) == (401, b"user ")
        for visitor in (one, other):
            early = visitor.begin(ABOUT, password="wrong again")
            assert (early.status, early.rest()[:8]) == (429, b"too many")


def test_a_login_that_one_worker_knows_is_accepted_by_all_whatever_others_guess(
    instance: Path,
) -> None:
    with a_site(instance, "max-guesses = 1") as site, site.visitors() as (one, other):
        assert site.worker_of(one) != site.worker_of(other)
        assert one.begin(ABOUT).rest().endswith(b"</urlset>")
        wrong = one.begin(ABOUT, password="wrong")
        assert (wrong.status, wrong.rest()[:5]) == (401, b"user ")
        assert other.begin(ABOUT).rest().endswith(b"</urlset>")


def test_a_session_that_began_at_one_worker_is_valid_at_another(instance: Path) -> None:
    keys = ("afs-url = http://localhost/afs",)
    login = f"/afs/api?method=login&userId={USER}&password={quote(PASSWORD)}"
    with a_site(instance, *keys) as site, site.visitors() as (one, other):
        assert site.worker_of(one) != site.worker_of(other)
        token = one.begin(login, method="POST").rest().decode()
        assert token.startswith(f"{USER}-")
        asked = f"/afs/api?method=isSessionValid&sessionToken={token}"
        assert other.begin(asked).rest() == b"true"
        site.replace(site.worker_of(one))
        assert other.begin(asked).rest() == b"true"
        ended = other.begin(f"/afs/api?method=logout&sessionToken={token}", method="POST")
        assert ended.rest() == b"true"
        with site.visitors(1) as (third,):
            assert third.begin(asked).rest() == b"false"


def test_connections_are_limited_over_all_workers(instance: Path) -> None:
    with a_site(instance, "max-connections = 2") as site, site.visitors() as (one, other):
        assert site.worker_of(one) != site.worker_of(other)
        with socket.create_connection(("127.0.0.1", int(site.url.rpartition(":")[2]))) as third:
            assert third.recv(1) == b""
        one.close()
        awaited(lambda: serves_one_more(site))
        assert other.begin(ABOUT).status == 200


def serves_one_more(site: Workers) -> bool:
    try:
        return httpx.get(site.url + ABOUT, auth=(USER, PASSWORD)).status_code == 200
    except httpx.TransportError:
        return False


def test_metrics_are_sums_that_never_fall_when_a_worker_is_replaced(instance: Path) -> None:
    with a_site(instance) as site, site.visitors() as (one, other):
        for visitor in (one, other, other):
            visitor.begin(ABOUT).rest()
        awaited(lambda: site.metrics().get("requests_total{about,2xx}", 0) == 3)
        before = site.metrics()
        killed = site.worker_of(other)
        site.replace(killed)
        after = [site.metrics() for _ in range(8)]

    assert before["answer_seconds_count{about}"] == 3
    assert before["refused_lists_total{all}"] == 0
    for name, value in before.items():
        if name.partition("{")[0].endswith(("_total", "_count", "_sum", "_bucket")):
            assert all(each[name] >= value for each in after), name
    assert all(each["requests_total{about,2xx}"] == 3 for each in after)


@pytest.mark.parametrize("count", [1, 2])
def test_metrics_have_the_same_names_whatever_the_number_of_workers(
    instance: Path, count: int
) -> None:
    config = settings_of(instance, count=count)
    with workers_site(config, count) as site, site.visitors(1) as (one,):
        one.begin(ABOUT).rest()
        awaited(lambda: "requests_total{about,2xx}" in site.metrics())
        found = site.metrics()
    names = {name.partition("{")[0] for name in found}
    assert names >= {
        *("answer_seconds_bucket", "answer_seconds_count", "answer_seconds_sum"),
        *("first_byte_seconds_bucket", "first_byte_seconds_count", "first_byte_seconds_sum"),
        *("lists_in_progress", "reachable", "refused_lists_total", "sent_bytes_total"),
        *("process_cpu_seconds_total", "process_max_fds", "process_open_fds"),
        *("process_resident_memory_bytes", "process_start_time_seconds"),
    }
    assert found["answer_seconds_bucket{about,+Inf}"] == found["answer_seconds_count{about}"] == 1
    assert not any(name.endswith("_created") for name in names)


def test_the_place_of_a_killed_worker_is_taken_and_what_it_held_is_free(instance: Path) -> None:
    keys = ("max-lists-per-user = 1", "access-log = json")
    with a_site(instance, *keys) as site, site.visitors() as (one, other):
        begun = one.begin()
        assert begun.status == 200
        assert other.begin().status == 429
        killed = site.worker_of(one)
        new = site.replace(killed)
        assert new != killed
        with site.visitors(1) as (third,):
            assert site.worker_of(third) == new
            assert third.begin().rest().endswith(b"</urlset>")
        assert "has ended (SIGKILL); another one takes its place" in site.log
        assert httpx.get(f"{site.monitor}/healthz").json()["status"] == "ok"


def test_a_worker_that_is_told_to_stop_finishes_its_answers_and_is_replaced(
    instance: Path,
) -> None:
    with a_site(instance) as site, site.visitors(1) as (one,):
        begun = one.begin()
        pid = site.worker_of(one)
        os.kill(pid, signal.SIGTERM)
        assert begun.rest().endswith(b"</urlset>")
        awaited(lambda: site.has_started(3))
        assert pid not in site.pids()
        assert httpx.get(site.url + ABOUT, auth=(USER, PASSWORD)).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_workers_after_their_answers(
    instance: Path, number: signal.Signals
) -> None:
    with a_site(instance) as site, site.visitors() as visitors:
        begun = [each.begin() for each in visitors]
        workers = site.pids()
        site.process.send_signal(number)
        awaited(lambda: site.log.count("Shutting down") == 2)
        with pytest.raises(httpx.ConnectError):
            httpx.get(site.url + ABOUT)
        assert all(each.rest().endswith(b"</urlset>") for each in begun)
        assert site.process.wait(60) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert site.said[-1].endswith("stopped\n")
    assert "Traceback" not in site.log


def test_workers_end_when_their_parent_is_killed_and_leave_nothing_behind(
    instance: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with a_site(instance) as site:
        workers = site.pids()
        assert list(tmp_path.iterdir())
        site.process.kill()
        site.process.wait()
        awaited(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    assert not list(tmp_path.iterdir())


def test_the_parent_has_no_threads_and_no_database(instance: Path) -> None:
    with a_site(instance) as site, site.visitors() as visitors:
        for each in visitors:
            each.begin(ABOUT).rest()
        pid = site.process.pid
        files = {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()}
        assert len(list(Path(f"/proc/{pid}/task").iterdir())) == 1
        assert not any("instance.db" in each for each in files)


def test_lines_of_the_access_log_stay_whole(instance: Path) -> None:
    """Each is longer than what a pipe takes in one piece."""
    path = f"{ABOUT}&white_list={'%FC' * 2_000}"
    with a_site(instance, "access-log = json") as site:
        with site.visitors(8) as visitors:
            for _ in range(20):
                for each in visitors:
                    each.ask(path)
                assert {each.taken().rest()[-9:] for each in visitors} == {b"</urlset>"}
        assert site.stop() == 0
    lines = [line for line in site.said if '"method"' in line]
    assert min(map(len, lines)) > 4_096
    assert [json.loads(line)["status"] for line in lines] == [200] * 160


def test_the_etag_of_a_list_is_the_same_from_each_worker(instance: Path) -> None:
    with a_site(instance) as site, site.visitors() as (one, other):
        tags = [each.begin(method="HEAD").answer.headers["ETag"] for each in (one, other)]
        assert tags[0]
        assert tags[0] == tags[1]
        unchanged = other.begin(headers={"If-None-Match": tags[0]})
        assert unchanged.status == 304


def test_a_list_with_a_missing_file_has_an_etag_at_no_worker(tmp_path: Path) -> None:
    instance = Instance.create(tmp_path)
    file = instance.put_file("20240101000000000-1", "original/a.txt", b"a")
    data_set = an_entity(
        *(Kind.DATA_SET, 1),
        perm_id=PermId("20240101000000000-1"),
        code=Code("20240101000000000-1"),
        space=Code("ALPHA"),
        files=(file,),
    )
    instance.load(a_space("ALPHA"), data_set)
    instance.add_user()
    instance.engine.dispose()
    store = tmp_path / "store"
    with a_site(tmp_path) as site, site.visitors() as (one, other):
        assert site.worker_of(one) != site.worker_of(other)
        store.rename(tmp_path / "unmounted")
        store.mkdir()
        one.begin().rest()
        assert [each.begin(method="HEAD").answer.headers["ETag"] for each in (one, other)] == [
            *(None, None)
        ]
        store.rmdir()
        (tmp_path / "unmounted").rename(store)
        other.begin().rest()
        tags = [each.begin(method="HEAD").answer.headers["ETag"] for each in (one, other)]
        assert tags[0]
        assert tags[0] == tags[1]


def test_a_wrong_number_of_workers_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "s.properties"
    for value in ("0", "many", "-1", "65"):
        config.write_text(f"workers = {value}\n")
        assert main(["serve", "--config", str(config)]) == 2
        assert "workers" in capsys.readouterr().err


def test_what_cannot_be_opened_is_told_once_with_its_exit_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = settings_of(tmp_path)
    assert main(["serve", "--config", str(config)]) == 2
    assert capfd.readouterr().err.count("there is no instance yet") == 1


def test_a_port_in_use_is_told_once_with_its_exit_code(
    instance: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = tmp_path / "s.properties"
        config.write_text(settings_of(instance).read_text().replace("port = 0", f"port = {port}"))
        assert main(["serve", "--config", str(config)]) == 2
    assert capfd.readouterr().err.count(f"port = {port}: cannot listen there") == 1
