"""A data set that changes what it consists of: files, other data sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from shared.model.kinds import DataSetKind
from tests.builders import a_data_set, a_project, a_space, an_experiment, some_master_data
from tests.harvests import Harvest
from tests.instances import Instance


def test_the_files_of_a_data_set_go_when_it_consists_of_files_no_longer(tmp_path: Path) -> None:
    source = Instance.create(tmp_path / "source")
    source.add_user()
    experiment = an_experiment()
    data_set = a_data_set(experiment=experiment.identifier)
    file = source.put_file(data_set.code, "original/a.txt", b"content")
    physical = replace(data_set, files=(file,))
    source.load(some_master_data(), a_space(), a_project(), experiment, physical)
    with source.served() as url:
        harvest = Harvest(tmp_path / "destination")
        harvest.section("DS1", url)
        harvest.init()
        assert harvest.run().code == 0
        place = harvest.instance.store.data_set_folder(data_set.code)
        assert (place / "original" / "a.txt").read_bytes() == b"content"
        source.load(replace(data_set, data_set_kind=DataSetKind.CONTAINER))
        result = harvest.run()
        assert result.code == 0, result.output
        assert not place.exists()
        harvest.agrees()
    source.engine.dispose()
    harvest.instance.engine.dispose()
