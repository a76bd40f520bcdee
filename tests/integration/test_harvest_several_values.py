"""Several values of a property go through harvests, chains and the trash as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harvester.openbis.names import Names
from shared.model.entities import Entity
from shared.model.properties import PropertyValue
from tests.support.instances.full_instance import FullInstance, full_master_data
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.worlds.losing_source import deletion_numbers

# What happens to the texts of the child, one after the other.
DAYS: tuple[PropertyValue, ...] = (
    ("b", "a, b", "", "b"),
    ("a, b", "b", "", "b"),
    ("a, b", "c", "", "b"),
    ("a, b", "c"),
    "c",
    ("c", "c"),
)
KEYS = {"deletion_allowed": "true", "master_data_update_allowed": "true"}


def with_several(full: FullInstance, notes: PropertyValue = DAYS[0]) -> tuple[Entity, ...]:
    """The child with several texts, terms, materials and samples; a data set with several texts."""
    flours = (str(full.flour.perm_id), str(full.flour.perm_id))
    friends = (str(full.shared.perm_id), str(full.brew.perm_id))
    child = replace(
        full.child,
        properties={
            **full.child.properties,
            "NOTES": notes,
            "SOLVENT": ("OIL", "WATER"),
            "FLOUR": flours,
            "FRIEND": friends,
        },
    )
    return child, replace(full.raw, properties={"NOTES": ("1", "2")})


@pytest.fixture
def last(tmp_path: Path) -> Iterator[Harvest]:
    """The harvester at the end of the chain."""
    harvest = Harvest(tmp_path / "last")
    yield harvest
    harvest.instance.engine.dispose()


def test_every_change_of_the_values_arrives_at_the_end_of_a_chain(
    source: Instance, full_instance: FullInstance, either: Harvest, last: Harvest
) -> None:
    names = Names.of(full_master_data(), "DS1_")
    source.load(*with_several(full_instance))
    with source.served() as url:
        either.section("DS1", url, translate_using_data_source_alias="true", **KEYS)
        either.init()
        assert either.run().code == 0
        either.instance.add_user()
        with either.instance.served() as middle:
            last.section("DS2", middle, **KEYS)
            last.init()
            for notes in DAYS:
                source.load(*with_several(full_instance, notes))
                assert either.run().code == 0
                assert last.run().code == 0
                expected = [names.translate_entity(one) for one in source.entities().values()]
                assert last.instance.entities() == {(e.kind, e.perm_id): e for e in expected}
            either.converges()
            last.converges()
            either.agrees()
            last.agrees()


def test_several_values_come_back_from_the_trash(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    child, raw = with_several(full_instance)
    source.load(child, raw)
    with source.served() as url:
        either.section("DS1", url, **KEYS)
        either.init()
        either.converges()
        source.delete(child, raw)
        assert either.run("--allow-deletions").code == 0
        (number,) = deletion_numbers(either)
        restored = either.command("trash", "restore", str(number))
        assert restored.code == 0, restored.output
        assert either.run().code == 0
        here = either.instance.entities()
    for one in (child, raw):
        assert here[one.kind, one.perm_id].properties == one.properties
