"""Several values of a property on the wire: what we write and read, and what an old reader sees."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from lxml import etree

from shared.model.entities import Entity
from shared.model.ids import Code
from shared.model.limits import ENTRY_BYTES
from shared.model.properties import (
    JsonProperties,
    PropertyValue,
    read_properties,
    value_from,
    values_of,
)
from shared.resourcesync.items import RecordFault
from shared.resourcesync.terms import SITEMAP, X
from shared.resourcesync.v20.entity_writer import entity_entry
from tests.support.instances.builders import a_sample
from tests.support.instances.resource_lists import ADDRESSES, a_list, read

JOINED = frozenset({Code("TAGS")})
# Before the first entry, so that the parser reads all that follows.
FOR_THE_PARSER = "<!---->"


def written(properties: Mapping[str, PropertyValue]) -> str:
    return entity_entry(ADDRESSES, a_sample(properties=properties), (), JOINED).decode()


def as_read(entry: str) -> list[Mapping[str, PropertyValue]]:
    """The properties as they are read without and with the parser."""
    found = []
    for before in ("", FOR_THE_PARSER):
        _, entity = read(a_list([before, entry] if before else [entry]))
        assert isinstance(entity, Entity), entity
        found.append(entity.properties)
    return found


def seen_by_an_old_reader(entry: str) -> dict[str, str]:
    """By one that takes code and value by their names, and passes over all else. None of them
    may be there twice."""
    root = etree.fromstring(
        f'<urlset xmlns="{SITEMAP}" xmlns:x="{X}" xmlns:rs="r">{entry}</urlset>'
    )
    found = {}
    for each in root.iter(f"{{{X}}}property"):
        (code,) = each.findall(f"{{{X}}}code")
        (value,) = each.findall(f"{{{X}}}value")
        assert len(value) == 0
        found[code.text or ""] = value.text or ""
    return found


def test_several_values_stand_beside_one_for_old_readers() -> None:
    assert (
        "<x:property><x:code>TAGS</x:code><x:value>a, b &amp; c, a</x:value>"
        "<x:each>a</x:each><x:each>b &amp; c</x:each><x:each>a</x:each></x:property>"
    ) in written({"TAGS": ("a", "b & c", "a")})
    assert (
        "<x:property><x:code>TERM</x:code><x:value/><x:each/><x:each>RED</x:each></x:property>"
    ) in written({"TERM": ("", "RED")})


def test_one_value_is_written_as_ever() -> None:
    entry = written({"TAGS": "a", "TERM": ""})
    assert (
        "<x:properties><x:property><x:code>TAGS</x:code><x:value>a</x:value></x:property>"
        "<x:property><x:code>TERM</x:code><x:value/></x:property></x:properties>"
    ) in entry


@pytest.mark.parametrize(
    "properties",
    [
        {"TAGS": ("a", "b"), "TERM": "RED"},
        {"TAGS": "a", "TERM": ("RED", "BLUE"), "WIDTH": ("1", "1")},
        {"TAGS": (" a ", "", "\n"), "TERM": ("", "")},
        {"TAGS": ("a,b", "<x:each>", "]]>&amp;\r")},
    ],
)
def test_an_old_reader_sees_one_value_of_each_property(
    properties: dict[str, PropertyValue],
) -> None:
    entry = written(properties)
    assert as_read(entry) == [properties, properties]
    assert seen_by_an_old_reader(entry) == {
        code: ", ".join(values_of(value)) if code == "TAGS" else values_of(value)[0]
        for code, value in properties.items()
    }


def test_values_that_would_make_a_huge_text_are_not_joined() -> None:
    """The entry would be twice as long, and longer than any entry may be."""
    properties = {"TAGS": ("a" * 600_000, "b" * 600_000)}
    entry = written(properties)
    assert seen_by_an_old_reader(entry) == {"TAGS": "a" * 600_000}
    assert len(entry) < 2_000_000 < ENTRY_BYTES
    assert as_read(entry) == [properties, properties]


def test_a_single_each_counts_as_the_one_value() -> None:
    entry = written({"TAGS": "old"}).replace("</x:value>", "</x:value><x:each>new</x:each>")
    assert as_read(entry) == [{"TAGS": "new"}, {"TAGS": "new"}]


def test_values_in_another_order_or_with_more_beside_them_are_read_as_well() -> None:
    block = written({"TAGS": "b"}).replace(
        "<x:code>TAGS</x:code><x:value>b</x:value>",
        "<x:each>a</x:each><x:code> TAGS </x:code><x:new/><x:value>b</x:value><x:each/>",
    )
    assert as_read(block) == [{"TAGS": ("a", "")}, {"TAGS": ("a", "")}]


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        ("<x:code>TAGS</x:code><x:each>a</x:each>", "the property TAGS has no value"),
        ("<x:value>a</x:value><x:each>a</x:each>", "a property has no code"),
        (
            "<x:code>TAGS</x:code><x:value>a</x:value><x:each><b/></x:each>",
            "the value of property TAGS has elements in it",
        ),
    ],
)
def test_a_property_that_lacks_something_makes_a_record_that_cannot_be_read(
    spoiled: str, reason: str
) -> None:
    entry = written({"TAGS": "b"}).replace("<x:code>TAGS</x:code><x:value>b</x:value>", spoiled)
    _, fault = read(a_list([entry]))
    assert isinstance(fault, RecordFault)
    assert fault.reason == reason


def test_values_are_one_text_or_several() -> None:
    assert values_of("a") == ("a",)
    assert value_from(["a"]) == "a"
    assert value_from(["a", "a"]) == ("a", "a")
    assert read_properties('{"A":["x","y"],"B":"z"}') == {"A": ("x", "y"), "B": "z"}
    sample = a_sample(properties={"A": ("x", "y")})
    assert a_sample(properties=JsonProperties('{"A":["x","y"]}')) == sample
    assert a_sample(properties=JsonProperties('{"A":["y","x"]}')) != sample
