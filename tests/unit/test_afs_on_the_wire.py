"""AFS data, the files of a sample or experiment, are entries of a kind of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.errors import ItemError
from shared.model.entities import Entity, FileNode
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import Kind
from shared.model.limits import entity_excess
from shared.model.unknown import Part, Reason, Unknown
from shared.resourcesync import excess
from shared.resourcesync.entry_cutter import TooLong
from shared.resourcesync.items import RecordFault
from shared.resourcesync.v20.entry_reader import READER
from tests.support.instances.builders import a_data_set, a_sample, some_master_data
from tests.support.instances.resource_lists import DOWNLOADS, a_list, content, entry_of, read

OWNER = PermId("20260301093000010-10")
SOME_TIME = datetime(2026, 3, 5, 9, 14, 7, 123_000, UTC)
SAMPLE = Identifier("/ALPHA/BREW")


def afs_data(**fields: Any) -> Entity:
    values: dict[str, Any] = {
        "perm_id": OWNER,
        "type": Code("AFS_DATA"),
        "sample": SAMPLE,
        "is_afs": True,
        "files": (
            FileNode(path="notes.txt", length=5, modified=SOME_TIME),
            FileNode(
                path="run 1/a&b.csv",
                length=7,
                crc32=12,
                checksum="MD5:ab",
                modified=SOME_TIME.replace(microsecond=0),
            ),
        ),
        "empty_folders": ("later", "run 1/empty < full"),
    }
    return a_data_set(**(values | fields))


def read_back(document: bytes) -> list[object]:
    """The items behind the head and the master data; without the addresses of files."""
    return list(read(document)[2:])


def test_afs_data_with_all_they_can_have() -> None:
    assert content(entry_of(afs_data()), "AFS_DATA", OWNER) == (
        f'<x:xd code="{OWNER}" dsKind="PHYSICAL" kind="AFS_DATA"'
        ' registration-timestamp="2024-01-10T09:00:00Z" registrator="mira" sample="/ALPHA/BREW"'
        ' type="AFS_DATA"><x:binaryData>'
        '<x:fileNode length="5" modified="2026-03-05T09:14:07.123Z"'
        f' path="{DOWNLOADS}/{OWNER}/notes.txt?" href="{DOWNLOADS}/{OWNER}/notes.txt"/>'
        '<x:fileNode checksum="MD5:ab" crc32checksum="12" length="7"'
        f' modified="2026-03-05T09:14:07Z" path="{DOWNLOADS}/{OWNER}/run 1/a&amp;b.csv?"'
        f' href="{DOWNLOADS}/{OWNER}/run%201/a%26b.csv"/>'
        '<x:folder path="later"/><x:folder path="run 1/empty &lt; full"/>'
        "</x:binaryData></x:xd>"
    )


def test_they_are_read_as_they_were_written() -> None:
    document = a_list([some_master_data(), a_sample(code="BREW"), afs_data()])
    assert read_back(document) == [a_sample(code="BREW"), afs_data()]


def test_without_anything_in_them_they_are_afs_data_still() -> None:
    empty = afs_data(files=(), empty_folders=())
    assert read_back(a_list([some_master_data(), empty])) == [empty]


def test_an_ordinary_data_set_has_no_empty_folders_and_times_only_where_they_are_known() -> None:
    files = (FileNode(path="a", length=1, modified=SOME_TIME), FileNode(path="b", length=2))
    ordinary = a_data_set(files=files)
    entry = entry_of(ordinary).replace("</x:binaryData>", '<x:folder path="c"/></x:binaryData>')
    assert entry.count("modified=") == 1
    assert read_back(a_list([some_master_data(), entry])) == [ordinary]


def test_a_parser_that_knows_the_kinds_of_openbis_20_10_has_no_name_for_the_entry() -> None:
    """It skips an entry of an unknown kind without a word (wire-format.md, 6)."""
    entry = entry_of(afs_data())
    for kind in Kind:
        assert f"/{kind}/" not in entry
        assert f'kind="{kind}"' not in entry
        assert f"entity={kind}&" not in entry


def test_order_and_doubles_of_folders_mean_nothing() -> None:
    entry = entry_of(afs_data(empty_folders=("b", "a", "b")))
    (found,) = read_back(a_list([some_master_data(), entry]))
    assert found == afs_data(empty_folders=("a", "b"))


def test_parts_of_them_may_be_unknown() -> None:
    marked = afs_data(unknown=(Unknown(part=Part.FILES, reason=Reason.NOT_MOUNTED),))
    assert read_back(a_list([some_master_data(), marked])) == [marked]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (' length="5"', "", "file 'notes.txt': the attribute length is missing or blank"),
        (':07.123Z"', ':97Z"', "file 'notes.txt': the attribute modified cannot be read"),
        ('<x:folder path="later"/>', "<x:folder/>", "an empty folder has no path"),
        ('dsKind="PHYSICAL"', 'dsKind="LINK"', "AFS data are of the kind LINK, not PHYSICAL"),
        ("/AFS_DATA/", "/DATA_SET/", "the kind is AFS_DATA, but the loc is"),
        ("/AFS_DATA/", "/SAMPLE/", "the kind is AFS_DATA, but the loc is"),
        (' kind="AFS_DATA"', "", "the kind None is unknown"),
    ],
)
def test_what_cannot_be_read_is_the_fault_of_a_data_set(old: str, new: str, reason: str) -> None:
    """So its data set is not taken for deleted, and neither is its owner."""
    entry = entry_of(afs_data()).replace(old, new)
    (fault,) = read_back(a_list([some_master_data(), entry]))
    assert isinstance(fault, RecordFault)
    assert (fault.kind, fault.perm_id) == ("DATA_SET", OWNER)
    assert reason in fault.reason


def test_one_that_is_too_large_for_the_parser_is_the_fault_of_a_data_set() -> None:
    beginning = entry_of(afs_data()).encode()
    fault = excess.fault_of(
        TooLong(beginning=beginning, length=1 << 30), "it is too large", READER.named
    )
    assert (fault.kind, fault.perm_id) == ("DATA_SET", OWNER)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"empty_folders": ("a" * 300,)}, "a name in the path of a folder has 300 bytes"),
        ({"empty_folders": ("a/" * 100 + "b",)}, "the path of a folder has over 100 parts"),
        (
            {"files": (FileNode(path="a", length=1, modified=datetime(9999, 12, 31, tzinfo=UTC)),)},
            "file 'a': the modification date 9999-12-31T00:00:00+00:00 is not between",
        ),
    ],
)
def test_folders_and_times_have_limits(fields: dict[str, Any], reason: str) -> None:
    assert reason in str(entity_excess(afs_data(**fields)))


def test_a_folder_whose_name_no_list_can_carry_is_an_error_of_its_item() -> None:
    with pytest.raises(ItemError, match=f"DATA_SET {OWNER}"):
        entry_of(afs_data(empty_folders=("a\x01b",)))
