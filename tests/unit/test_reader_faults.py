"""The table of parser errors (wire-format.md, 6), row by row, each on a copy of the example.

What makes the original give up a whole list is here at most the fault of one record.
"""

from __future__ import annotations

from functools import cache

import pytest

from shared.errors import FormatError
from shared.model.entities import Entity
from shared.resourcesync.items import ListItem, RecordFault
from tests.support.instances.resource_lists import read, the_example

MATERIAL = "MATERIAL/REAGENT/SALT"
SPACE = "SPACE/ALPHA"
PROJECT = "PROJECT/20240110083000123-11"
EXPERIMENT = "EXPERIMENT/20240110090000789-13"
SHARED = "SAMPLE/20240110091000001-14"
SAMPLE = "SAMPLE/20240110091200003-16"
PHYSICAL = "DATA_SET/20240203120500001-21"
LINK = "DATA_SET/20240203122000004-24"
FILE = (
    "FILE/notes/3f/a2/91/3fa29101-6a5e-4d8b-9a41-0d6f2f5f7c21/"
    "c0ffee00-1111-4222-8333-444455556666.txt"
)
REGISTERED = ' registration-timestamp="2024-01-10T09:12:00Z"'


@cache
def the_items() -> list[ListItem]:
    return read(the_example())


def changed(record: str, old: str, new: str) -> list[ListItem]:
    """The items of the example after one change in one record."""
    before, name, rest = the_example().decode().partition(f"/{record}/M")
    start = before.rindex("<url>")
    end = rest.index("</url>")
    entry = before[start:] + name + rest[:end]
    assert old in entry
    return read((before[:start] + entry.replace(old, new, 1) + rest[end:]).encode())


def only_fault(items: list[ListItem]) -> RecordFault:
    """The fault that stands where a record of the example stood; all others are as they were."""
    [fault] = [item for item in items if isinstance(item, RecordFault)]
    place = items.index(fault)
    original = the_items()
    assert items[:place] + items[place + 1 :] == original[:place] + original[place + 1 :]
    return fault


def only_change(items: list[ListItem]) -> Entity:
    """The one entity that differs from the example."""
    [entity] = [item for item, old in zip(items, the_items(), strict=True) if item != old]
    assert isinstance(entity, Entity)
    return entity


