"""The log of a section, as operators read it: whole runs against a real source."""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.model.entities import Entity
from shared.model.master_data import MasterData
from tests.support.faults.faulty_source import answering
from tests.support.instances.full_instance import FullInstance, full_master_data
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance

GOLDEN = Path(__file__).parents[1] / "golden"
LAST_FULL = "the last full one is 0 days old, full-sync-interval is {}"
_MASKS = (
    (r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ", "<time> "),
    (r"\[time: .{5} sec\]", "[<figures>]"),
    (r"http://[^/ ]+/", "<source>/"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{3})?[+-]\d\d:\d\d", "<moment>"),
)


def masked(text: str) -> str:
    """Without times and the source's address, which are never the same."""
    for pattern, instead in _MASKS:
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    return text


def golden(name: str, text: str) -> str:
    """What a log is to be. After a change that is meant, run once with WRITE_GOLDEN=1 and read
    what has changed."""
    if os.environ.get("WRITE_GOLDEN"):
        (GOLDEN / name).write_text(text)
    return (GOLDEN / name).read_text()


def lines_of(text: str) -> list[str]:
    """The messages alone."""
    return [line[30:] for line in text.splitlines()]


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def next_day(source: Instance, full_instance: FullInstance) -> None:
    """A bit of everything changes."""
    source.delete(full_instance.child, full_instance.link)
    source.load(
        with_other_label(full_master_data()),
        replace(full_instance.brew, description=None, properties={"$NAME": "Brew"}, connections=()),
        replace(full_instance.flour, properties={"NOTES": "coarse"}),
        replace(
            full_instance.raw,
            files=(source.put_file(full_instance.raw.code, "original/new.txt", b"new"),),
        ),
    )


def with_other_label(master_data: MasterData) -> MasterData:
    vocabularies = tuple(
        replace(v, terms=tuple(replace(t, label="Oil") if t.code == "OIL" else t for t in v.terms))
        for v in master_data.vocabularies
    )
    return replace(master_data, vocabularies=vocabularies)


def test_the_log_of_a_first_run(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        assert either.execute().exit_code == 0
    assert masked(either.log()) == golden("first_run.log", masked(either.log()))
    assert full_instance.everything


def test_the_verbose_log_of_a_second_run(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    keys = {"deletion_allowed": "true", "master_data_update_allowed": "true"}
    with source.served() as url:
        either.section("DS1", url, **keys)
        either.init()
        assert either.execute().exit_code == 0
        first = len(either.log())
        next_day(source, full_instance)
        either.section("DS1", url, verbose="true", **keys)
        assert either.execute().exit_code == 0
    second = masked(either.log()[first:])
    assert second == golden("verbose_second_run.log", second)


@pytest.mark.parametrize(
    ("keys", "mode", "kind"),
    [
        ({"dry_run": "true"}, "dry run only", "Incremental synchronization: full-sync is false"),
        (
            {"full_sync": "true", "full_sync_interval": "0"},
            "dry run first, then the same in earnest",
            "Full synchronization, which also looks after the files that are here: "
            + LAST_FULL.format(0),
        ),
        (
            {"full_sync": "true"},
            "dry run first, then the same in earnest",
            "Incremental synchronization: " + LAST_FULL.format(14),
        ),
    ],
)
def test_the_banner_says_what_is_done_and_why(
    source: Instance,
    full_instance: FullInstance,
    harvest: Harvest,
    keys: dict[str, str],
    mode: str,
    kind: str,
) -> None:
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.init()
        harvest.execute()
        first = len(harvest.log())
        harvest.section("DS1", url, **keys)
        harvest.execute()
    lines = lines_of(harvest.log()[first:])
    assert f"Mode: {mode}" in lines
    assert kind in lines
    stamp = next(line for line in lines if line.startswith("Last incremental"))
    assert re.fullmatch(r"Last incremental synchronization: \d{4}-.*[+-]\d\d:\d\d", stamp)
    assert full_instance.everything


def test_a_json_log_has_an_object_per_line_that_knows_where_it_belongs(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with source.served() as url:
        harvest.section("DS1", url, log_format="json", verbose="true")
        harvest.init()
        report = harvest.execute()
    told = records(harvest.log())
    assert {record["section"] for record in told} == {"DS1"}
    assert {record["level"] for record in told} == {"INFO"}
    assert {record.get("run") for record in told} == {report.run}
    assert {record.get("pass") for record in told} == {None, "dry run", "real"}
    events = {record["event"] for record in told}
    assert events >= {"banner", "list", "pass", "step", "progress", "summary", "items", "item"}
    summaries = [
        record
        for record in told
        if record["event"] == "summary" and record["step"] == "Register data sets"
    ]
    assert [record["pass"] for record in summaries] == ["dry run", "real"]
    assert summaries[0]["counts"] == [
        {
            "kind": "DATA_SET",
            "verb": "created",
            "number": 4,
            "of_which": {"CONTAINER": 1, "LINK": 1, "PHYSICAL": 2},
        }
    ]
    assert told[0]["user"] == "harvest"
    samples = [
        record["message"]
        for record in told
        if record.get("kind") == "SAMPLE" and record["event"] == "item"
    ]
    assert f"/ALPHA/KITCHEN/{full_instance.brew.code}" in samples


def test_a_failure_is_one_json_object_with_its_step_and_its_traceback(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with source.served(answering(403)) as url:
        harvest.section("DS1", url, log_format="json")
        harvest.init()
        assert harvest.execute().exit_code == 4
    (failure,) = (record for record in records(harvest.log()) if record["level"] == "ERROR")
    assert failure["step"] == "Read the resource list"
    assert failure["exception"].startswith("Traceback (most recent call last):\n")
    assert "SourceRefusedError" in failure["exception"]
    assert full_instance.everything


def test_a_failure_in_a_text_log_says_which_step_was_broken_off(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with source.served(answering(403)) as url:
        harvest.section("DS1", url)
        harvest.init()
        harvest.execute()
    text = masked(harvest.log())
    assert "<time> INFO  [Read the resource list] [<figures>] broken off\n" in text
    assert "<time> ERROR The synchronization was aborted\n    Traceback" in text
    assert full_instance.everything


def test_names_with_line_breaks_stay_in_their_line(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    forged = "x.txt\n2026-01-01 00:00:00,000 INFO  OK: everything is done"
    source.load(with_file(source, full_instance.of_well, f"original/{forged}"))
    with source.served() as url:
        harvest.section("DS1", url, verbose="true")
        harvest.init()
        harvest.execute()
    shown = [line for line in harvest.log().splitlines() if "x.txt" in line]
    assert shown
    assert all(r"x.txt\n2026-01-01" in line for line in shown)
    assert not any(line.startswith("2026-01-01") for line in harvest.log().splitlines())


def with_file(source: Instance, data_set: Entity, path: str) -> Entity:
    return replace(data_set, files=(source.put_file(data_set.code, path, b"content"),))


def test_the_log_of_yesterday_is_put_aside_and_an_old_one_removed(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    log = harvest.root / "synchronization_DS1.log"
    with source.served() as url:
        harvest.section("DS1", url, log_retention_days="30")
        harvest.init()
        harvest.execute()
        first = harvest.log()
        yesterday = time.time() - 86_400
        os.utime(log, (yesterday, yesterday))
        old = log.with_name(f"{log.name}.2019-04-01_10-11-12")
        old.write_text("of the original harvester")
        harvest.execute()
    day = time.strftime("%Y-%m-%d", time.localtime(yesterday))
    assert log.with_name(f"{log.name}.{day}").read_text() == first
    assert "Initial synchronization" not in harvest.log()
    assert not old.exists()
    assert full_instance.everything


@contextmanager
def everything_else() -> Iterator[list[str]]:
    """What the program logs outside the logs of sections."""
    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        yield told
    finally:
        logging.getLogger().removeHandler(handler)


def test_a_section_s_log_is_nowhere_else(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with source.served() as url, everything_else() as told:
        harvest.section("DS1", url, verbose="true")
        harvest.section("DS2", url, translate_using_data_source_alias="true")
        harvest.init()
        assert harvest.execute("DS1").exit_code == 0
        assert harvest.execute("DS2").exit_code == 0
    assert "SAMPLE-4" in harvest.log("DS1")
    assert "DS2" not in harvest.log("DS1")
    naming = [line for line in harvest.log("DS2").splitlines() if "DS1" in line]
    assert all("belong to DS1, not to this section" in line for line in naming)
    assert not [text for text in told if "SAMPLE-4" in text or "monitoring started" in text]
    assert full_instance.everything


def test_sections_that_share_a_log_write_one_after_the_other(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with source.served() as url:
        for name in ("DS1", "DS2"):
            harvest.section(name, url, log_file="all.log", translate_using_data_source_alias="true")
        harvest.init()
        assert harvest.execute("DS1").exit_code == 0
        assert harvest.execute("DS2").exit_code == 0
    lines = lines_of((harvest.root / "all.log").read_text())
    assert lines.count("The timestamp of this synchronization has been saved") == 2
    assert full_instance.everything
