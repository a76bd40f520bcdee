"""A data set that changes what it consists of: files, other data sets."""

from __future__ import annotations

from dataclasses import replace

from shared.model.kinds import DataSetKind
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance


def test_a_data_set_that_is_physical_no_longer_loses_its_files_when_the_operator_says_so(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="true")
        either.init()
        assert either.run().code == 0
        held = either.instance.store.data_set_folder(full_instance.raw.code)
        assert held.is_dir()
        changed = replace(full_instance.raw, data_set_kind=DataSetKind.CONTAINER, files=())
        source.load(changed)
        assert either.run().code == 8
        assert held.is_dir()
        assert either.run("--allow-deletions").code == 0
        either.agrees()
        assert not held.exists()
        trash = either.instance.store.root / "trash"
        assert len([path for path in trash.rglob("*") if path.is_file()]) == 2
        source.load(full_instance.raw)
        either.converges()
    assert held.is_dir()