@pytest.mark.parametrize(
    ("record", "old", "new", "reason"),
    [
        (SAMPLE, "<lastmod>2024-02-03T12:00:00Z</lastmod>", "", "no lastmod"),
        (SAMPLE, "2024-02-03T12:00:00Z</lastmod>", "</lastmod>", "no lastmod"),
        (SAMPLE, "2024-02-03T12:00:00Z</lastmod>", "soon</lastmod>", "lastmod cannot be read"),
        (SAMPLE, "2024-02-03T12:00:00Z</lastmod>", "2024-02-30T00:00:00Z</lastmod>", "lastmod"),
        (SAMPLE, ' code="BRW1"', "", "the attribute code is missing or blank"),
        (SAMPLE, ' code="BRW1"', ' code=" "', "the attribute code is missing or blank"),
        (SAMPLE, REGISTERED, ' registration-timestamp="soon"', "registration-timestamp cannot"),
        (MATERIAL, ' type="REAGENT"', ' type=" "', "the attribute type is missing"),
        (EXPERIMENT, ' type="TRIAL"', ' type=""', "the attribute type is missing"),
        (SAMPLE, ' type="BREW"', "", "the attribute type is missing"),
        (PHYSICAL, ' type="RAW_TRACE"', "", "the attribute type is missing"),
        (PROJECT, ' space="ALPHA"', "", "the attribute space is missing"),
        (EXPERIMENT, ' space="ALPHA"', "", "the attribute space is missing"),
        (EXPERIMENT, ' project="KITCHEN"', "", "the attribute project is missing"),
        (SAMPLE, ' space="ALPHA"', "", "in the project KITCHEN names no space"),
        (SAMPLE, "/ALPHA/KITCHEN/TRIAL-1", "TRIAL-1", "experiment is 'TRIAL-1'"),
        (SAMPLE, "/ALPHA/KITCHEN/TRIAL-1", "/A/B/C/D", "experiment is '/A/B/C/D'"),
        (PHYSICAL, "/ALPHA/KITCHEN/BRW1", "/ALPHA/KIT CHEN/BRW1", "sample is '/ALPHA/KIT CHEN"),
        (PHYSICAL, ' dsKind="PHYSICAL"', "", "the attribute dsKind is missing"),
        (PHYSICAL, "PHYSICAL", "Physical", "dsKind is 'Physical', not one of PHYSICAL, CONTAINER"),
        (PHYSICAL, 'code="20240203120500001-21"', 'code="X"', "but the loc names 2024020312050"),
        (SAMPLE, "<x:code>PH</x:code>", "", "a property has no code"),
        (SAMPLE, "<x:code>PH</x:code>", "<x:code> </x:code>", "a property has no code"),
        (SAMPLE, "<x:value>4.75</x:value>", "", "the property PH has no value"),
        (SAMPLE, "4.75", "<b>4</b>.75", "the value of property PH has elements in it"),
        (SAMPLE, ' to="20240110091300004-17"', "", "a connection lacks to or type"),
        (SAMPLE, ' type="Child"', ' type=""', "a connection lacks to or type"),
        (PHYSICAL, ' type="Child"', "", "a connection lacks to or type"),
        (SAMPLE, ' fileName="taste.txt"', "", "an attachment has no fileName"),
        (SAMPLE, ' latestVersion="1"', ' latestVersion="x"', "attachment 'taste.txt': the attri"),
        (PHYSICAL, 'length="11"', 'length="eleven"', "file 'original/run/hello.txt': the attribu"),
        (PHYSICAL, ' length="11"', "", "the attribute length is missing"),
        (LINK, 'length="11"', 'length="-1"', "no length is negative"),
        (LINK, 'length="11"', 'length="1_1"', "no whole number"),
        (LINK, 'length="11"', f'length="{"9" * 5000}"', "no whole number"),
        (LINK, '"222957957"', '"0xD4A1185"', "no whole number"),
        (LINK, '"222957957"', '"4294967296"', "needs over 32 bits"),
        (LINK, '"222957957"', '"-2147483649"', "needs over 32 bits"),
        (LINK, ' externalDMS="METER_GIT"', "", "the attribute externalDMS is missing"),
        (FILE, "aGVsbG8gd29ybGQ=", "aGVsbG8*d29ybGQ=", "no Base64"),
        (FILE, "aGVsbG8gd29ybGQ=", "aGVs\nbG8gd29ybGQ=", "no Base64"),
        (FILE, "aGVsbG8gd29ybGQ=", "a", "no Base64"),
    ],
)
def test_a_record_that_cannot_be_read_is_a_fault_of_its_own(
    record: str, old: str, new: str, reason: str
) -> None:
    fault = only_fault(changed(record, old, new))
    assert reason in fault.reason
    kind, _, perm_id = record.partition("/")
    expected = "SALT (REAGENT)" if record == MATERIAL else perm_id
    assert (fault.kind, fault.perm_id) == (kind, expected)


@pytest.mark.parametrize(
    ("old", "new", "kind", "perm_id", "reason"),
    [
        ("-16/M</loc>", "-16</loc>", "SAMPLE", "20240110091200003-16", "does not end with /M"),
        (' kind="SAMPLE"', "", "SAMPLE", "20240110091200003-16", "the kind None is unknown"),
        ('"SAMPLE"', '"Sample"', "Sample", "20240110091200003-16", "the kind 'Sample' is unknown"),
        ('"SAMPLE"', '"PROJECT"', "PROJECT", "20240110091200003-16", "kind is PROJECT, but the"),
        ("/SAMPLE/", "/OBJECT/", "SAMPLE", "BRW1", "the kind is SAMPLE, but the loc is"),
        ("/20240110091200003-16/M", "/M", "SAMPLE", "BRW1", "the kind is SAMPLE, but the loc is"),
    ],
)
def test_a_record_of_doubtful_name_is_a_fault_named_as_well_as_can_be(
    old: str, new: str, kind: str, perm_id: str, reason: str
) -> None:
    fault = only_fault(changed(SAMPLE, old, new))
    assert (fault.kind, fault.perm_id) == (kind, perm_id)
    assert reason in fault.reason


