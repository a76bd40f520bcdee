"""The daemon as a process: when it harvests, what it survives, what it tells."""

from __future__ import annotations

import json
import re
import signal
import socket
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.processes.daemons import next_execution, served
from tests.support.processes.programs import PATIENCE, Gate, Switch, started

# A schedule that comes up while no test is at work.
NEW_YEAR = "run-schedule = cron: 0 0 0 1 1 *"


def runs(harvest: Harvest, section: str = "DS1") -> list[str]:
    rows = harvest.instance.rows(f"SELECT verdict FROM run WHERE section = '{section}' ORDER BY id")  # noqa: S608
    return [str(verdict) for (verdict,) in rows]


def test_the_daemon_harvests_at_once_and_then_at_every_interval(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    with served(source, either, "interval = 1 s"), started(either, "daemon") as daemon:
        daemon.says("[DS1] done:")
        daemon.says("[DS1] OK: everything is done")
        daemon.says("execution ended with code 0")
        daemon.says("[DS1] OK: nothing to do")
        daemon.says("[DS1] OK: nothing to do")
        assert daemon.stops() == 0
        assert "the daemon ends: told to stop by SIGTERM" in daemon.output
        either.agrees()
    assert either.instance.entities().keys() >= {
        (e.kind, e.perm_id) for e in full_instance.everything
    }


def test_between_two_runs_a_signal_ends_the_daemon_at_once(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with served(source, harvest, "interval = 1 d"), started(harvest, "daemon") as daemon:
        daemon.says("execution ended")
        soon = next_execution(daemon)
        status = json.loads(harvest.command("status", "--json").output)
        assert status[0]["next_run"] is not None
        assert daemon.stops() == 0
        status = json.loads(harvest.command("status", "--json").output)
        assert status[0]["next_run"] is None
    assert runs(harvest) == ["done"]
    assert soon > datetime.now()  # noqa: DTZ005 - the log is in local time
    assert full_instance.everything


def test_an_execution_that_was_missed_is_made_up_for_once(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    """The machine was off at New Year; the file is as the original writes it."""
    file = harvest.root / "next-run.txt"
    with served(source, harvest, NEW_YEAR, "run-schedule-file = next-run.txt"):
        with started(harvest, "daemon") as daemon:
            assert next_execution(daemon).month == 1
            assert daemon.stops() == 0
        expected = file.read_text()
        assert re.fullmatch(r"\d{4}-01-01 00:00:00\n", expected)
        file.write_text("2024-01-01 00:00:00")
        with started(harvest, "daemon") as daemon:
            daemon.says("was missed: it is made up for now")
            daemon.says("[DS1] OK: everything is done")
            assert f"{next_execution(daemon)}\n" == expected
            assert daemon.stops() == 0
        assert file.read_text() == expected
        with started(harvest, "daemon") as daemon:
            assert f"{next_execution(daemon)}\n" == expected
            assert daemon.stops() == 0
    assert runs(harvest) == ["done"]
    assert full_instance.everything


def test_a_missed_execution_that_was_stopped_is_made_up_for_by_the_next_daemon(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    harvest.init()
    harvest.add_properties(NEW_YEAR)
    gate = Gate(f"/datastore_server/{full_instance.of_well.code}")
    (harvest.root / "data").mkdir()
    (harvest.root / "data" / "next-run.txt").write_text("2024-01-01 00:00:00\n")
    with source.served(gate) as url:
        harvest.section("DS1", url)
        with started(harvest, "daemon") as daemon:
            gate.wait()
            daemon.tell(signal.SIGTERM)
            daemon.says("what is at hand is finished")
            gate.open()
            assert daemon.ends() == 0
        with started(harvest, "daemon") as daemon:
            daemon.says("was missed")
            daemon.says("OK:")
            next_execution(daemon)
            assert daemon.stops() == 0
    assert runs(harvest) == ["stopped", "done"]


def test_a_file_of_the_next_date_that_holds_something_else_counts_as_none(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    (harvest.root / "next").write_text("soon")
    with (
        served(source, harvest, NEW_YEAR, "run-schedule-file = next"),
        started(harvest, "daemon") as daemon,
    ):
        daemon.says("'soon' is no date")
        assert next_execution(daemon).month == 1
        assert daemon.stops() == 0
    assert runs(harvest) == []
    assert full_instance.everything


@pytest.mark.parametrize(("deletions", "code"), [("true", 0), ("false", 0)])
def test_one_execution_is_all_if_that_is_wanted(
    source: Instance, full_instance: FullInstance, harvest: Harvest, deletions: str, code: int
) -> None:
    with (
        served(source, harvest, "execute-only-once = true", deletion_allowed=deletions),
        started(harvest, "daemon") as daemon,
    ):
        assert daemon.ends() == code, daemon.output
    assert runs(harvest) == ["done"]
    assert full_instance.everything


def test_a_single_execution_that_fails_gives_its_code(harvest: Harvest) -> None:
    harvest.init()
    harvest.add_properties("execute-only-once = true", "retry-intervals-after-failure = 1 h")
    harvest.section("DS1", "http://127.0.0.1:9", retry_pauses="1 ms")
    with started(harvest, "daemon") as daemon:
        assert daemon.ends() == 3, daemon.output


def test_sections_that_were_out_of_reach_are_tried_again_alone(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    harvest.init()
    harvest.add_properties("retry-intervals-after-failure = 1 s, 1 s, 1 h")
    switch = Switch()
    with source.served() as good, source.served(switch) as bad:
        harvest.section("GOOD", good)
        harvest.section("BAD", bad, retry_pauses="1 ms", translate_using_data_source_alias="true")
        harvest.section("REFUSED", good, data_source_auth_pass="wrong")
        with started(harvest, "daemon") as daemon:
            daemon.says("execution ended with code")
            daemon.says("next execution", "(BAD)")
            daemon.says("[BAD] FAILED")
            switch.on = True
            daemon.says("next execution", "(BAD)")
            daemon.says("[BAD] OK")
            daemon.says("next execution", "(all sections)")
            assert daemon.stops() == 0
    assert runs(harvest, "BAD") == ["unreachable", "unreachable", "done"]
    assert runs(harvest, "GOOD") == ["done"]
    assert runs(harvest, "REFUSED") == ["refused"]
    assert switch.refused
    assert full_instance.everything


def test_when_the_retries_are_used_up_the_regular_execution_is_waited_for(
    harvest: Harvest,
) -> None:
    harvest.init()
    harvest.add_properties("retry-intervals-after-failure = 1 s")
    harvest.section("DS1", "http://127.0.0.1:9", retry_pauses="1 ms")
    with started(harvest, "daemon") as daemon:
        daemon.says("next execution", "(DS1)")
        daemon.says("next execution", "(all sections)")
        assert daemon.stops() == 0
    assert runs(harvest) == ["unreachable"] * 2


def test_the_log_of_the_daemon_can_be_lines_of_json(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with (
        served(source, harvest, "log-format = json", "execute-only-once = true"),
        started(harvest, "daemon") as daemon,
    ):
        assert daemon.ends() == 0
    records = [json.loads(line) for line in daemon.lines]
    (ended,) = (record for record in records if record["event"] == "section ended")
    assert (ended["section"], ended["run"], ended["verdict"]) == ("DS1", 1, "done")
    assert ended["message"].startswith("OK: everything is done")
    assert full_instance.everything


def test_systemd_is_told_when_the_daemon_is_ready_and_when_it_ends(
    source: Instance,
    full_instance: FullInstance,
    harvest: Harvest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with served(source, harvest), started(harvest, "daemon") as daemon:
            daemon.says("OK: everything is done")
            next_execution(daemon)
            assert daemon.stops() == 0
        told: list[str] = []
        while "STOPPING=1" not in told:
            told.append(channel.recv(4096).decode())
    assert told[0] == "READY=1"
    assert "STATUS=harvesting" in told
    assert any(one.startswith("STATUS=next execution at") for one in told)
    assert full_instance.everything
