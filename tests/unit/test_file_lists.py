"""The list of files: whole or in parts, who gets the parts, and what it does about the unknown."""

from __future__ import annotations

import gzip
import os
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.errors import NotNowError
from shared.model.entities import Attachment, AttachmentVersion, Entity, FileNode
from shared.model.ids import Code
from shared.model.kinds import DataSetKind, Kind
from shared.model.unknown import Part, Reason, Unknown
from shared.resourcesync.addresses import Addresses
from shared.resourcesync.v20.version import V20
from source_server.publication import file_lists
from source_server.publication.catalogue import Scope, Snapshot
from source_server.publication.file_lists import Asked, FileLists, MadeList
from source_server.publication.listed_files import Unseen
from source_server.publication.published import Publication
from source_server.publication.service_files import ServiceFiles
from tests.support.instances.builders import REGISTERED, a_data_set, a_sample
from tests.support.instances.memory_catalogue import MemoryCatalogue
from tests.support.stock_clients.rules import Checked, checked

URL = "http://data.org"
ALPHA = Scope(spaces=frozenset({Code("ALPHA")}))
MIRA = Asked(user_id="mira")
FETCHABLE = replace(MIRA, unseen=Unseen.LEFT_OUT)
STRICT = replace(MIRA, unseen=Unseen.REFUSED)
SHA, MD5 = "a" * 64, "b" * 32
NAMED = (FileNode(path="original/a", length=1),)


def a_publication(root: Path, *stored: Entity) -> Publication:
    return Publication(
        catalogue=MemoryCatalogue(stored=stored),
        addresses=Addresses(server_url=f"{URL}/openbis", download_url=URL),
        service_files=ServiceFiles(root / "file-service", inline_limit=4),
        wire_format=V20,
    )


def alpha(_snapshot: Snapshot) -> Scope:
    return ALPHA


def read(made: MadeList) -> Checked:
    content = b"".join(made.chunks)
    assert len(content) == made.length
    return checked(content)


def listed(root: Path, *stored: Entity, asked: Asked = MIRA) -> dict[str, dict[str, Any]]:
    """Facts of each file, by its address below the prefix."""
    document = read(FileLists(root / "lists").made(a_publication(root, *stored), alpha, asked))
    return {
        entry.loc.removeprefix(f"{URL}/resourcesync/files/"): entry.md | {"at": entry.lastmod}
        for entry in document.entries
    }


def files(count: int) -> tuple[FileNode, ...]:
    return tuple(FileNode(path=f"original/{number}", length=number) for number in range(count))


def marked(*reasons: Reason, **fields: Any) -> Entity:
    marks = tuple(Unknown(part=Part.FILES, reason=each, detail="why") for each in reasons)
    return a_data_set(unknown=marks, **fields)


def test_checksums_are_listed_where_they_are_known_and_times_too(tmp_path: Path) -> None:
    nodes = (
        FileNode(path="original/sha", length=1, checksum=f"SHA256:{SHA.upper()}"),
        FileNode(path="original/md5", length=2, checksum=f"MD5:{MD5}"),
        FileNode(path="original/crc", length=3, crc32=17),
        FileNode(path="original/odd", length=4, checksum="SHA256:12"),
        FileNode(path="original/other", length=5, checksum="SHA512:12"),
        FileNode(path="original/late", length=6, modified=REGISTERED.replace(year=2025)),
    )
    registered = REGISTERED.strftime("%Y-%m-%dT%H:%M:%SZ")
    found = listed(tmp_path, a_data_set(files=nodes))

    assert {path.rpartition("/")[2]: facts for path, facts in found.items()} == {
        "sha": {"hash": f"sha-256:{SHA}", "length": "1", "at": registered},
        "md5": {"hash": f"md5:{MD5}", "length": "2", "at": registered},
        "crc": {"length": "3", "at": registered},
        "odd": {"length": "4", "at": registered},
        "other": {"length": "5", "at": registered},
        "late": {"length": "6", "at": registered.replace("2024", "2025")},
    }


