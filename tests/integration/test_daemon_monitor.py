"""What a daemon's monitor shows, asked of a process at work."""

from __future__ import annotations

from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.support.faults.faulty_source import answering
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.processes.daemons import next_execution, served
from tests.support.processes.programs import Gate, Program, started


def samples(url: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = httpx.get(f"{url}/metrics").raise_for_status().text
    return {
        (
            sample.name.removeprefix("openbis_sync_harvester_"),
            tuple(sorted(sample.labels.items())),
        ): (sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def monitor_of(daemon: Program) -> str:
    return daemon.says("/healthz and /metrics are served at").rpartition(" ")[2]


def test_the_monitor_shows_each_section(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    with (
        source.served(answering(503)) as broken,
        served(source, either, "monitor-address = 127.0.0.1:0"),
    ):
        either.section("BAD", broken, retry_pauses="1 ms")
        with started(either, "daemon") as daemon:
            url = monitor_of(daemon)
            daemon.says("execution ended")
            next_execution(daemon)
            shown = samples(url)
            health = httpx.get(f"{url}/healthz")
            assert daemon.stops() == 0
    good, bad = (("section", "DS1"),), (("section", "BAD"),)
    assert shown["last_run_verdict", (*good, ("verdict", "done"))] == 1
    assert shown["last_run_verdict", (*good, ("verdict", "unreachable"))] == 0
    assert shown["last_run_verdict", (*bad, ("verdict", "unreachable"))] == 1
    assert 0 <= shown["last_success_age_seconds", good] <= shown["lag_seconds", good] < 600
    assert ("last_success_timestamp_seconds", bad) not in shown
    created = (("action", "created"), ("kind", "SAMPLE"), *good)
    assert shown["last_run_items", created] == 7
    assert shown["items_total", (("action", "created"), *good)] > 20
    assert shown["transferred_bytes_total", good] == shown["last_run_transferred_bytes", good]
    assert shown["runs_total", (*bad, ("verdict", "unreachable"))] == 1
    assert shown["runs_total", (*good, ("verdict", "unreachable"))] == 0
    assert shown["failed_items_waiting", good] == shown["held_back_deletions", good] == 0
    assert shown["running", good] == 0
    assert shown["database_up", ()] == 1
    assert shown["next_run_timestamp_seconds", ()] > shown["start_time_seconds", ()]
    assert any(name == "build_info" for name, _ in shown)
    assert health.status_code == 200
    assert health.json()["details"]["last_verdicts"] == {"DS1": "done", "BAD": "unreachable"}
    assert full_instance.everything


def test_the_monitor_shows_who_is_at_work_and_that_the_database_is_gone(
    source: Instance, full_instance: FullInstance, harvest: Harvest, tmp_path: Path
) -> None:
    harvest.init()
    harvest.add_properties("monitor-address = 127.0.0.1:0")
    gate = Gate(f"/datastore_server/{full_instance.of_well.code}")
    with source.served(gate) as url:
        harvest.section("DS1", url)
        with started(harvest, "daemon") as daemon:
            monitor = monitor_of(daemon)
            gate.wait()
            assert samples(monitor)["running", (("section", "DS1"),)] == 1
            assert list(httpx.get(f"{monitor}/healthz").json()["details"]["running"]) == ["DS1"]
            gate.open()
            daemon.says("OK: everything is done")
            next_execution(daemon)
            (harvest.root / "instance.db").rename(tmp_path / "elsewhere.db")
            health = httpx.get(f"{monitor}/healthz")
            shown = samples(monitor)
            (tmp_path / "elsewhere.db").rename(harvest.root / "instance.db")
            again = httpx.get(f"{monitor}/healthz")
            assert daemon.stops() == 0
    assert health.status_code == 503
    assert "there is no instance yet" in health.json()["details"]["reasons"][0]
    assert shown["database_up", ()] == 0
    assert shown["runs_total", (("section", "DS1"), ("verdict", "done"))] == 1
    assert again.status_code == 200
