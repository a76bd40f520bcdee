"""A destination that begins with the data store folder of an original harvester."""

from __future__ import annotations

import shutil

from tests.support.faults.faulty_source import answering
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance

_UUID = "ABCDEF01-2345-6789-ABCD-EF0123456789"


def test_files_that_an_original_harvester_brought_are_not_fetched_again(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    harvest.section("DS1", "http://127.0.0.1:9")
    share = harvest.root / "store" / "1"
    (old,) = (path for path in (source.store.root / "1").iterdir() if path.is_dir())
    shutil.copytree(old, share / _UUID)
    assert harvest.command("init").code == 0
    assert harvest.instance.store.uuid == _UUID
    with source.served(answering(404, "/datastore_server/2")) as url:  # no data set is given out
        harvest.section("DS1", url)
        harvest.converges()
    assert harvest.instance.bytes_held() == source.bytes_held()
    assert full_instance.raw.files


def test_two_data_stores_in_one_folder_are_told_apart_by_the_operator(harvest: Harvest) -> None:
    harvest.section("DS1", "http://127.0.0.1:9")
    for share, uuid in (("1", _UUID), ("2", _UUID.replace("A", "B"))):
        (harvest.root / "store" / share / uuid).mkdir(parents=True)
    result = harvest.command("init")
    assert result.code == 2
    assert "holds the data sets of several data stores" in result.output
    assert _UUID in result.output


def test_an_instance_that_is_there_keeps_its_own_data_store(harvest: Harvest) -> None:
    harvest.section("DS1", "http://127.0.0.1:9")
    assert harvest.command("init").code == 0
    before = harvest.instance.store.uuid
    (harvest.root / "store" / "1" / _UUID).mkdir(parents=True)
    assert harvest.command("init").code == 0
    assert harvest.instance.store.uuid == before
