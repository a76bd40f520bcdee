"""The laws of a sync: whatever a source does between two runs, the next one brings it all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harvester.runs.report import PassReport
from harvester.runs.section_report import SectionReport
from tests.properties.worlds import World, become, worlds
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance

DESTINATIONS = ("sqlite", "postgresql")


@pytest.fixture(params=DESTINATIONS)
def harvest(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harvest]:
    on_postgres = request.param == "postgresql"
    database = request.getfixturevalue("postgres_store_url") if on_postgres else None
    harvest = Harvest(tmp_path / "destination", database_url=database)
    harvest.init()
    yield harvest
    harvest.instance.engine.dispose()


flags = st.fixed_dictionaries(
    {
        "translate_using_data_source_alias": st.sampled_from(("true", "false")),
        "keep_original_timestamps_and_users": st.sampled_from(("true", "true", "false")),
        "keep_original_frozen_flags": st.sampled_from(("true", "true", "false")),
        "verbose": st.sampled_from(("true", "false")),
    }
)


@settings(max_examples=5, suppress_health_check=list(HealthCheck), derandomize=True)
@given(first=worlds(), second=worlds(), keys=flags)
def test_one_run_brings_all_that_changed_and_is_foretold_by_its_rehearsal(
    source: Instance,
    url: str,
    harvest: Harvest,
    *,
    first: World,
    second: World,
    keys: dict[str, str],
) -> None:
    harvest.start_anew()
    harvest.section("DS1", url, deletion_allowed="true", **keys)
    for world in (first, second):
        become(source, world)
        before, files = harvest.instance.content(), files_in(harvest)
        rehearsed = harvest.run("--dry-run", "--allow-deletions")
        assert rehearsed.code == 0, rehearsed.output
        assert harvest.instance.content() == before
        assert files_in(harvest) == files
        report = harvest.execute()
        assert report.exit_code == 0
        assert foretold(report)
        harvest.agrees()
        check_same(source, harvest, keys)
        after = harvest.instance.content()
        again = harvest.execute()
        assert [one.changes for one in again.passes] == [0, 0]
        assert harvest.instance.content() == after


def files_in(harvest: Harvest) -> set[str]:
    """All files and folders but the log and those of the database."""
    return {
        str(path)
        for path in harvest.root.rglob("*")
        if not path.name.startswith(("synchronization", "instance.db"))
    }


def foretold(report: SectionReport) -> bool:
    rehearsed, real = (summary(one) for one in report.passes)
    assert rehearsed == real
    return True


def summary(one: PassReport) -> dict[str, tuple[object, ...]]:
    return {
        title: (
            outcome.counts,
            Counter(outcome.items),
            [str(error) for error in outcome.failed],
            outcome.remarks,
        )
        for title, outcome in one.steps.items()
    }


def check_same(source: Instance, harvest: Harvest, keys: dict[str, str]) -> None:
    here, there = harvest.instance.entities(), source.entities()
    assert len(here) == len(there)
    originals = [keys[key] for key in keys if key.startswith("keep")]
    if keys["translate_using_data_source_alias"] == "false" and set(originals) == {"true"}:
        assert here == there
    listed = [held for name, held in source.bytes_held().items() if is_listed(source, name)]
    assert sorted(harvest.instance.bytes_held().values()) == sorted(listed)


def is_listed(source: Instance, name: str) -> bool:
    """Contents that nothing mentions any more may lie about at the source."""
    area, _, rest = name.partition("/")
    if area == "attachments":
        digest = rest.rpartition("/")[2]
        return bool(source.rows(f"SELECT 1 FROM attachment WHERE sha256 = '{digest}'"))  # noqa: S608
    if area == "file-service":
        return bool(source.rows("SELECT 1 FROM entity WHERE properties LIKE '%file-service%'"))
    return bool(
        source.rows(f"SELECT 1 FROM data_set_file WHERE code = '{area}' AND path = '{rest}'")  # noqa: S608
    )
