"""Which files of an owner are listed, with which times and checksums, and what is unknown."""

from __future__ import annotations

import os
import shutil
import tracemalloc
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path

import pytest

from shared.model.entities import Entity, FileNode
from shared.model.kinds import Kind
from shared.model.unknown import Reason
from source_server.catalogues.openbis.catalogue import OpenBisAccess, OpenBisCatalogue
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.looks import whenever_a_folder_is_looked_into
from tests.support.openbis.reading import entities
from tests.support.openbis.unknown_parts import (
    NOT_AVAILABLE,
    files_are,
    folder_of_everybody,
    note,
    of_data_set,
    set_status,
    without_privileges,
)
from tests.support.openbis_made import afs
from tests.support.openbis_made.afs import BOGS, CORES, OF_EXPERIMENT, SEALED, Owner, folder_of
from tests.support.openbis_made.database import PATH_INFO
from tests.support.servers.postgres import run

AWAY = files_are(Reason.NOT_MOUNTED, "data store AFS")
NEW = md5(b"new", usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Site:
    """The made instance of schema 213 with AFS data, as copies of the test's own."""

    url: str
    path_info: str
    store: Path
    open: OpenCatalogue

    def catalogue(self, *, computed: bool = False) -> OpenBisCatalogue:
        return self.open(
            self.url,
            store_root=self.store,
            path_info_url=self.path_info,
            access=OpenBisAccess(computes_afs_checksums=computed),
        )

    def listed(self, owner: Owner = CORES, *, computed: bool = False) -> Entity:
        return entities(self.catalogue(computed=computed), Kind.DATA_SET)[owner.perm_id]

    def node(self, path: str, owner: Owner = CORES, *, computed: bool = False) -> FileNode:
        (node,) = (n for n in self.listed(owner, computed=computed).files if n.path == path)
        return node

    def folder(self, owner: Owner = CORES) -> Path:
        return folder_of(self.store, owner)

    def feed(self, owner: Owner, **checksums: str) -> None:
        """Path info notes the content of an owner, as the service feeds it once it is sealed."""
        run(
            self.path_info,
            "insert into data_sets select max(id) + 1, '<code>', 'x' from data_sets".replace(
                "<code>", owner.perm_id
            ),
        )
        for path, content in afs.CONTENT[owner].items():
            note(self.path_info, path, code=owner.perm_id, crc32="null")
            run(
                self.path_info,
                "update data_set_files set size_in_bytes = <size>,"
                " last_modified = '2024-05-01 06:00:00.123+00'"
                " where id = (select max(id) from data_set_files)".replace(
                    "<size>", str(len(content))
                ),
                *(
                    f"update data_set_files set {column} = {value}"  # noqa: S608
                    " where id = (select max(id) from data_set_files)"
                    for column, value in checksums.items()
                ),
            )


@pytest.fixture
def site(copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, tmp_path: Path) -> Site:
    afs.write_afs_store(tmp_path / "store")
    return Site(
        copy_openbis("made_213"), copy_openbis(PATH_INFO), tmp_path / "store", open_catalogue
    )


def test_length_and_time_are_those_of_the_file(site: Site) -> None:
    os.utime(site.folder() / "notes.txt", ns=(0, 1_700_000_000_123_999_999))

    node = site.node("notes.txt")

    assert node.length == len(afs.NOTES)
    assert node.modified == datetime(2023, 11, 14, 22, 13, 20, 123_000, UTC)


@pytest.mark.parametrize("year", [1901, 2400])
def test_a_strange_time_of_a_file_is_listed(site: Site, year: int) -> None:
    moment = datetime(year, 1, 1, tzinfo=UTC)
    os.utime(site.folder() / "notes.txt", (0, moment.timestamp()))
    there = datetime.fromtimestamp((site.folder() / "notes.txt").stat().st_mtime, UTC)

    listed = site.listed()

    (node,) = (n for n in listed.files if n.path == "notes.txt")
    assert node.modified == there
    assert listed.modified <= datetime.now(UTC) + timedelta(seconds=1)


def _write_at(file: Path, moment: float) -> None:
    file.write_bytes(b"n" * len(afs.NOTES))
    os.utime(file, (moment, moment))


CHANGES: dict[str, Callable[[Path], object]] = {
    "a file is written": lambda folder: (folder / "notes.txt").write_bytes(b"more"),
    "a file in a folder is written": lambda folder: next(folder.glob("deep/er/h*")).write_bytes(
        b""
    ),
    "a file is added": lambda folder: (folder / "deep/new.txt").write_bytes(b"new"),
    "a file is removed": lambda folder: (folder / "deep/er/none.dat").unlink(),
    "a file is moved": lambda folder: (folder / "notes.txt").rename(folder / "deep/notes.txt"),
    "a folder is made": lambda folder: (folder / "deep/er/new").mkdir(),
    "a folder is removed": lambda folder: (folder / "empty folder").rmdir(),
    "a file is thrown away": lambda folder: (folder / "notes.txt").rename(
        folder / ".afs.trash/notes.txt"
    ),
    "a file is written and its time set back": lambda folder: _write_at(folder / "notes.txt", 1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_after_a_list_is_later_than_that_list(site: Site, change: str) -> None:
    """A client that compares the time of an entity with the ``at`` of its last list misses none."""
    catalogue = site.catalogue()
    with catalogue.snapshot() as view:
        at = view.at
        everything = afs_of(catalogue)
    CHANGES[change](site.folder())

    assert everything[CORES.perm_id] != afs_of(catalogue)[CORES.perm_id]
    assert afs_of(catalogue)[CORES.perm_id].modified > at


def afs_of(catalogue: OpenBisCatalogue) -> dict[str, Entity]:
    return {k: e for k, e in entities(catalogue, Kind.DATA_SET).items() if e.is_afs}


def test_the_time_of_an_owner_is_the_latest_of_row_files_and_folders(site: Site) -> None:
    folder = site.folder(SEALED)
    latest = max(
        max(status.st_ctime, status.st_mtime)
        for status in (folder.stat(), *(each.stat() for each in folder.iterdir()))
    )
    assert 0 <= site.listed(SEALED).modified.timestamp() - latest < 1

    row = "update data_all set modification_timestamp = '2999-05-05 05:05:05.5+00'"
    run(site.url, f"{row} where code = '{SEALED.perm_id}'")
    assert site.listed(SEALED).modified == datetime(2999, 5, 5, 5, 5, 5, tzinfo=UTC)
    assert site.listed(afs.NOTHING_THERE).modified < datetime(2025, 1, 1, tzinfo=UTC)


def test_what_is_no_content_is_hidden(site: Site) -> None:
    (site.folder() / "deep" / ".afs-sync-backup-2").mkdir()
    (site.folder() / ".afs-sync-backup-file").write_bytes(b"hidden")
    listed = site.listed()

    paths = [node.path for node in listed.files]
    assert paths == sorted(afs.CONTENT[CORES], key=str.encode)
    assert set(paths).isdisjoint(afs.HIDDEN)
    assert listed.empty_folders == ("deep/.afs-sync-backup-2", *afs.EMPTY_FOLDERS)
    assert listed.unknown == ()


def test_empty_folders_that_the_service_leaves_behind_are_no_content(site: Site) -> None:
    for path in (".afs.trash/old.txt", ".afs.snapshots/notes.txt/2024_03_01_12_30_00_045"):
        (site.folder() / path).unlink()

    assert site.listed().empty_folders == afs.EMPTY_FOLDERS


def test_an_owner_whose_files_are_all_gone_has_none(site: Site) -> None:
    shutil.rmtree(site.folder())
    site.folder().mkdir()

    listed = site.listed()
    assert (listed.files, listed.empty_folders, listed.unknown) == ((), (), ())


@pytest.mark.parametrize("place", ["the folder", "the share", "the store", "an empty share"])
def test_a_missing_folder_is_unknown_and_not_empty(site: Site, place: str) -> None:
    shutil.rmtree(
        {"the folder": site.folder(), "the store": site.store}.get(place, site.store / "1")
    )
    if place == "an empty share":
        (site.store / "1").mkdir()

    listed = site.listed()
    assert (listed.files, listed.empty_folders, listed.unknown) == ((), (), AWAY)


def test_an_owner_without_a_place_in_the_database_is_unknown(site: Site) -> None:
    run(site.url, of_data_set("update external_data set location = null", CORES.perm_id))
    assert site.listed().unknown == AWAY
    run(site.url, of_data_set("delete from external_data", CORES.perm_id))
    assert site.listed().unknown == AWAY


def test_a_folder_is_found_in_another_share(site: Site) -> None:
    shutil.move(site.store / "1", site.store / "7")
    assert [node.path for node in site.listed().files] == sorted(afs.CONTENT[CORES], key=str.encode)
    shutil.rmtree(site.store / "2")
    assert site.listed(OF_EXPERIMENT).unknown == AWAY


@pytest.mark.parametrize("status", NOT_AVAILABLE)
def test_archived_data_is_listed_as_path_info_knows_it(site: Site, status: str) -> None:
    site.feed(SEALED, checksum_crc32="-1")
    note(site.path_info, ".afs/a.txt-hash.md5", code=SEALED.perm_id)
    note(site.path_info, "series.h5", is_directory=True, code=SEALED.perm_id)
    note(site.path_info, "series.h5/values", code=SEALED.perm_id)
    set_status(site.url, status, SEALED.perm_id)

    listed = site.listed(SEALED)

    moment = datetime(2024, 5, 1, 6, 0, 0, 123_000, UTC)
    assert listed.files == tuple(
        FileNode(path=path, length=len(content), crc32=2**32 - 1, modified=moment)
        for path, content in afs.CONTENT[SEALED].items()
    )
    (mark,) = listed.unknown
    assert mark.reason is Reason.ARCHIVED
    assert "'series.h5'" in str(mark.detail)


def test_files_that_cannot_be_listed_are_named(site: Site) -> None:
    folder = site.folder()
    (site.store / "secret.txt").write_text("secret")
    (folder / "out").symlink_to(site.store / "secret.txt")
    (folder / "to a cache").symlink_to(".afs/notes.txt-hash.md5")
    (folder / "same").symlink_to("notes.txt")
    (folder / "folder").symlink_to("deep")
    os.mkfifo(folder / "pipe")
    (folder / "bell\x07").write_text("ding")
    (folder / "empty\x07").mkdir()

    listed = site.listed()

    assert site.node("same").length == len(afs.NOTES)
    assert {node.path for node in listed.files} == {*afs.CONTENT[CORES], "same"}
    bad, unreadable = listed.unknown
    assert (bad.reason, unreadable.reason) == (Reason.BAD_NAME, Reason.UNREADABLE)
    assert bad.detail == "2 files cannot be listed: 'bell\\x07', 'empty\\x07'"
    assert unreadable.detail == "4 files cannot be read: 'folder', 'out', 'pipe', ..."


def test_what_the_system_refuses_to_read_is_unknown(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    with folder_of_everybody() as root:
        afs.write_afs_store(root)
        catalogue = open_catalogue(copy_openbis("made_213"), store_root=root)
        folder = folder_of(root, CORES)
        (folder / "notes.txt").chmod(0)
        (folder / "deep" / "er").chmod(0)
        with without_privileges():
            listed = entities(catalogue, Kind.DATA_SET)[CORES.perm_id]
        folder.chmod(0)
        with without_privileges():
            closed = entities(catalogue, Kind.DATA_SET)[CORES.perm_id]
        for place in (folder, folder / "deep" / "er"):
            place.chmod(0o755)

    assert "notes.txt" in {node.path for node in listed.files}
    detail = "2 files cannot be read: 'deep/er', 'notes.txt'"
    assert listed.unknown == files_are(Reason.UNREADABLE, detail)
    assert closed.files == ()
    assert closed.unknown == files_are(Reason.UNREADABLE, "1 file cannot be read: '.'")


def _cache(site: Site, digits: bytes, *, age: int = 0) -> None:
    """Writes the cached hash of the notes; ``age`` is how many seconds older it is than they."""
    file = site.folder() / ".afs" / "notes.txt-hash.md5"
    file.write_bytes(digits)
    moment = (site.folder() / "notes.txt").stat().st_mtime_ns - age * 1_000_000_000
    os.utime(file, ns=(moment, moment))


def test_a_cached_hash_counts_while_it_is_not_older_than_the_file(site: Site) -> None:
    for age, checksum in ((0, f"MD5:{NEW}"), (-5, f"MD5:{NEW}"), (1, None)):
        _cache(site, NEW.upper().encode(), age=age)
        assert site.node("notes.txt").checksum == checksum


@pytest.mark.parametrize(
    "digits", ["", NEW[:-1], NEW + "0", NEW + "\n", "x" * 32, f"{NEW}  notes.txt", "\uff11" * 32]
)
def test_a_cache_of_another_form_is_not_used(site: Site, digits: str) -> None:
    _cache(site, digits.encode())
    assert site.node("notes.txt").checksum is None


def test_a_cache_that_is_a_link_or_a_folder_is_not_used(site: Site) -> None:
    cache = site.folder() / ".afs" / "notes.txt-hash.md5"
    cache.rename(site.store / "elsewhere")
    cache.symlink_to(site.store / "elsewhere")
    assert site.node("notes.txt").checksum is None
    cache.unlink()
    cache.mkdir()
    assert site.node("notes.txt").checksum is None
    shutil.rmtree(site.folder() / ".afs")
    (site.folder() / ".afs").symlink_to(site.store)
    assert site.node("notes.txt").checksum is None


def test_by_default_no_file_is_read(site: Site) -> None:
    checked = {node.path for node in site.listed().files if node.checksum}
    assert checked == {"notes.txt"}
    assert {node.checksum for node in site.listed(SEALED).files} == {None}


def test_checksums_are_computed_if_it_is_asked_for(site: Site) -> None:
    (site.folder() / "same").symlink_to("table 100%.csv")
    listed = site.listed(computed=True)

    contents = {**afs.CONTENT[CORES], "same": afs.CONTENT[CORES]["table 100%.csv"]}
    assert {node.path: node.checksum for node in listed.files} == {
        path: f"MD5:{md5(content, usedforsecurity=False).hexdigest()}"
        for path, content in contents.items()
    }


def test_a_computed_checksum_is_that_of_the_file_as_it_is_now(site: Site) -> None:
    catalogue = site.catalogue(computed=True)
    file = site.folder() / "table 100%.csv"
    for content in (b"a,b\n1,2\n", b"a,b\n1,3\n", b"longer than that"):
        os.utime(file, (1, 1))
        file.write_bytes(content)
        os.utime(file, (1, 1))
        nodes = {node.path: node for node in afs_of(catalogue)[CORES.perm_id].files}
        digest = md5(content, usedforsecurity=False).hexdigest()
        assert nodes[file.name].checksum == f"MD5:{digest}"


def test_checksums_of_sealed_data_are_those_of_path_info(site: Site) -> None:
    site.feed(SEALED, checksum_crc32=str(zlib.crc32(b"x") - 2**32), checksum="'SHA256:ab'")
    site.feed(BOGS, checksum_crc32="7")
    site.feed(CORES, checksum="'SHA256:ab'")

    for node in site.listed(SEALED, computed=True).files:
        assert (node.crc32, node.checksum) == (zlib.crc32(b"x"), "SHA256:ab")
        assert node.modified is not None
        assert node.modified.year > 2025
    (node,) = site.listed(BOGS, computed=True).files
    assert (node.crc32, node.checksum) == (7, None)
    # what path info says of data that may still change is not taken
    assert site.node("table 100%.csv").checksum is None
    assert "SHA256:ab" not in {node.checksum for node in site.listed(computed=True).files}


@pytest.mark.parametrize("schema", ["made_199", "made_202"])
def test_each_schema_tells_which_data_is_sealed(
    site: Site, load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, schema: str
) -> None:
    site.feed(BOGS, checksum_crc32="7")
    catalogue = open_catalogue(
        load_openbis(schema), store_root=site.store, path_info_url=site.path_info
    )
    (node,) = afs_of(catalogue)[BOGS.perm_id].files
    assert node.crc32 == 7


def test_before_data_could_be_sealed_path_info_is_not_asked(
    site: Site, load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    site.feed(BOGS, checksum_crc32="7")
    catalogue = open_catalogue(
        load_openbis("made_197"), store_root=site.store, path_info_url=site.path_info
    )
    (node,) = afs_of(catalogue)[BOGS.perm_id].files
    assert (node.crc32, node.checksum) == (None, None)


def test_sealed_files_that_were_lost_or_cut_are_unknown(site: Site) -> None:
    site.feed(SEALED)
    note(site.path_info, ".afs/a.txt-hash.md5", code=SEALED.perm_id)
    (site.folder(SEALED) / "a.txt").write_bytes(b"cut")
    (site.folder(SEALED) / "b.txt").unlink()
    (site.folder(SEALED) / "series.h5").write_bytes(b"container")
    note(site.path_info, "series.h5/values", code=SEALED.perm_id)

    listed = site.listed(SEALED)

    assert [node.path for node in listed.files] == ["series.h5"]
    detail = "2 files cannot be read: 'a.txt', 'b.txt'"
    assert listed.unknown == files_are(Reason.UNREADABLE, detail)


def test_a_sealed_folder_without_any_file_of_its_bytes_is_unknown(site: Site) -> None:
    for file in site.folder(BOGS).rglob("*.csv"):
        file.unlink()

    listed = site.listed(BOGS)

    detail = "openBIS has noted 4 bytes, there is no file"
    assert listed.unknown == files_are(Reason.NOT_MOUNTED, detail)


def test_an_owner_that_is_written_to_all_the_time_loses_nothing(site: Site) -> None:
    count = 0

    def write(place: Path) -> None:
        nonlocal count
        if place == site.folder():
            count += 1
            (place / f"new {count}").touch()
            os.utime(place, (count, count))

    catalogue = site.catalogue()
    with whenever_a_folder_is_looked_into(write):
        listed = afs_of(catalogue)[CORES.perm_id]

    assert {node.path for node in listed.files} >= set(afs.CONTENT[CORES])
    detail = "it was written to again and again while it was listed"
    assert listed.unknown == files_are(Reason.UNREADABLE, detail)
    assert afs_of(catalogue)[CORES.perm_id].unknown == ()


def test_an_owner_is_looked_at_once_for_a_list(site: Site) -> None:
    looked_into: Counter[Path] = Counter()
    with whenever_a_folder_is_looked_into(lambda place: looked_into.update([place])):
        afs_of(site.catalogue())

    owners = {site.folder(owner) for owner in afs.CONTENT if not owner.gone}
    assert {place: looked_into[place] for place in owners} == dict.fromkeys(owners, 1)
    assert site.folder(afs.TRASHED) not in looked_into


def test_a_hundred_thousand_files_of_one_owner_take_little_memory(site: Site) -> None:
    for number in range(100):
        folder = site.folder() / f"day {number:03}"
        folder.mkdir()
        for name in range(1_000):
            os.mknod(folder / f"image {name:04}.tif")
    catalogue = site.catalogue()

    tracemalloc.start()
    try:
        found = afs_of(catalogue)[CORES.perm_id].files
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(found) == 100_000 + len(afs.CONTENT[CORES])
    assert peak < 60_000_000