def test_an_edit_of_a_data_set_changes_no_file(tmp_path: Path) -> None:
    before = a_data_set(files=NAMED)
    after = replace(before, modified=before.modified.replace(year=2030))

    assert listed(tmp_path, before) == listed(tmp_path, after)


@pytest.mark.parametrize("kind", [DataSetKind.LINK, DataSetKind.CONTAINER])
def test_files_that_lie_elsewhere_are_not_listed(tmp_path: Path, kind: DataSetKind) -> None:
    assert listed(tmp_path, a_data_set(data_set_kind=kind, files=NAMED)) == {}


def test_each_version_of_an_attachment_with_content_is_listed(tmp_path: Path) -> None:
    versions = (
        AttachmentVersion(version=1, length=3, sha256=SHA, registered=REGISTERED),
        AttachmentVersion(version=2, sha256=SHA),
        AttachmentVersion(version=3, length=3),
    )
    held = (Attachment(file_name="a b.txt", versions=versions),)
    odd = (Attachment(file_name="..", versions=versions),)
    sample = a_sample(attachments=(*held, *odd))
    below = f"attachments/SAMPLE/{sample.perm_id}"

    found = listed(tmp_path, sample)
    assert set(found) == {f"{below}/1/a%20b.txt", f"{below}/2/a%20b.txt"}
    assert found[f"{below}/1/a%20b.txt"]["length"] == "3"
    assert "length" not in found[f"{below}/2/a%20b.txt"]


def test_files_that_texts_mention_are_listed_with_their_sha_256(tmp_path: Path) -> None:
    folder = tmp_path / "file-service"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"more than the limit")
    (folder / "other.png").write_bytes(b"x")
    text = "openbis/file-service/a.png' openbis/file-service/gone.png'"

    found = listed(tmp_path, a_sample(properties={"NOTES": text}))
    assert set(found) == {"file-service/a.png"}
    assert found["file-service/a.png"]["length"] == "19"
    assert len(found["file-service/a.png"]["hash"]) == len("sha-256:") + 64


AWAY = [Reason.ARCHIVED, Reason.NOT_MOUNTED, Reason.NOT_HARVESTED]


@pytest.mark.parametrize("reason", AWAY)
def test_files_that_are_known_by_name_are_listed_although_they_are_away(
    tmp_path: Path, reason: Reason
) -> None:
    data_set = marked(reason, files=NAMED)

    assert len(listed(tmp_path, data_set)) == 1
    assert listed(tmp_path, data_set, asked=FETCHABLE) == {}


@pytest.mark.parametrize("reason", [*AWAY, Reason.NOT_FED, Reason.UNREADABLE, Reason.OTHER])
def test_files_without_known_names_are_left_out_and_logged(
    tmp_path: Path, reason: Reason, caplog: pytest.LogCaptureFixture
) -> None:
    data_set = marked(reason)
    found = listed(tmp_path, data_set, a_data_set(9, files=NAMED))

    assert len(found) == 1
    assert f"data set {data_set.code} ({reason}: why)" in caplog.text
    with pytest.raises(NotNowError, match=f"data set {data_set.code} \\({reason}: why\\)"):
        listed(tmp_path, data_set, asked=STRICT)
    assert listed(tmp_path, data_set, asked=FETCHABLE) == {}


class Away(MemoryCatalogue):
    """A data store is not mounted."""

    def unseen(self) -> Counter[str]:
        return Counter({f"{Reason.NOT_MOUNTED}, data store DSS: /mnt": 3})


def test_there_is_no_list_if_a_disk_is_away_that_has_files_without_known_names(
    tmp_path: Path,
) -> None:
    lists = FileLists(tmp_path / "lists")
    nameless, named = (
        replace(a_publication(tmp_path), catalogue=Away(stored=[marked(reason, files=files)]))
        for reason, files in ((Reason.NOT_MOUNTED, ()), (Reason.NOT_MOUNTED, NAMED))
    )

    assert len(read(lists.made(named, alpha, MIRA)).entries) == 1
    assert read(lists.made(nameless, alpha, FETCHABLE)).entries == ()
    for asked in (MIRA, STRICT):
        with pytest.raises(NotNowError, match="mount the disk"):
            lists.made(nameless, alpha, asked)


