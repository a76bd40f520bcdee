"""What texts look like on the wire, and what has no place there (wire-format.md, 4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.errors import ItemError
from shared.model.entities import AttachmentVersion, Connection, Entity, FileNode
from shared.model.ids import Code, PermId
from shared.model.kinds import Relation
from shared.resourcesync.v20.entity_writer import service_file_entry
from tests.support.instances.builders import (
    a_data_set,
    a_project,
    a_sample,
    a_service_file,
    a_space,
    an_attachment,
    an_experiment,
)
from tests.support.instances.resource_lists import ADDRESSES, entry_of


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('a "quoted" & <b>', "a &quot;quoted&quot; &amp; &lt;b>"),
        ("tab\tline\nend\r", "tab&#9;line&#10;end&#13;"),
        ("it's grün \U0001f37a", "it's grün \U0001f37a"),
        ("\x7f\x85\u2028", "\x7f\x85\u2028"),
        ("", ""),
    ],
)
def test_attributes_are_escaped_so_that_no_parser_changes_them(text: str, written: str) -> None:
    assert f' desc="{written}"' in entry_of(a_space(description=text))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('a "quoted" & <b>', 'a "quoted" &amp; &lt;b&gt;'),
        ("tab\tline\nend\r", "tab\tline\nend&#13;"),
        ("]]>", "]]&gt;"),
        (" blanks ", " blanks "),
    ],
)
def test_property_values_are_escaped_and_keep_their_blanks(text: str, written: str) -> None:
    entry = entry_of(a_sample(properties={"NOTES": text, "PH": "4.75"}))
    assert f"<x:code>NOTES</x:code><x:value>{written}</x:value>" in entry
    assert "<x:code>PH</x:code><x:value>4.75</x:value>" in entry


FORBIDDEN = ["\x00", "\x08", "\x0b", "\x0c", "\x1f", "\ud800", "\udfff", "\ufffe", "\uffff"]


@pytest.mark.parametrize("character", FORBIDDEN)
def test_a_character_that_xml_forbids_is_refused_with_its_code_and_place(character: str) -> None:
    sample = a_sample(properties={"PH": "4.75", "NOTES": f"ab{character}"})
    code = f"U\\+{ord(character):04X}"
    with pytest.raises(ItemError, match=f"property NOTES has the character {code} at position 2"):
        entry_of(sample)


@pytest.mark.parametrize(
    ("entity", "fields", "named"),
    [
        (a_space(), {"description": "\0"}, "desc"),
        (a_sample(), {"registrator": "\0"}, "registrator"),
        (a_sample(), {"properties": {"A\0": "1"}}, "a property's code"),
        (
            a_sample(),
            {"connections": (Connection(relation=Relation.CHILD, to=PermId("\0")),)},
            "a connection",
        ),
        (a_project(), {"attachments": (an_attachment("a\0"),)}, "fileName"),
        (
            an_experiment(),
            {"attachments": (an_attachment("a", AttachmentVersion(version=1, title="\0")),)},
            "title",
        ),
        (a_data_set(), {"files": (FileNode(path="a\ud800", length=1),)}, "path"),
    ],
)
def test_the_field_with_a_forbidden_character_is_named(
    entity: Entity, fields: dict[str, Any], named: str
) -> None:
    with pytest.raises(ItemError, match=f"{named} has the character") as caught:
        entry_of(replace(entity, **fields))
    assert (caught.value.kind, caught.value.perm_id) == (entity.kind.value, entity.perm_id)


def test_a_forbidden_character_in_a_perm_id_or_a_data_set_is_refused_too() -> None:
    with pytest.raises(ItemError, match="perm id has the character"):
        entry_of(a_sample(perm_id=PermId("\x01")))
    with pytest.raises(ItemError, match="a connection has the character"):
        entry_of(a_sample(), [Code("\x01")])


def test_a_forbidden_character_in_the_path_of_a_service_file_is_refused() -> None:
    with pytest.raises(ItemError, match="path has the character"):
        service_file_entry(ADDRESSES, a_service_file("a\x02")).decode()
