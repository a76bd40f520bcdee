"""What an operator sees of runs, failures and whoever is at work."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from harvester.memory.runs import RunBegin, Verdict, begin_run, find_runs
from shared.store.locks import section_lock
from tests.support.faults.faulty_source import answering, replaced
from tests.support.instances.builders import perm_id
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance

RAW = perm_id(50)


def asked(harvest: Harvest, *arguments: str) -> Any:
    result = harvest.command(*arguments, "--json")
    assert result.code == 0, result.output
    return json.loads(result.output)


def files_of(code: str) -> str:
    return f"/datastore_server/{code}/"


def test_a_run_is_told_afterwards_with_all_it_did(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    either.init()
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="true")
        assert either.run().code == 0
        assert "nothing to do" in either.run().output
        assert either.run("--dry-run").code == 0
    rehearsed, idle, first = asked(either, "runs")
    assert [run["verdict"] for run in (first, idle)] == ["done", "nothing to do"]
    assert [run["mode"] for run in (first, idle, rehearsed)] == ["real", "real", "dry run"]
    assert first["bytes"] > 65536
    assert idle["bytes"] == 0
    created = {one["kind"]: one["number"] for one in first["counts"] if one["action"] == "created"}
    assert created["SAMPLE"] == len([e for e in full_instance.everything if e.kind == "SAMPLE"])
    shown = either.command("show", str(first["run"])).output
    assert re.search(r"process \d+ on ", shown)
    assert "OK: everything is done, source and destination agree" in shown
    table = either.command("runs").output
    assert "nothing to do" in table
    assert "dry run" in table


def test_a_run_that_nobody_knows_is_refused(harvest: Harvest) -> None:
    harvest.init()
    harvest.section("DS1", "http://127.0.0.1:9")
    result = harvest.command("show", "77")
    assert result.code == 2
    assert "there is no run 77; 'harvester runs' lists them" in result.output


def test_the_status_tells_age_lag_and_the_last_run(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    assert full_instance.everything
    either.init()
    with source.served() as url:
        either.section("DS1", url)
        either.section("DS2", "http://127.0.0.1:9", retry_pauses="1 ms")
        (before, _) = asked(either, "status")
        either.run()
    assert before["last_success"] is None
    good, bad = asked(either, "status")
    assert good["last_verdict"] == "done"
    assert 0 <= good["age"] <= good["lag"] < 600
    assert bad["last_verdict"] == "unreachable"
    assert bad["last_success"] is None
    table = either.command("status").output
    assert "unreachable" in table
    assert "DS1" in table


def test_what_fails_again_is_tried_less_often_and_at_once_if_asked(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    assert full_instance.raw.perm_id == RAW
    either.init()
    with source.served(answering(404, files_of(RAW))) as url:
        either.section("DS1", url)
        codes = [either.run().code for _ in range(2)]
        third = either.run()
    assert codes == [7, 7]
    assert third.code == 7
    assert "failed 2 times; not tried again before" in third.output
    (item,) = asked(either, "failed")
    assert (item["kind"], item["perm_id"], item["attempts"]) == ("DATA_SET", RAW, 2)
    with source.served() as url:
        either.section("DS1", url)
        assert either.run().code == 7  # its pause is not over
        assert "1 items will be tried again" in either.command("retry", RAW).output
        assert either.run().code == 0
    assert either.command("failed").output == "nothing failed\n"
    with source.served() as url:
        either.section("DS1", url)
        either.agrees()


def test_only_what_failed_can_be_retried(harvest: Harvest) -> None:
    harvest.init()
    harvest.section("DS1", "http://127.0.0.1:9")
    result = harvest.command("retry", "2024-1")
    assert result.code == 2
    assert "2024-1: did not fail; 'harvester failed' lists what did" in result.output


def test_an_ignored_data_set_stays_away_until_it_is_wanted_again(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    assert full_instance.raw.perm_id == RAW
    harvest.init()
    with source.served() as url:
        harvest.section("DS1", url)
        assert harvest.command("ignore", "DS1", RAW).code == 0
        assert harvest.run().code == 0
        assert RAW not in {perm_id for _, perm_id in harvest.instance.entities()}
        assert f"#DATA_SET-{RAW}" in (harvest.root / "not-synced-entities_DS1.txt").read_text()
        assert harvest.command("ignore", "DS1", RAW, "--undo").code == 0
        assert harvest.run().code == 0
        harvest.agrees()


def test_a_data_set_that_the_operator_names_is_looked_after(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    assert full_instance.raw.perm_id == RAW
    harvest.init()
    with source.served() as url:
        harvest.section("DS1", url)
        assert harvest.run().code == 0
        (lost, *_) = (
            p for p in harvest.instance.store.data_set_folder(RAW).rglob("*") if p.is_file()
        )
        lost.unlink()
        assert harvest.run().code == 0
        assert not lost.exists()
        (harvest.root / "not-synced-entities_DS1.txt").write_text(f"DATA_SET-{RAW}\n")
        assert harvest.run().code == 0
        harvest.agrees()
    assert (harvest.root / "not-synced-entities_DS1.txt").read_text() == ""


@pytest.mark.parametrize(("limit", "code"), [("1", 7), ("0", 5), ("0, 100 %", 7), ("0, 0 %", 5)])
def test_too_many_unreadable_records_end_the_pass(
    source: Instance, full_instance: FullInstance, harvest: Harvest, limit: str, code: int
) -> None:
    assert full_instance.brew
    harvest.init()
    bad_type = replaced('type="A_MATERIAL_TYPE"', 'type="NOBODY"')
    with source.served(bad_type) as url:
        harvest.section("DS1", url, max_failed_records=limit)
        result = harvest.run()
    assert result.code == code, result.output
    if code == 5:
        assert "records of the list cannot be read" in result.output
        assert "max-failed-records" in result.output
        assert harvest.instance.entities() == {}


def test_whoever_comes_second_says_who_is_at_work_and_leaves(either: Harvest) -> None:
    either.init()
    either.section("DS1", "http://127.0.0.1:9")
    with either.instance.engine.connect() as connection, section_lock(connection, "DS1"):
        with connection.begin():
            begin_run(
                connection,
                RunBegin(
                    source="DS1",
                    section="DS1",
                    started=datetime.now(UTC),
                    worker="process 4711 on elsewhere",
                ),
            )
        result = either.run()
        (status,) = asked(either, "status")
    assert result.code == 11
    assert "BUSY: [DS1] process 4711 on elsewhere works on this section since" in result.output
    assert status["at_work"] == "process 4711 on elsewhere"
    with either.instance.engine.connect() as connection:
        assert [run.verdict for run in find_runs(connection)] == [None]


def test_a_killed_run_is_told_by_the_next(either: Harvest) -> None:
    either.init()
    either.section("DS1", "http://127.0.0.1:9", retry_pauses="1 ms")
    with either.instance.engine.begin() as connection:
        begin_run(
            connection,
            RunBegin(
                source="DS1",
                section="DS1",
                started=datetime.now(UTC),
                worker="process 4711 on elsewhere",
            ),
        )
    assert either.run().code == 3
    with either.instance.engine.connect() as connection:
        latest, killed = find_runs(connection)
    assert (latest.verdict, killed.verdict) == (Verdict.UNREACHABLE, Verdict.KILLED)
