"""Data sets and files of the file service, byte for byte (wire-format.md, 3.8)."""

from __future__ import annotations

from shared.model.entities import Connection, ContentCopy, FileNode, ServiceFile
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import DataSetKind, Frozen, Relation
from shared.resourcesync.v20.entity_writer import service_file_entry
from tests.support.instances.builders import MODIFIED, a_data_set, a_service_file
from tests.support.instances.resource_lists import ADDRESSES, DOWNLOADS, content, entry_of

STAMPS = 'registration-timestamp="2024-01-10T09:00:00Z" registrator="mira"'


def test_a_physical_data_set_with_all_it_can_have() -> None:
    flags = (Frozen.FOR_CHILDREN, Frozen.FOR_PARENTS, Frozen.FOR_COMPONENTS, Frozen.FOR_CONTAINERS)
    data_set = a_data_set(
        perm_id=PermId("D-1"),
        frozen=Frozen.FROZEN | sum(flags),
        experiment=Identifier("/ALPHA/KITCHEN/TRIAL-1"),
        sample=Identifier("/ALPHA/KITCHEN/BRW1:A1"),
        modifier="otto",
        properties={"PH": "4.75"},
        connections=(Connection(relation=Relation.CHILD, to=PermId("D-2")),),
        files=(
            FileNode(path="original/a b.txt", length=9, crc32=3421780262, checksum="MD5:ab"),
            FileNode(path="original/ü?#.txt", length=0),
        ),
    )
    assert content(entry_of(data_set), "DATA_SET", "D-1") == (
        '<x:xd code="D-1" dsKind="PHYSICAL" frozen="true" frozenForChildren="true"'
        ' frozenForParents="true" frozenForComponents="true" frozenForContainers="true"'
        f' experiment="/ALPHA/KITCHEN/TRIAL-1" kind="DATA_SET" modifier="otto" {STAMPS}'
        ' sample="/ALPHA/KITCHEN/BRW1:A1" type="A_DATA_SET_TYPE"><x:properties>'
        "<x:property><x:code>PH</x:code><x:value>4.75</x:value></x:property></x:properties>"
        '<x:binaryData><x:fileNode checksum="MD5:ab" crc32checksum="3421780262" length="9"'
        f' path="{DOWNLOADS}/D-1/original/a b.txt?" href="{DOWNLOADS}/D-1/original/a%20b.txt"/>'
        f'<x:fileNode length="0" path="{DOWNLOADS}/D-1/original/ü?#.txt?"'
        f' href="{DOWNLOADS}/D-1/original/%C3%BC%3F%23.txt"/></x:binaryData>'
        '<x:connections><x:connection to="D-2" type="Child"/></x:connections></x:xd>'
    )


def test_a_physical_data_set_without_files_has_an_empty_block() -> None:
    entry = entry_of(a_data_set(perm_id=PermId("D-1")))
    assert entry.endswith('type="A_DATA_SET_TYPE"><x:binaryData/></x:xd></url>')


def test_a_container_has_no_binary_data() -> None:
    container = a_data_set(
        perm_id=PermId("D-1"),
        data_set_kind=DataSetKind.CONTAINER,
        connections=(Connection(relation=Relation.COMPONENT, to=PermId("D-2")),),
    )
    assert content(entry_of(container), "DATA_SET", "D-1") == (
        f'<x:xd code="D-1" dsKind="CONTAINER" kind="DATA_SET" {STAMPS} type="A_DATA_SET_TYPE">'
        '<x:connections><x:connection to="D-2" type="Component"/></x:connections></x:xd>'
    )


def test_a_link_data_set_has_copies_and_then_files_that_nobody_serves() -> None:
    linked = a_data_set(
        perm_id=PermId("D-1"),
        data_set_kind=DataSetKind.LINK,
        files=(FileNode(path="logs/a.txt", length=11, crc32=1, checksum="SHA256:ab"),),
        content_copies=(
            ContentCopy(
                external_dms=Code("GIT"),
                external_code="ITEM",
                git_commit_hash="0a1b",
                git_repository_id="5f0c",
                id="41",
                path="/srv/repos",
            ),
            ContentCopy(external_dms=Code("WEB")),
        ),
    )
    assert content(entry_of(linked), "DATA_SET", "D-1") == (
        f'<x:xd code="D-1" dsKind="LINK" kind="DATA_SET" {STAMPS} type="A_DATA_SET_TYPE">'
        '<x:binaryData><x:contentCopy externalCode="ITEM" externalDMS="GIT" gitCommitHash="0a1b"'
        ' gitRepositoryId="5f0c" id="41" path="/srv/repos"/><x:contentCopy externalDMS="WEB"/>'
        '<x:fileNode checksum="SHA256:ab" crc32checksum="1" length="11"'
        f' path="{DOWNLOADS}/D-1/logs/a.txt?"/></x:binaryData></x:xd>'
    )


def test_a_service_file_with_content_is_sent_inline() -> None:
    entry = service_file_entry(ADDRESSES, a_service_file("notes/a b.txt", b"hello world")).decode()
    assert content(entry, "FILE", "notes/a b.txt") == (
        '<x:xd kind="FILE" path="notes/a b.txt">aGVsbG8gd29ybGQ=</x:xd>'
    )


def test_an_empty_service_file_is_an_element_without_content() -> None:
    entry = service_file_entry(ADDRESSES, a_service_file("a.txt", b"")).decode()
    assert content(entry, "FILE", "a.txt") == '<x:xd kind="FILE" path="a.txt"/>'


def test_a_service_file_without_content_says_where_it_is_served() -> None:
    file = ServiceFile(path="notes/a b.txt", modified=MODIFIED, length=11, sha256="ab" * 32)
    assert content(service_file_entry(ADDRESSES, file).decode(), "FILE", "notes/a b.txt") == (
        '<x:xd kind="FILE" path="notes/a b.txt"'
        f' href="{DOWNLOADS}/file-service/notes/a%20b.txt" length="11"'
        f' checksum="SHA256:{"ab" * 32}"/>'
    )
