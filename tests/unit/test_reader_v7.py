"""Lists of openBIS 7: AFS data in the entries of their owners, and where AFS is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.model.entities import Entity, FileNode
from shared.model.ids import Code, Identifier
from shared.model.kinds import DataSetKind, Kind
from shared.model.master_data import MasterData
from shared.model.unknown import Part, Reason, Unknown
from shared.resourcesync.items import ListHead, ListItem, RecordFault
from shared.resourcesync.reader import read_resource_list
from shared.resourcesync.v7.version import V7
from shared.resourcesync.v20.version import V20
from tests.support.instances.builders import a_data_set, an_entity, some_master_data
from tests.support.instances.resource_lists import a_list
from tests.support.openbis7.documents import Documents
from tests.support.openbis7.faults import Faults
from tests.support.openbis7.lab import CHANGED, AfsFile, Lab, a_lab, perm_id

AFS = "https://lab.example.org:8085/afs-server"
OWNER = perm_id(16)


def listed(lab: Lab | None = None, **switches: object) -> bytes:
    """The list of all that is in a lab."""
    lab = lab or a_lab()
    faults = Faults(**switches)  # type: ignore[arg-type]
    documents = Documents(lab=lab, faults=faults, url="https://lab.example.org:8443", afs=AFS)
    return documents.resource_list(lab.things.values())


def read(document: bytes) -> list[ListItem]:
    return list(read_resource_list([document], V7))


def of(document: bytes, kind: Kind, identity: str) -> list[ListItem]:
    """What the list has of a record."""
    return [
        item
        for item in read(document)
        if isinstance(item, Entity | RecordFault) and (item.kind, item.perm_id) == (kind, identity)
    ]


def afs_data(document: bytes, owner: str = OWNER) -> Entity:
    (found,) = of(document, Kind.DATA_SET, owner)
    assert isinstance(found, Entity)
    return found


def test_the_files_of_a_sample_are_a_data_set() -> None:
    found = afs_data(listed())
    assert found == Entity(
        kind=Kind.DATA_SET,
        perm_id=found.perm_id,
        code=Code(OWNER),
        type=Code("AFS_DATA"),
        data_set_kind=DataSetKind.PHYSICAL,
        registered=datetime(2026, 1, 10, 9, 13, tzinfo=UTC),
        modified=CHANGED.replace(microsecond=0),
        registrator="mira",
        sample=Identifier("/ALPHA/KITCHEN/A"),
        files=found.files,
        is_afs=True,
        empty_folders=("empty folder",),
    )
    assert {file.path for file in found.files} == {
        "run 1/trace+1.csv",
        ".afs.trash/old.csv",
        "run 1/.afs.snapshots/trace+1.csv/2026_03_01_12_30_00_045",
        "nothing.txt",
    }
    assert found.files[0] == FileNode(
        path="run 1/trace+1.csv",
        length=30,
        checksum="MD5:cb46070117cdb3c24553093fbde05465",
        modified=CHANGED,
    )


def test_the_owner_is_a_record_of_its_own() -> None:
    (owner,) = of(listed(), Kind.SAMPLE, OWNER)
    assert isinstance(owner, Entity)
    assert (owner.files, owner.attachments, owner.is_afs) == ((), (), False)


def test_the_files_of_an_experiment_name_the_experiment() -> None:
    found = afs_data(listed(), perm_id(12))
    assert (found.experiment, found.sample) == ("/ALPHA/KITCHEN/TRIAL-1", None)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-02T10:00Z", datetime(2026, 1, 2, 10, tzinfo=UTC)),
        ("2026-01-02T10:00:07Z", datetime(2026, 1, 2, 10, 0, 7, tzinfo=UTC)),
        ("2026-01-02T10:00:07.5Z", datetime(2026, 1, 2, 10, 0, 7, 500000, tzinfo=UTC)),
        ("2026-01-02T10:00:07.123456Z", datetime(2026, 1, 2, 10, 0, 7, 123000, tzinfo=UTC)),
        ("2026-01-02T10:00:07.123456789Z", datetime(2026, 1, 2, 10, 0, 7, 123000, tzinfo=UTC)),
        ("2026-01-02T12:00+02:00", datetime(2026, 1, 2, 10, tzinfo=UTC)),
    ],
)
def test_times_of_files_are_read_as_java_writes_them(text: str, time: datetime) -> None:
    document = listed().replace(b"2026-03-05T09:14:07.123Z", text.encode())
    assert {file.modified for file in afs_data(document).files} == {time}


def test_a_file_without_a_time_has_that_of_its_owner() -> None:
    document = listed().replace(b' lastModified="2026-03-05T09:14:07.123Z"', b"")
    found = afs_data(document)
    assert {file.modified for file in found.files} == {found.modified}


@pytest.mark.parametrize(
    ("written", "instead", "reason"),
    [
        (b'length="30"', b'length="many"', "file 'run 1/trace+1.csv': the attribute length"),
        (b'length="30"', b'length="-1"', "no length is negative"),
        (b'hash="cb460701', b'hash="xyz', "which is no MD5"),
        (b'path="/run 1/trace+1.csv"', b'path="/"', "a file of its AFS data has no path"),
        (b'path="/empty folder"', b"", "an empty folder of its AFS data has no path"),
        (b"2026-03-05T09:14:07.123Z", b"yesterday", "lastModified cannot be read"),
    ],
)
def test_afs_data_that_cannot_be_read_are_a_fault_and_their_owner_is_not(
    written: bytes, instead: bytes, reason: str
) -> None:
    document = listed().replace(written, instead)
    (fault,) = of(document, Kind.DATA_SET, OWNER)
    (owner,) = of(document, Kind.SAMPLE, OWNER)
    assert isinstance(fault, RecordFault)
    assert reason in fault.reason
    assert isinstance(owner, Entity)


def test_afs_data_of_an_owner_that_cannot_be_read_are_a_fault_too() -> None:
    document = listed().replace(b'code="A" ', b"")
    (fault,) = of(document, Kind.DATA_SET, OWNER)
    assert isinstance(fault, RecordFault)
    assert fault.reason.startswith("its owner cannot be read: the attribute code")


def test_blocks_are_told_apart_by_source_and_content() -> None:
    attachment = b'<x:binaryData><x:attachment fileName="a.txt" latestVersion="1"/></x:binaryData>'
    for before in (True, False):
        parts = [attachment, b'<x:binaryData source="afs"><x:fileNode path="/run 1']
        document = listed().replace(parts[1], b"".join(parts if before else parts[1:]))
        (owner,) = of(document, Kind.SAMPLE, OWNER)
        assert isinstance(owner, Entity)
        assert len(owner.attachments) == before
        assert len(afs_data(document).files) == 4


def test_two_blocks_are_read_as_one() -> None:
    block = b'<x:binaryData source="afs"><x:dirNode path="/b"/></x:binaryData>'
    document = listed().replace(b"</x:binaryData></x:xd>", b"</x:binaryData>" + block + b"</x:xd>")
    assert afs_data(document).empty_folders == ("b", "empty folder")


def test_afs_data_among_the_data_sets_are_passed_over() -> None:
    lab = a_lab()
    lab.the("B").afs = {}
    document = listed(lab, afs_data_sets=True)
    assert document.count(b'type="AFS_DATA"') == 3
    assert len(afs_data(document).files) == 4
    assert of(document, Kind.DATA_SET, perm_id(17)) == []


def test_an_entry_of_afs_data_that_needs_the_parser_is_passed_over_too() -> None:
    document = listed(afs_data_sets=True)
    spread = document.replace(b' type="AFS_DATA"', b' type="AFS_DATA" x="&#x41;"')
    assert len(of(spread, Kind.DATA_SET, OWNER)) == 1


def test_the_head_says_where_afs_is() -> None:
    head = read(listed())[0]
    assert isinstance(head, ListHead)
    assert (head.afs_url, head.unknown) == (AFS, ())


def test_a_list_that_names_no_afs_says_nothing_of_afs_data() -> None:
    document = listed(afs_is_not_configured=True)
    head = read(document)[0]
    assert isinstance(head, ListHead)
    assert head.afs_url is None
    assert head.unknown == (Unknown(part=Part.AFS, reason=Reason.NOT_MOUNTED),)
    (older,) = (item for item in read_resource_list([document], V20) if isinstance(item, ListHead))
    assert older == replace(head, unknown=())


def test_the_mark_of_afs_cannot_be_written_by_a_list() -> None:
    marked = a_list([some_master_data(), a_data_set()]).replace(
        b'kind="DATA_SET"', b'kind="DATA_SET" unknown="afs not-mounted"'
    )
    assert isinstance(read(marked)[-1], RecordFault)


def test_there_are_no_materials() -> None:
    material = an_entity(Kind.MATERIAL)
    fault = read(a_list([some_master_data(), material]))[-1]
    assert isinstance(fault, RecordFault)
    assert fault.reason == "the kind 'MATERIAL' is unknown"


@pytest.mark.parametrize("dollar", [True, False])
def test_internal_definitions_have_their_dollar_in_either_spelling(*, dollar: bool) -> None:
    master_data = read(listed(dollar_in_definitions=dollar))[1]
    codes = {one.code for one in master_data.property_types}  # type: ignore[union-attr]
    assert "$NAME" in codes


def test_an_owner_with_many_files_is_read() -> None:
    lab = a_lab()
    lab.the("B").afs = {f"/{number}": AfsFile(content=b"x") for number in range(5_000)}
    assert len(afs_data(listed(lab), perm_id(17)).files) == 5_000


def test_definitions_say_nothing_of_patterns_and_the_like() -> None:
    (found,) = (item for item in read(listed()) if isinstance(item, MasterData))
    assert not found.is_detailed
    (found,) = (
        item for item in read_resource_list([listed()], V20) if isinstance(item, MasterData)
    )
    assert found.is_detailed
