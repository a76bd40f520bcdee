"""Data sets that are refused for the names of their files do not hide those that come after."""

from __future__ import annotations

from pathlib import Path

from tests.support.instances.builders import (
    a_data_set,
    a_project,
    a_space,
    an_experiment,
    some_master_data,
)
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance, a_file


def test_a_good_data_set_arrives_after_more_refused_ones_than_fit_into_the_window(
    tmp_path: Path,
) -> None:
    source = Instance.create(tmp_path / "source")
    source.add_user()
    experiment = an_experiment()
    place = {"experiment": experiment.identifier}
    hostile = a_file("../outside", b"x")
    refused = [a_data_set(number, files=(hostile,), **place) for number in range(40, 46)]
    for one in refused:  # their folders are there, so the source knows of nothing that is away
        source.put_file(one.code, "original/inside", b"x")
    code = a_data_set(50).code
    good = a_data_set(50, files=(source.put_file(code, "original/a", b"content"),), **place)
    source.load(some_master_data(), a_space(), a_project(), experiment, *refused, good)
    with source.served() as url:
        harvest = Harvest(tmp_path / "destination")
        harvest.section("DS1", url, max_threads="1")
        harvest.init()
        result = harvest.run()
    assert result.code == 7, result.output
    assert "PARTIAL: 6 items failed" in result.output
    assert harvest.instance.store.data_set_file(code, "original/a").read_bytes() == b"content"
    source.engine.dispose()
    harvest.instance.engine.dispose()