def test_an_archived_data_set_forbids_no_list_while_another_disk_is_away(tmp_path: Path) -> None:
    catalogue = Away(stored=[marked(Reason.ARCHIVED)])
    publication = replace(a_publication(tmp_path), catalogue=catalogue)

    assert read(FileLists(tmp_path / "lists").made(publication, alpha, MIRA)).entries == ()


def test_a_name_that_no_list_can_carry_never_was_in_one(tmp_path: Path) -> None:
    assert len(listed(tmp_path, marked(Reason.BAD_NAME, files=NAMED))) == 1


def test_an_empty_folder_of_the_file_service_is_not_mounted(tmp_path: Path) -> None:
    sample = a_sample(properties={"NOTES": "openbis/file-service/a.png'"})
    assert listed(tmp_path, sample) == {}
    (tmp_path / "file-service").mkdir()

    with pytest.raises(NotNowError, match=r"file service: a.png \(not-mounted\)"):
        listed(tmp_path, sample)
    assert listed(tmp_path, sample, asked=FETCHABLE) == {}


def test_a_missing_folder_of_a_data_set_forbids_no_list_where_there_are_no_service_files(
    tmp_path: Path,
) -> None:
    (tmp_path / "file-service").mkdir()
    assert listed(tmp_path, marked(Reason.NOT_MOUNTED)) == {}


def test_an_error_names_some_data_sets_and_the_number_of_all(tmp_path: Path) -> None:
    many = [marked(Reason.ARCHIVED, number=number) for number in range(30)]

    with pytest.raises(NotNowError, match=r"the files of 30 data sets .*, and others\. A"):
        listed(tmp_path, *many, asked=STRICT)


def of_other_people(*stored: Entity) -> Iterator[Entity]:
    for entity in stored:
        yield replace(entity, space=Code("BETA"))


def test_what_is_outside_of_the_scope_is_not_listed(tmp_path: Path) -> None:
    held = (Attachment(file_name="a", versions=(AttachmentVersion(version=1, sha256=SHA),)),)
    assert listed(tmp_path, *of_other_people(a_sample(attachments=held))) == {}


def parts_of(lists: FileLists, publication: Publication, index: Checked) -> list[Checked]:
    found = []
    for loc in index.locs:
        list_id, name = loc.split("/")[-2:]
        file = lists.part(publication, ALPHA, "mira", (list_id, name.removesuffix(".xml")))
        assert file is not None
        with file, gzip.open(file) as unpacked:
            found.append(checked(unpacked.read()))
    return found


@pytest.mark.parametrize(("count", "sizes"), [(3, [3]), (4, [3, 1]), (6, [3, 3]), (7, [3, 3, 1])])
def test_a_list_that_is_too_long_comes_in_parts(
    tmp_path: Path, count: int, sizes: list[int]
) -> None:
    publication = a_publication(tmp_path, a_data_set(files=files(count)))
    lists = FileLists(tmp_path / "lists", most_entries=3)
    made = lists.made(publication, alpha, MIRA)
    document = read(made)
    pages = parts_of(lists, publication, document) if made.is_index else [document]

    assert document.is_index == made.is_index == (len(sizes) > 1)
    assert [len(page.entries) for page in pages] == sizes
    assert len({loc for page in pages for loc in page.locs}) == count


def test_a_part_has_no_more_bytes_than_a_sitemap_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_lists, "_MOST_BYTES", 1_000)
    publication = a_publication(tmp_path, a_data_set(files=files(20)))
    lists = FileLists(tmp_path / "lists")
    pages = parts_of(lists, publication, read(lists.made(publication, alpha, MIRA)))

    assert len(pages) > 3
    assert sum(len(page.entries) for page in pages) == 20


