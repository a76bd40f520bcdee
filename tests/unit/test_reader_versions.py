"""Lists of both versions of the original and of others, with their faults.

See wire-format.md, 1.7 and 7."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

import pytest

from shared.model.entities import Attachment, AttachmentVersion, Entity, FileNode, ServiceFile
from shared.model.kinds import DataSetKind, Frozen, Kind
from shared.resourcesync.items import ListHead, ListItem, RecordFault
from shared.resourcesync.reader import read_resource_list
from shared.resourcesync.terms import RS, SITEMAP, XMD, X
from shared.resourcesync.v20.version import V20
from tests.support.instances.builders import a_data_set, a_sample, a_service_file, some_master_data
from tests.support.instances.resource_lists import AT, DOWNLOADS, a_list, opening, read, the_example

STAMPS = 'registration-timestamp="2024-01-10T09:00:00Z" registrator="mira"'


def record(kind: str, perm_id: str, attributes: str, inner: str = "") -> ListItem:
    """What one entry is read as."""
    entry = f'{opening(kind, perm_id)}<x:xd kind="{kind}" {attributes}>{inner}</x:xd></url>'
    [item] = read(a_list([entry]))[1:]
    return item


def entity(kind: str, perm_id: str, attributes: str, inner: str = "") -> Entity:
    item = record(kind, perm_id, f"{STAMPS} {attributes}", inner)
    assert isinstance(item, Entity), item
    return item


SAMPLE = 'code="S" type="T"'


def a_list_of_version_1() -> bytes:
    """In its manner: sorted attributes, pages of the user interface, blanks before, all empty
    values written, no XML declaration, characters as references."""
    return (
        f'      <urlset xmlns="{SITEMAP}" xmlns:rs="{RS}" xmlns:x="{X}" xmlns:xmd="{XMD}">\n'
        '<rs:md at="2024-03-05T09:14:07+00:00" capability="resourcelist" />'
        "<url><loc>https://h/openbis?viewMode=SIMPLE&amp;anonymous=true#entity=SAMPLE&amp;"
        "permId=20240110091200003-16</loc><lastmod>2024-02-03T12:00:00Z</lastmod>"
        '<rs:ln href="https://h/openbis/SAMPLE/20240110091200003-16/M" rel="describedby" /></url>'
        "<url><loc>https://h/openbis/SAMPLE/20240110091200003-16/M</loc>"
        "<lastmod>2024-02-03T12:00:00Z</lastmod>"
        '<x:xd code="BRW1" experiment="" kind="SAMPLE" modifier="" project="" registrator=""'
        ' registration-timestamp="2024-01-10T09:12:00+00:00" space="" type="BREW"><x:properties>'
        "<x:property><x:code>$NAME</x:code><x:value>Gr&#252;ner Krug</x:value></x:property>"
        '</x:properties><x:connections><x:connection to="D-1" type="Connection" />'
        '<x:connection to="20240110091300004-17" type="Child" /></x:connections><x:binaryData>'
        '<x:attachment description="" fileName="a.txt" latestVersion="3" permink="x" title="" />'
        "</x:binaryData></x:xd></url>"
        "<url><loc>https://h/openbis#entity=PROJECT&amp;code=KITCHEN&amp;space=ALPHA</loc>"
        "<lastmod>2024-02-03T12:00:00Z</lastmod></url></urlset>"
    ).encode()


def test_a_list_of_version_1_is_read_without_its_duplicates() -> None:
    head, sample = read(a_list_of_version_1())
    assert head == ListHead(at=AT)
    assert isinstance(sample, Entity)
    assert (sample.kind, sample.perm_id) == (Kind.SAMPLE, "20240110091200003-16")
    assert (sample.space, sample.project, sample.experiment) == (None, None, None)
    assert (sample.registrator, sample.modifier) == (None, None)
    assert sample.registered == datetime(2024, 1, 10, 9, 12, tzinfo=UTC)
    assert sample.properties == {"$NAME": "Grüner Krug"}
    assert [edge.to for edge in sample.connections] == ["20240110091300004-17"]
    version = AttachmentVersion(version=3)
    assert sample.attachments == (Attachment(file_name="a.txt", versions=(version,)),)


def test_connections_of_experiments_and_projects_are_ignored() -> None:
    edges = '<x:connections><x:connection to="S-1" type="Connection"/></x:connections>'
    experiment = entity("EXPERIMENT", "E", 'code="E" type="T" space="A" project="P"', edges)
    assert experiment.connections == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"https://sis.id.ethz.ch/software/#openbis/xdterms/"', b'"urn:x"'),
        (b'"https://sis.id.ethz.ch/software/#openbis/xmdterms/"', b'"urn:xmd"'),
        (b'"http://www.openarchives.org/rs/terms/"', b'"urn:rs"'),
        (b'"http://www.sitemaps.org/schemas/sitemap/0.9"', b'"urn:sitemap"'),
        (b'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"', b""),
        (b"xmlns:xmd=", b"xmlns:q="),
        (b"xmlns:rs=", b"xmlns:q="),
        (b"xmlns:x=", b"xmlns:q="),
        (b"lastmod>", b"LastMod>"),
    ],
)
def test_names_are_known_by_prefix_or_by_namespace(old: bytes, new: bytes) -> None:
    document = the_example().replace(old, new)
    assert document != the_example()
    prefix = old.partition(b"xmlns:")[2].rstrip(b"=")
    if prefix:
        document = document.replace(b"<%s:" % prefix, b"<q:").replace(b"</%s:" % prefix, b"</q:")
    assert read(document) == read(the_example())


def test_the_sitemap_namespace_may_have_a_prefix() -> None:
    text = the_example().decode().replace("xmlns=", "xmlns:s=")
    for name in ("urlset", "url", "loc", "lastmod"):
        text = text.replace(f"<{name}>", f"<s:{name}>").replace(f"</{name}>", f"</s:{name}>")
    text = text.replace("<urlset ", "<s:urlset ")
    assert read(text.encode()) == read(the_example())


def test_elements_of_strangers_are_not_taken_for_ours() -> None:
    inner = f'<y:properties xmlns:y="urn:y"><x:property/></y:properties><code xmlns="{XMD}"/>'
    assert entity("SAMPLE", "S", SAMPLE, inner).properties == {}


def test_attribute_values_are_trimmed_but_descriptions_and_values_are_not() -> None:
    space = entity("SPACE", "A", 'code=" A " desc=" first  floor " modifier=" "')
    assert (space.code, space.description, space.modifier) == ("A", " first  floor ", None)
    inner = (
        "<x:properties><x:property><x:code>\n P </x:code><x:value> v\n</x:value></x:property>"
        "<x:property><x:code>Q</x:code><x:value/></x:property></x:properties>"
    )
    assert entity("SAMPLE", "S", SAMPLE, inner).properties == {"P": " v\n", "Q": ""}


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_a_blank_description_is_none(blank: str) -> None:
    assert entity("SPACE", "A", f'code="A" desc="{blank}"').description is None


@pytest.mark.parametrize(
    ("text", "frozen"), [("true", True), ("TRUE", True), (" True", True), ("1", False), ("", False)]
)
def test_frozen_flags_are_true_in_any_case(text: str, *, frozen: bool) -> None:
    sample = entity("SAMPLE", "S", f'{SAMPLE} frozenForParents="{text}"')
    assert sample.frozen == (Frozen.FOR_PARENTS if frozen else Frozen(0))


def test_flags_and_attributes_that_a_kind_does_not_have_are_ignored() -> None:
    space = entity("SPACE", "A", 'code="A" space="B" type="T" frozenForParents="true"')
    assert (space.space, space.type, space.frozen) == (None, None, Frozen(0))


def test_blocks_that_come_twice_are_read_as_one() -> None:
    inner = "".join(
        f"<x:properties><x:property><x:code>P{n}</x:code><x:value>{n}</x:value></x:property>"
        f'</x:properties><x:connections><x:connection to="S-{n}" type="Child"/></x:connections>'
        f'<x:binaryData><x:attachment fileName="{n}" latestVersion="{n}"/></x:binaryData>'
        for n in (1, 2)
    )
    sample = entity("SAMPLE", "S", SAMPLE, inner)
    assert sample.properties == {"P1": "1", "P2": "2"}
    assert [edge.to for edge in sample.connections] == ["S-1", "S-2"]
    assert [each.latest.version for each in sample.attachments] == [1, 2]


def test_unknown_elements_are_ignored_and_the_parts_of_a_property_come_in_any_order() -> None:
    inner = (
        "<x:properties><x:property><x:unit/><x:value>1</x:value><x:code>P</x:code></x:property>"
        "<x:more/></x:properties><x:connections><x:more/></x:connections>"
        '<x:binaryData><x:more/><x:attachment fileName="a" latestVersion="1"><x:more/>'
        "</x:attachment></x:binaryData>"
    )
    sample = entity("SAMPLE", "S", SAMPLE, inner)
    assert (sample.properties, sample.connections) == ({"P": "1"}, ())
    assert [each.latest.version for each in sample.attachments] == [1]


def test_our_versions_of_an_attachment_are_read_in_ascending_order() -> None:
    digest = "AB" * 32
    inner = (
        '<x:binaryData><x:attachment fileName="a.txt" latestVersion="10">'
        f'<x:version number="10" checksum="SHA256:{digest}" length="5" href="https://h/a"/>'
        '<x:version number="9" title="t" registration-timestamp="2024-03-05T09:14:07Z"/>'
        "</x:attachment></x:binaryData>"
    )
    [attachment] = entity("SAMPLE", "S", SAMPLE, inner).attachments
    old, new = attachment.versions
    assert old == AttachmentVersion(version=9, title="t", registered=AT)
    assert new == AttachmentVersion(version=10, length=5, sha256=digest.lower())
    assert new.href == "https://h/a"


@pytest.mark.parametrize("checksum", ["MD5:ab", "ab" * 32, "SHA256:ab", "SHA256:" + "zz" * 32])
def test_a_version_with_a_checksum_that_is_no_sha256_is_a_fault(checksum: str) -> None:
    version = f'<x:version number="1" checksum="{checksum}"/>'
    inner = f'<x:binaryData><x:attachment fileName="a">{version}</x:attachment></x:binaryData>'
    fault = record("SAMPLE", "S", SAMPLE, inner)
    assert isinstance(fault, RecordFault)
    assert "attachment 'a': the attribute checksum" in fault.reason


def test_an_attachment_listed_twice_is_a_fault() -> None:
    inner = '<x:binaryData><x:attachment fileName="a" latestVersion="1"/></x:binaryData>'
    fault = record("SAMPLE", "S", SAMPLE, inner * 2)
    assert isinstance(fault, RecordFault)
    assert "the attachment 'a' is listed twice" in fault.reason


def a_file(kind: DataSetKind, attributes: str) -> FileNode:
    inner = f"<x:binaryData><x:fileNode {attributes}/></x:binaryData>"
    [node] = entity("DATA_SET", "D", f'code="D" type="T" dsKind="{kind}"', inner).files
    return node


@pytest.mark.parametrize("kind", [DataSetKind.PHYSICAL, DataSetKind.LINK])
@pytest.mark.parametrize(
    ("path", "relative"),
    [
        (f"{DOWNLOADS}/D/original/a b.txt?", "original/a b.txt"),
        (f"{DOWNLOADS}/D/original/what??", "original/what?"),
        (f"{DOWNLOADS}/D/original/datastore_server/D/x?", "original/datastore_server/D/x"),
        ("/datastore_server/D/a", "a"),
        ("original/a.txt", "original/a.txt"),
        ("what?", "what?"),
        (f"{DOWNLOADS}/D/../../etc/passwd?", "../../etc/passwd"),
        (f"{DOWNLOADS}/D//etc/passwd?", "/etc/passwd"),
        (r"..\..\etc", r"..\..\etc"),
        ("", ""),
    ],
)
def test_the_path_of_a_file_is_freed_from_its_address_and_else_kept(
    kind: DataSetKind, path: str, relative: str
) -> None:
    assert a_file(kind, f'length="1" path="{path}"').path == relative


@pytest.mark.parametrize(
    ("text", "crc32"),
    [("222957957", 222957957), ("-873187034", 3421780262), ("3421780262", 3421780262), ("", None)],
)
def test_a_crc_may_be_signed_or_unsigned(text: str, crc32: int | None) -> None:
    assert a_file(DataSetKind.PHYSICAL, f'length="1" crc32checksum="{text}"').crc32 == crc32


@pytest.mark.parametrize(
    ("text", "checksum"),
    [("MD5:ab", "MD5:ab"), ("ab", None), (":ab", None), ("MD5:", None), ("a:b:c", None)],
)
def test_a_checksum_without_type_is_ignored(text: str, checksum: str | None) -> None:
    assert a_file(DataSetKind.LINK, f'length="1" checksum="{text}"').checksum == checksum


def test_binary_data_of_a_container_are_ignored() -> None:
    inner = '<x:binaryData><x:fileNode length="x"/></x:binaryData>'
    container = entity("DATA_SET", "D", 'code="D" type="T" dsKind="CONTAINER"', inner)
    assert (container.files, container.content_copies) == ((), ())


@pytest.mark.parametrize("text", ["aGVsbG8gd29ybGQ=", "aGVsbG8gd29ybGQ", "\n aGVsbG8gd29ybGQ=\n"])
def test_the_content_of_a_file_may_lack_its_padding(text: str) -> None:
    file = record("FILE", "a/b.txt", 'path="a/b.txt"', text)
    assert file == a_service_file("a/b.txt", b"hello world")


@pytest.mark.parametrize("attributes", ["", 'length="7"', 'checksum="SHA256:00"'])
def test_an_empty_file_is_inline_unless_an_address_is_given(attributes: str) -> None:
    empty = record("FILE", "a", f'path="a" {attributes}')
    assert empty == a_service_file("a", b"")


def test_a_file_with_an_address_has_length_and_checksum_in_place_of_content() -> None:
    digest = sha256(b"x").hexdigest()
    attributes = f'path="a" href="https://h/a" length="1" checksum="SHA256:{digest}"'
    file = record("FILE", "a", attributes)
    assert isinstance(file, ServiceFile)
    assert (file.content, file.href, file.length, file.sha256) == (None, "https://h/a", 1, digest)


@pytest.mark.parametrize("attributes", ['length="1"', f'checksum="SHA256:{"0" * 64}"'])
def test_a_file_with_an_address_that_cannot_be_verified_is_a_fault(attributes: str) -> None:
    fault = record("FILE", "a", f'path="a" href="https://h/a" {attributes}')
    assert isinstance(fault, RecordFault)


@pytest.mark.parametrize("name", ["a/M", "SAMPLE/x", "FILE/y/M"])
def test_a_path_or_a_code_may_look_like_a_loc(name: str) -> None:
    assert record("FILE", name, f'path="{name}"') == a_service_file(name, b"")


def test_the_server_may_have_the_name_of_a_kind_in_its_address() -> None:
    document = a_list([a_sample()]).replace(b"https://h:8443/openbis", b"https://h/SAMPLE/openbis")
    assert read(document)[1:] == [a_sample()]


def test_a_list_with_line_breaks_between_all_elements_is_the_same_list() -> None:
    document = a_list([some_master_data(), a_sample(properties={"NOTES": "x"}), a_data_set()])
    assert read(document.replace(b"><", b">\n\t<")) == read(document)


def test_the_reader_takes_any_iterable_of_bytes() -> None:
    document = a_list([a_sample()])
    assert list(read_resource_list([document[:99], b"", document[99:]], V20))[1:] == [a_sample()]
