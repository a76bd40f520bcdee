"""Large files of our own source server, and runs that end before their end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from harvester.execution.one_section import execute_section
from harvester.runs.destination import Destination
from harvester.runs.job import RunOptions
from harvester.runs.report import Verb
from harvester.runs.section_report import SectionReport
from harvester.runs.stopping import StopRequest
from harvester.settings.chosen import choose
from shared.errors import StoppedError
from shared.model.kinds import Kind
from shared.store.engine import open_store
from tests.support.instances.builders import (
    a_data_set,
    a_project,
    a_space,
    an_experiment,
    perm_id,
    some_master_data,
)
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance

LARGE = hashlib.shake_128(b"large").digest(3_000_000)
FILES = "/datastore_server/2"


@dataclass(slots=True)
class Wire:
    """Stands before a source server: breaks off answers with files after so many bytes, and notes
    what was sent. ``on_file`` is called for each of them."""

    cuts: list[int] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    sent: int = 0
    on_file: Callable[[], None] = lambda: None

    def around(self, app: Any) -> Any:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http" or not scope["path"].startswith(FILES):
                await app(scope, receive, send)
                return
            self.on_file()
            self.ranges.append(dict(scope["headers"]).get(b"range", b"").decode())
            left = self.cuts.pop(0) if self.cuts else 1 << 60

            async def cutting(message: Any) -> None:
                nonlocal left
                body = message.get("body", b"")
                if len(body) > left:
                    await send({**message, "body": body[:left], "more_body": True})
                    self.sent += left
                    raise OSError("the connection is cut")
                left -= len(body)
                self.sent += len(body)
                await send(message)

            await app(scope, receive, cutting)

        return application


def publish(source: Instance, *contents: bytes) -> None:
    """Data sets with a file each."""
    data_sets = [
        a_data_set(
            number,
            experiment="/ALPHA/KITCHEN/EXPERIMENT-3",
            files=(source.put_file(perm_id(number), "original/file", content),),
        )
        for number, content in enumerate(contents, start=50)
    ]
    source.load(some_master_data(), a_space(), a_project(), an_experiment(3), *data_sets)
    source.add_user()


def executed(harvest: Harvest, request: StopRequest | None = None) -> SectionReport:
    chosen = choose(harvest.root / "harvester.properties", None)
    engine = open_store(chosen.settings.database_url.get_secret_value())
    destination = Destination(engine=engine, settings=chosen.settings)
    asked = RunOptions(request=request or StopRequest())
    report = execute_section(chosen.sections[0], destination, asked)
    engine.dispose()
    return report


@pytest.mark.parametrize("cuts", [[1_000_000], [2_999_999], [1_500_000, 1_400_000, 10]])
def test_a_large_file_that_breaks_off_arrives_in_the_same_run_and_crosses_the_wire_once(
    source: Instance, harvest: Harvest, cuts: list[int]
) -> None:
    publish(source, LARGE)
    harvest.init()
    wire = Wire(cuts=list(cuts))
    with source.served(wire.around) as url:
        harvest.section("DS1", url, retry_pauses="0 s, 0 s")
        result = harvest.run()
        assert result.code == 0, result.output
        harvest.agrees()
    assert wire.ranges == ["", *(f"bytes={sum(cuts[:n])}-" for n in range(1, len(cuts) + 1))]
    assert wire.sent == len(LARGE)


def test_a_large_file_goes_on_in_the_next_run(source: Instance, harvest: Harvest) -> None:
    publish(source, LARGE)
    harvest.init()
    wire = Wire(cuts=[2_000_000])
    with source.served(wire.around) as url:
        harvest.section("DS1", url, retry_pauses=",")
        first = executed(harvest)
        assert len(first.failed) == 1
        harvest.converges()
    assert wire.ranges == ["", "bytes=2000000-"]
    assert wire.sent == len(LARGE)
    assert list((harvest.root / "store").glob("temp/*~partial")) == []


def test_a_file_that_changed_between_two_runs_is_fetched_anew(
    source: Instance, harvest: Harvest
) -> None:
    publish(source, LARGE)
    harvest.init()
    wire = Wire(cuts=[2_000_000])
    with source.served(wire.around) as url:
        harvest.section("DS1", url, retry_pauses=",")
        assert len(executed(harvest).failed) == 1
        other = LARGE[::-1]
        changed = source.put_file(perm_id(50), "original/file", other)
        source.delete(a_data_set(50))
        source.execute(f"DELETE FROM data_set_file WHERE code = '{perm_id(50)}'")  # noqa: S608
        source.load(
            a_data_set(50, experiment="/ALPHA/KITCHEN/EXPERIMENT-3", files=(changed,)),
        )
        harvest.converges()
    assert wire.ranges == ["", ""]


def test_a_run_that_is_told_to_stop_commits_what_has_come_and_the_next_one_goes_on(
    source: Instance, harvest: Harvest
) -> None:
    publish(source, *(b"content %d" % number for number in range(8)))
    harvest.init()
    request = StopRequest()
    wire = Wire()
    wire.on_file = lambda: request.set("told to stop") if len(wire.ranges) == 2 else None
    with source.served(wire.around) as url:
        harvest.section("DS1", url, max_threads="1")
        report = executed(harvest, request)
        assert isinstance(report.error, StoppedError)
        assert report.exit_code == 10
        assert not report.failed
        assert len(harvest.instance.codes(Kind.DATA_SET)) == 3
        harvest.converges()
    assert len(wire.ranges) == 8


def test_a_run_that_ends_in_the_middle_of_the_real_pass_reports_all_that_was_done_before(
    source: Instance, harvest: Harvest
) -> None:
    publish(source, b"one", b"another", b"a third")
    harvest.init()
    request = StopRequest()
    wire = Wire()
    wire.on_file = lambda: request.set("told to stop")
    with source.served(wire.around) as url:
        harvest.section("DS1", url, max_threads="1")
        report = executed(harvest, request)
    assert isinstance(report.error, StoppedError)
    assert report.metadata
    rehearsed, real = report.passes
    assert list(rehearsed.steps)[: len(real.steps)] == list(real.steps)
    assert rehearsed.number(Verb.CREATED) > real.number(Verb.CREATED) > 0
    remembered = json.loads(harvest.command("show", str(report.run), "--json").output)
    assert remembered["records"] == report.metadata.entities
    assert {(c["kind"], c["action"]): c["number"] for c in remembered["counts"]} == real.counts


def test_data_sets_arrive_over_several_runs_if_a_run_may_fetch_only_so_much(
    source: Instance, harvest: Harvest
) -> None:
    publish(source, *(bytes(1000) + b"%d" % number for number in range(5)))
    harvest.init()
    with source.served() as url:
        harvest.section("DS1", url, max_threads="1", max_transfer="2000")
        reports = [executed(harvest) for _ in range(4)]
    assert [bool(report.harvested.unfinished) for report in reports] == [True, True, False, False]
    assert [report.transferred for report in reports] == [2002, 2002, 1001, 0]
    assert [len(report.failed) for report in reports] == [0] * 4


def test_a_run_through_a_narrow_line_brings_everything(source: Instance, harvest: Harvest) -> None:
    publish(source, LARGE[:300_000], b"small")
    harvest.init()
    with source.served() as url:
        harvest.section("DS1", url, bandwidth_limit="00:00,1M", max_connections_per_source="1")
        harvest.converges()


def test_warnings_of_retries_stand_in_the_log_of_the_section(
    source: Instance, harvest: Harvest
) -> None:
    publish(source, LARGE)
    harvest.init()
    with source.served(Wire(cuts=[1000]).around) as url:
        harvest.section("DS1", url, retry_pauses="0 s")
        assert harvest.run().code == 0
    assert "trying again in 0 seconds" in harvest.log()