class Parted:
    """A list of two parts."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "lists"
        self.lists = FileLists(self.folder, most_entries=3)
        self.publication = a_publication(root, a_data_set(files=files(4)))

    def made(self, asked: Asked = MIRA) -> str:
        """The id of a new list."""
        index = read(self.lists.made(self.publication, alpha, asked))
        return index.locs[0].split("/")[-2]

    def has(
        self, list_id: str, number: str = "00001", *, scope: Scope = ALPHA, user: str = "mira"
    ) -> bool:
        file = self.lists.part(self.publication, scope, user, (list_id, number))
        if file is not None:
            file.close()
        return file is not None


@pytest.fixture
def parted(tmp_path: Path) -> Parted:
    return Parted(tmp_path)


def test_parts_are_for_the_user_and_the_rights_for_which_they_were_made(parted: Parted) -> None:
    list_id = parted.made()

    assert parted.has(list_id)
    assert parted.has(list_id, user="MIRA")
    assert not parted.has(list_id, user="otto")
    assert not parted.has(list_id, scope=Scope())
    assert parted.has(parted.made(FETCHABLE))


@pytest.mark.parametrize("number", ["00000", "00003", "1", "../00001", "", "0000\u0661"])
def test_there_are_no_other_parts(parted: Parted, number: str) -> None:
    assert not parted.has(parted.made(), number)


@pytest.mark.parametrize("list_id", ["", "..", "x", "0" * 65, f"{'0' * 32}-{'0' * 32}"])
def test_there_are_no_other_lists(parted: Parted, list_id: str) -> None:
    parted.made()
    assert not parted.has(list_id)


def test_an_earlier_list_stays_while_a_later_one_is_read(parted: Parted) -> None:
    first, second = parted.made(), parted.made()
    assert parted.has(first)
    assert parted.has(second)


def test_of_many_lists_of_a_user_the_oldest_go(parted: Parted) -> None:
    other = parted.made(replace(MIRA, user_id="otto"))
    made = []
    for number in range(6):
        made.append(parted.made())
        when = time.time() - 100 + number
        os.utime(parted.folder / made[-1], (when, when))

    assert [parted.has(each) for each in made] == [False, False, True, True, True, True]
    assert parted.has(other, user="otto")


def test_old_lists_go_when_a_new_one_is_made(parted: Parted) -> None:
    old = parted.made(replace(MIRA, user_id="otto"))
    long_ago = time.time() - 24 * 3600
    os.utime(parted.folder / old, (long_ago, long_ago))
    parted.made()

    assert not parted.has(old, user="otto")


class Generated(MemoryCatalogue):
    """Data sets of a thousand files each, which are made when they are read."""

    count = 0

    def entities_of(self, kind: Kind) -> Iterator[Entity]:
        if kind is Kind.DATA_SET:
            yield from (a_data_set(number, files=files(1_000)) for number in range(self.count))


def test_a_list_of_many_files_takes_no_more_memory_than_one_of_few(tmp_path: Path) -> None:
    catalogue = Generated()
    publication = replace(a_publication(tmp_path), catalogue=catalogue)
    peaks = []
    for catalogue.count in (10, 40):
        tracemalloc.start()
        made = FileLists(tmp_path / "lists", most_entries=5_000).made(publication, alpha, MIRA)
        made.chunks.close()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < peaks[0] * 1.2


def test_a_list_that_fails_leaves_nothing(tmp_path: Path) -> None:
    lists = FileLists(tmp_path / "lists", most_entries=3)
    broken = a_publication(
        tmp_path, a_data_set(1, files=files(2_000)), marked(Reason.ARCHIVED, number=2)
    )
    with pytest.raises(NotNowError):
        lists.made(broken, alpha, STRICT)

    assert list((tmp_path / "lists").iterdir()) == []


def test_others_cannot_read_along(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir(mode=0o755)
    lists = FileLists(tmp_path / "lists", most_entries=3)
    with pytest.raises(NotNowError, match="alone can read"):
        lists.made(a_publication(tmp_path, a_data_set(files=files(4))), alpha, MIRA)


def test_a_folder_that_is_not_there_is_answered_with_what_to_do(tmp_path: Path) -> None:
    lists = FileLists(tmp_path / "not" / "there", most_entries=3)
    with pytest.raises(NotNowError, match="make room there"):
        lists.made(a_publication(tmp_path, a_data_set(files=files(4))), alpha, MIRA)
