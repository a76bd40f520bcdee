"""The laws of the trash: what was deleted comes back as it was, with its files, and stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.properties.worlds import World, become, worlds
from tests.support.instances.files_and_rows import in_trash, mismatches
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.worlds.losing_source import deletion_numbers

NOTHING = World(entities=())


@pytest.fixture(params=["sqlite", "postgresql"])
def harvest(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harvest]:
    on_postgres = request.param == "postgresql"
    database = request.getfixturevalue("postgres_store_url") if on_postgres else None
    harvest = Harvest(tmp_path / "destination", database_url=database)
    harvest.init()
    yield harvest
    harvest.instance.engine.dispose()


def harvested(harvest: Harvest, url: str) -> None:
    harvest.start_anew()
    harvest.section("DS1", url, deletion_allowed="true")
    assert harvest.run().code == 0


@settings(max_examples=5, suppress_health_check=list(HealthCheck), derandomize=True)
@given(world=worlds())
def test_after_everything_was_deleted_and_restored_all_is_as_before(
    source: Instance, url: str, harvest: Harvest, *, world: World
) -> None:
    become(source, world)
    harvested(harvest, url)
    before, contents = harvest.instance.tables(), harvest.instance.bytes_held()
    become(source, NOTHING)
    assert harvest.run("--allow-deletions").code == 0
    assert harvest.instance.entities() == {}
    assert mismatches(harvest.instance) == []
    for number in deletion_numbers(harvest):
        assert harvest.command("trash", "restore", str(number)).code == 0
    assert harvest.instance.tables() == before
    assert harvest.instance.bytes_held() == contents
    assert in_trash(harvest.instance) == {}
    harvest.converges()
    assert harvest.instance.tables() == before


@settings(max_examples=8, suppress_health_check=list(HealthCheck), derandomize=True)
@given(first=worlds(), second=worlds())
def test_whatever_the_source_did_since_what_can_come_back_stays_and_nothing_is_harmed(
    source: Instance, url: str, harvest: Harvest, *, first: World, second: World
) -> None:
    become(source, first)
    harvested(harvest, url)
    become(source, second)
    assert harvest.run("--allow-deletions").code == 0
    listed = harvest.instance.entities()
    parts = False
    for number in deletion_numbers(harvest):
        result = harvest.command("trash", "restore", str(number))
        parts |= "restored contents stay" in result.output
        assert result.code in {0, 7}, result.output
        assert (result.code == 7) == ("not restored:" in result.output)
    assert mismatches(harvest.instance) == []
    if parts:  # what is listed has again what an update had taken from it, and keeps it
        contents = harvest.instance.bytes_held()
        assert harvest.run().code == 8
        assert harvest.instance.bytes_held() == contents
        assert mismatches(harvest.instance) == []
        return
    assert listed.items() <= harvest.instance.entities().items()
    after = harvest.instance.tables()
    harvest.converges()
    assert harvest.instance.tables() == after
    for number in deletion_numbers(harvest):
        assert harvest.command("trash", "purge", str(number)).code == 0
    assert in_trash(harvest.instance) == {}
    assert mismatches(harvest.instance) == []
    assert harvest.instance.tables() == after
