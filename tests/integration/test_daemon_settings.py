"""Settings of a daemon at work: wrong ones, and such that change."""

from __future__ import annotations

import pytest

from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.processes.daemons import next_execution, served
from tests.support.processes.programs import Gate, started


def test_a_fault_in_the_files_is_told_each_time_and_never_ends_the_daemon(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with served(source, harvest, "interval = 1 s"), started(harvest, "daemon") as daemon:
        daemon.says("[DS1] OK")
        properties = harvest.root / "harvester.properties"
        right = properties.read_text()
        properties.write_text(f"{right}\nintervall = 5 s\n")
        for _ in range(2):
            daemon.says("this execution could not begin", "intervall", "interval?")
            daemon.says("execution ended with code 2")
        properties.write_text(right)
        config = harvest.root / "harvester-config.txt"
        sections = config.read_text()
        config.write_text(f"{sections}\n[DS2]\nresource-list-url = http://nowhere\n")
        daemon.says("[DS2]", "harvester-user")
        daemon.says("[DS1] OK: nothing to do")
        daemon.says("execution ended with code 2")
        config.write_text(sections)
        daemon.says("execution ended with code 0")
        assert daemon.stops() == 0
    assert full_instance.everything


def test_a_changed_interval_takes_effect_with_the_next_execution(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    gate = Gate("/datastore_server/re-sync")
    harvest.init()
    with source.served(gate) as url:
        harvest.section("DS1", url)
        with started(harvest, "daemon") as daemon:
            gate.wait()
            harvest.add_properties("interval = 1 s")
            harvest._write()
            gate.open()
            daemon.says("OK: everything is done")
            assert daemon.stops() == 0
        with started(harvest, "daemon") as daemon:
            daemon.says("OK")
            daemon.says("OK")
            harvest.add_properties("run-schedule = cron: 0 0 0 1 1 *")
            harvest._write()
            daemon.says("interval: without effect, since there is a run-schedule")
            daemon.says("execution ended")
            assert next_execution(daemon).month == 1
            assert daemon.stops() == 0
    assert full_instance.everything


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("interval = soon", "'soon' is no duration"),
        ("run-schedule = cron: 0 0 25 * * *", "'25' is no hour"),
        ("monitor-address = 192.0.2.1:9090", "cannot listen there"),
        ("harvester-config-file = nowhere.txt", "nowhere.txt"),
    ],
)
def test_a_daemon_does_not_start_with_wrong_settings(
    harvest: Harvest, line: str, told: str
) -> None:
    harvest.init()
    key = line.partition(" ")[0]
    harvest._properties = [one for one in harvest._properties if not one.startswith(key)]
    harvest.add_properties(line)
    harvest.section("DS1", "http://127.0.0.1:9")
    with started(harvest, "daemon") as daemon:
        assert daemon.ends() == 2
    assert told in daemon.output
    assert harvest.instance.rows("SELECT id FROM run") == []


def test_a_daemon_does_not_start_if_no_section_can_run(harvest: Harvest) -> None:
    harvest.init()
    harvest.section("DS1", "no url")
    with started(harvest, "daemon") as daemon:
        assert daemon.ends() == 2
    assert "resource-list-url" in daemon.output


def test_a_database_that_is_not_there_yet_is_waited_for(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.add_properties("interval = 1 s")
        harvest._write()
        with started(harvest, "daemon") as daemon:
            daemon.says("this execution could not begin", "there is no instance yet")
            harvest.init()
            daemon.says("[DS1] OK: everything is done")
            assert daemon.stops() == 0
    assert full_instance.everything
