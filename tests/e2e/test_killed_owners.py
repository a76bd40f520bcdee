"""A harvester that is killed after it has put a data set in place, and before its row is committed;
another section has a data set of the same code and other bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.delicate import UNWRITTEN
from tests.integration.test_owners import ONE, TWO, is_of, publish
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.processes.killed_process import KILLED, Starter

SECTIONS = {"DS1": ONE, "TWO": TWO}


@pytest.fixture(params=["sqlite", "postgresql"])
def harvest(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harvest]:
    on_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres_url") if on_postgres else None
    harvest = Harvest(tmp_path / "destination", database_url=url)
    yield harvest
    harvest.instance.engine.dispose()


@pytest.mark.parametrize("next_one", ["DS1", "TWO"])
def test_what_was_put_in_place_without_a_row_is_of_whoever_comes_next(
    harvest: Harvest, starter: Starter, tmp_path: Path, next_one: str
) -> None:
    sources = [Instance.create(tmp_path / name) for name in ("first", "second")]
    publish(sources[0], ONE, 50)
    publish(sources[1], TWO, 50)
    harvest.init()
    with sources[0].served() as one, sources[1].served() as two:
        harvest.section("DS1", one)
        harvest.section("TWO", two)
        killed = starter.start(harvest, dies_at=UNWRITTEN, command=("run", "--section", "DS1"))
        assert killed.ends() == KILLED, killed.output
        home = harvest.instance.store.data_set_file("20240110090000050-50", "original/f")
        assert home.read_bytes() == ONE + b"50"  # in place
        assert harvest.instance.rows("SELECT 1 FROM entity WHERE kind = 'DATA_SET'") == []
        result = harvest.run("--section", next_one)
        assert result.code == 0, result.output
        assert is_of(harvest, 50, SECTIONS) == next_one
        for _ in range(2):
            assert harvest.run().code == 0
            assert is_of(harvest, 50, SECTIONS) == next_one
    assert harvest.instance.rows("SELECT * FROM arrival") == []
    for source in sources:
        source.engine.dispose()
