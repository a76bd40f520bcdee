"""Definitions of openBIS 7 on their way: type groups whose members change, what a source does not
know, kinds that a source has no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.master_data import FileFormatType, MasterData, TypeGroup
from shared.store.engine import work
from shared.store.master_data import Key, remove_definitions
from tests.support.instances.builders import (
    a_property_type,
    a_type_group,
    an_assignment,
    an_entity_type,
)
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance

GROUP = a_type_group("FERMENTS", "BREW", "DOUGH", meta_data={"colour": "green"})
TYPES = tuple(an_entity_type(Kind.SAMPLE, an_assignment(), code=code) for code in ("BREW", "DOUGH"))
KNOWN: dict[str, Any] = {"multi_value": True, "meta_data": {"unit": "nm"}}


@pytest.fixture
def last(tmp_path: Path) -> Iterator[Harvest]:
    """The harvester at the end of the chain."""
    harvest = Harvest(tmp_path / "last")
    yield harvest
    harvest.instance.engine.dispose()


def publish(source: Instance, **fields: Any) -> None:
    values = {"property_types": (a_property_type(),), "entity_types": TYPES} | fields
    source.load(MasterData(**values))
    source.add_user()


def forget(source: Instance, *keys: Key) -> None:
    """Removes definitions at the source."""
    with source.engine.connect() as connection, work(connection) as transaction, transaction():
        remove_definitions(connection, keys)


def groups(harvest: Harvest) -> tuple[TypeGroup, ...]:
    return harvest.instance.master_data().type_groups


def test_a_member_that_leaves_its_group_leaves_it_here_only_if_that_is_allowed(
    source: Instance, either: Harvest
) -> None:
    publish(source, type_groups=(GROUP,))
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        either.converges()
        assert groups(either) == (GROUP,)
        forget(source, Key(kind="TYPE_GROUP_MEMBER", owner="FERMENTS", code="DOUGH"))
        assert either.run().code == 0
        assert groups(either) == (GROUP,)
        assert "TYPE_GROUP_MEMBER FERMENTS DOUGH differs and is left as it is" in either.log()
        either.section("DS1", url, property_unassignment_allowed="true")
        either.converges()
        assert groups(either) == (replace(GROUP, members=GROUP.members[:1]),)
        assert either.run().output.count(": nothing to do") == 3


@pytest.mark.parametrize("prefix", ["", "DS1_"])
def test_a_member_leaves_its_group_through_two_harvesters(
    source: Instance, harvest: Harvest, last: Harvest, prefix: str
) -> None:
    publish(source, type_groups=(GROUP,))
    keys = {"property_unassignment_allowed": "true", "master_data_update_allowed": "true"}
    with source.served() as url:
        translated = str(bool(prefix)).lower()
        harvest.section("DS1", url, translate_using_data_source_alias=translated, **keys)
        harvest.init()
        harvest.converges()
        harvest.instance.add_user()
        with harvest.instance.served() as middle:
            last.section("DS2", middle, **keys)
            last.init()
            last.converges()
            named = [f"{prefix}{code}" for code in ("FERMENTS", "BREW", "DOUGH")]
            assert groups(last) == (a_type_group(*named, meta_data={"colour": "green"}),)
            forget(source, Key(kind="TYPE_GROUP_MEMBER", owner="FERMENTS", code="BREW"))
            source.load(MasterData(type_groups=(replace(GROUP, members=(), meta_data={}),)))
            harvest.converges()
            last.converges()
            assert groups(last) == (a_type_group(named[0], named[2], meta_data={}),)


def test_what_a_source_does_not_know_any_more_stays(source: Instance, harvest: Harvest) -> None:
    publish(source, property_types=(a_property_type(**KNOWN),))
    with source.served() as url:
        harvest.section("DS1", url, master_data_update_allowed="true")
        harvest.init()
        harvest.converges()
        publish(source, property_types=(a_property_type(label="other"),))
        harvest.converges()
    notes = {each.code: each for each in harvest.instance.master_data().property_types}[
        Code("NOTES")
    ]
    assert notes == a_property_type(label="other", **KNOWN)


def test_what_a_source_learns_is_an_update_like_others(source: Instance, harvest: Harvest) -> None:
    publish(source)
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.init()
        harvest.converges()
        # the source is upgraded, and there is nothing of what it knows now
        publish(source, property_types=(a_property_type(multi_value=False, meta_data={}),))
        harvest.converges()
        assert "differs" not in harvest.log()
        publish(source, property_types=(a_property_type(**KNOWN),))
        assert harvest.run().code == 0
        assert "PROPERTY_TYPE NOTES differs and is left as it is" in harvest.log()
        harvest.section("DS1", url, master_data_update_allowed="true")
        harvest.converges()
    assert "multi_value nothing becomes 'True'" in harvest.log()
    found = {each.code: each for each in harvest.instance.master_data().property_types}
    assert found[Code("NOTES")] == a_property_type(**KNOWN)


def test_the_log_counts_the_definitions_that_the_source_has_no_more(
    source: Instance, harvest: Harvest
) -> None:
    formats = tuple(FileFormatType(code=Code(code)) for code in ("A", "B"))
    reagent = an_entity_type(Kind.MATERIAL, code="REAGENT")
    publish(source, file_format_types=formats, entity_types=(*TYPES, reagent))
    title = "definitions of this section that the data source does not list any more; they stay"
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.init()
        harvest.converges()
        assert title not in harvest.log()
        before = harvest.instance.master_data()
        gone = [("MATERIAL_TYPE", "REAGENT"), ("FILE_FORMAT_TYPE", "A"), ("FILE_FORMAT_TYPE", "B")]
        forget(source, *(Key(kind=kind, owner="", code=code) for kind, code in gone))
        harvest.converges()
    lines = harvest.log().splitlines()
    assert [line.endswith(f"INFO  {title}") for line in lines].count(True) == 1
    (place,) = (number for number, line in enumerate(lines) if line.endswith(title))
    assert [line.partition("INFO  ")[2] for line in lines[place + 2 : place + 4]] == [
        "FILE_FORMAT_TYPE: 2",
        "MATERIAL_TYPE: 1",
    ]
    assert harvest.instance.master_data() == before