def test_an_entry_without_loc_is_a_fault_named_by_its_attributes() -> None:
    loc = f"<loc>https://labone.example.org:8443/openbis/{SPACE}/M</loc>"
    fault = only_fault(changed(SPACE, loc, ""))
    assert (fault.kind, fault.perm_id) == ("SPACE", "ALPHA")


def test_an_entry_without_x_xd_is_a_fault_named_by_its_loc() -> None:
    entry = "<url><loc>https://h/openbis/SAMPLE/S-9/M</loc><lastmod>x</lastmod></url></urlset>"
    items = read(the_example().replace(b"</urlset>", entry.encode()))
    assert items[:-1] == the_items()
    fault = items[-1]
    assert isinstance(fault, RecordFault)
    assert (fault.kind, fault.perm_id) == ("SAMPLE", "S-9")
    assert "has no x:xd" in fault.reason


def test_a_file_without_path_is_a_fault_named_by_its_loc() -> None:
    path = FILE.removeprefix("FILE/")
    fault = only_fault(changed(FILE, f'path="{path}"', 'path=""'))
    assert (fault.kind, fault.perm_id) == ("FILE", path)


@pytest.mark.parametrize("old", [' registrator="mira"', ' modifier="otto"', REGISTERED])
def test_users_and_the_time_of_registration_may_be_missing(old: str) -> None:
    sample = only_change(changed(SAMPLE, old, ""))
    missing = {' registrator="mira"': sample.registrator, ' modifier="otto"': sample.modifier}
    assert missing.get(old) is None
    assert (sample.registered == sample.modified) == (old == REGISTERED)


def test_perm_ids_of_other_forms_are_accepted() -> None:
    uuid = "3fa29101-6a5e-4d8b-9a41-0d6f2f5f7c21"
    sample = only_change(changed(SAMPLE, "20240110091200003-16/M", f"{uuid}/M"))
    assert sample.perm_id == uuid


def test_a_data_set_of_a_shared_sample_or_of_nothing_is_accepted() -> None:
    assert only_change(changed(LINK, "/BETA/BOX-9", "/COMMON-SHELF")).sample == "/COMMON-SHELF"
    assert only_change(changed(LINK, ' sample="/BETA/BOX-9"', "")).sample is None


def test_properties_that_no_master_data_declare_are_accepted() -> None:
    sample = only_change(changed(SAMPLE, "<x:code>PH</x:code>", "<x:code>ACID</x:code>"))
    assert sample.properties["ACID"] == "4.75"


def test_connections_of_unknown_type_are_ignored() -> None:
    assert len(only_change(changed(SAMPLE, '"Child"', '"Friend"')).connections) == 1


def test_a_negative_crc_is_read_as_unsigned() -> None:
    link = only_change(changed(LINK, '"222957957"', '"-873187034"'))
    assert link.files[0].crc32 == 3421780262


def test_a_list_without_master_data_is_read() -> None:
    document = the_example()
    start = document.index(b"<url>")
    end = document.index(b"</url>") + len(b"</url>")
    assert read(document[:start] + document[end:]) == [the_items()[0], *the_items()[2:]]


def test_a_master_data_entry_without_master_data_is_no_list() -> None:
    document = the_example().replace(b"xmd:masterData>", b"xmd:other>")
    with pytest.raises(FormatError, match="MASTER_DATA/M has no xmd:masterData"):
        read(document)
