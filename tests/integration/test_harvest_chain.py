"""A harvested instance is an instance: it can be published and harvested again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harvester.openbis.names import Names
from shared.model.entities import Entity, ServiceFile
from shared.model.kinds import Kind
from shared.model.master_data import MasterData
from shared.resourcesync.reader import read_resource_list
from shared.resourcesync.v20.version import V20
from tests.support.instances.full_instance import FullInstance, full_master_data
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import PROJECT, Instance

EXAMPLE = PROJECT / "tests" / "golden" / "whole_list.xml"
EXAMPLE_FILES = {
    "original/run/hello.txt": b"hello world",
    "original/run/digits 1.txt": b"123456789",
}


@pytest.fixture
def last(tmp_path: Path) -> Iterator[Harvest]:
    """The harvester at the end of the chain."""
    harvest = Harvest(tmp_path / "last")
    yield harvest
    harvest.instance.engine.dispose()


@pytest.mark.parametrize("prefix", ["", "DS1_"])
def test_what_comes_through_two_harvesters_is_what_the_source_has(
    source: Instance, full_instance: FullInstance, either: Harvest, last: Harvest, prefix: str
) -> None:
    names = Names.of(full_master_data(), prefix or None)
    keys = {"deletion_allowed": "true", "master_data_update_allowed": "true"}
    with source.served() as url:
        either.section("DS1", url, translate_using_data_source_alias=str(bool(prefix)), **keys)
        either.init()
        either.converges()
        either.instance.add_user()
        with either.instance.served() as middle:
            last.section("DS2", middle, **keys)
            last.init()
            last.converges()
            check_same(source, last, names)
            # what changes at the beginning arrives at the end
            source.load(replace(full_instance.child, properties={"NOTES": "changed"}))
            source.delete(full_instance.container, full_instance.link)
            source.drop_attachments(full_instance.project)
            either.converges()
            last.converges()
            check_same(source, last, names)
            assert either.run().output.count(": nothing to do") == 3
            assert last.run().output.count(": nothing to do") == 3


def check_same(source: Instance, last: Harvest, names: Names) -> None:
    translated = [names.translate_entity(entity) for entity in source.entities().values()]
    assert last.instance.entities() == {(e.kind, e.perm_id): e for e in translated}
    assert last.instance.bytes_held().items() <= source.bytes_held().items()
    assert len(last.instance.codes(Kind.DATA_SET)) > 0
    ordinary = names.translate_master_data(full_master_data())
    stored = last.instance.master_data()
    assert {t.code for t in stored.entity_types} == {t.code for t in ordinary.entity_types}
    assert {p.name: p.script for p in stored.plugins} == {
        p.name: p.script for p in ordinary.plugins
    }
    assert stored.external_dms == ordinary.external_dms
    assert stored.type_groups == ordinary.type_groups
    assert {p.code: (p.multi_value, p.meta_data) for p in ordinary.property_types}.items() <= {
        p.code: (p.multi_value, p.meta_data) for p in stored.property_types
    }.items()


def test_the_example_of_a_whole_list_is_harvested_without_loss(
    source: Instance, either: Harvest
) -> None:
    with EXAMPLE.open("rb") as file:
        items = list(read_resource_list(iter(lambda: file.read(4096), b""), V20))
    source.load(*(i for i in items if isinstance(i, MasterData | Entity | ServiceFile)))
    source.add_user()
    for path, content in EXAMPLE_FILES.items():
        source.put_file("20240203120500001-21", path, content)
    with source.served() as url:
        either.section("DS1", url, verbose="true")
        assert either.command("init", "--internal-master-data", str(EXAMPLE)).code == 0
        either.converges()
        assert either.run().output.count(": nothing to do") == 3
    assert either.instance.entities() == source.entities()
    stored, published = either.instance.master_data(), source.master_data()
    assert stored.entity_types == published.entity_types
    assert set(published.property_types) <= set(stored.property_types)
