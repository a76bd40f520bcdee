"""The reference client of ResourceSync, as it is, mirrors the files of an instance."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from resync.resource_list import ResourceList
from resync.url_or_file_open import set_url_or_file_open_config

from shared.model.entities import FileNode
from tests.support.instances.builders import a_data_set, a_sample, some_master_data
from tests.support.instances.full_instance import BIG, DIGITS, HELLO, FullInstance
from tests.support.instances.instance import USER, Instance
from tests.support.stock_clients.mirror import Mirror, mirrored_instance
from tests.support.stock_clients.rules import checked


@pytest.fixture
def mirror(source: Instance, full_instance: FullInstance, tmp_path: Path) -> Iterator[Mirror]:
    del full_instance
    source.add_user()
    with mirrored_instance(source, tmp_path / "client") as mirror:
        yield mirror


def test_a_baseline_brings_all_files_and_an_audit_finds_nothing_to_do(mirror: Mirror) -> None:
    said = mirror.baseline()

    assert "SYNCED" in said, said
    listed = checked(mirror.get("/resourcesync/files/resourcelist.xml").content)
    tree = mirror.tree()
    assert sorted(tree) == sorted(loc.removeprefix(f"{mirror.prefix}/") for loc in listed.locs)
    assert {HELLO, DIGITS, BIG} <= set(tree.values())
    assert {path.split("/")[0] for path in tree} >= {"data-sets", "attachments", "file-service"}
    assert "Status:         IN SYNC" in mirror.audit()


def test_what_is_listed_is_what_is_fetched(mirror: Mirror) -> None:
    listed = checked(mirror.get("/resourcesync/files/resourcelist.xml").content)

    assert any("hash" in entry.md for entry in listed.entries)
    for entry in listed.entries:
        content = mirror.get(entry.loc.removeprefix(mirror.url)).content
        assert int(entry.md["length"]) == len(content)
        if "hash" in entry.md:
            kind, _, digits = entry.md["hash"].partition(":")
            assert hashlib.new(kind.replace("-", ""), content).hexdigest() == digits
        assert entry.lastmod is not None


def test_the_list_need_not_be_looked_for(mirror: Mirror) -> None:
    prefix, folder = mirror.prefix, str(mirror.files)
    by_capabilities = mirror.resync(
        "--baseline", "--capabilitylist", f"{prefix}/capabilitylist.xml", prefix, folder
    )
    by_list = mirror.resync("--audit", "--sitemap", f"{prefix}/resourcelist.xml", prefix, folder)

    assert "SYNCED" in by_capabilities
    assert "IN SYNC" in by_list


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/.well-known/resourcesync", "Parsed description document with 2 entries"),
        ("/resourcesync/files/.well-known/resourcesync", "description document with 1 entries"),
        ("/resourcesync/capabilitylist.xml", "Parsed capabilitylist document with 1 entries"),
        ("/resourcesync/files/capabilitylist.xml", "capabilitylist document with 1 entries"),
        ("/resourcesync/files/resourcelist.xml", "Parsed resourcelist document with"),
        ("/datastore_server/re-sync/?verb=resourcelist.xml", "Parsed resourcelist document with"),
    ],
)
def test_the_client_reads_each_document(mirror: Mirror, path: str, said: str) -> None:
    assert said in mirror.resync("--parse", "--sitemap", f"{mirror.url}{path}")


def test_changes_and_removals_are_followed_by_the_next_baseline(
    source: Instance, full_instance: FullInstance, tmp_path: Path
) -> None:
    source.add_user()
    raw = full_instance.raw
    with mirrored_instance(source, tmp_path / "client") as mirror:
        mirror.baseline()
        before = mirror.tree()
        gone, kept = raw.files[0], raw.files[1:]
        new = source.put_file(raw.code, "original/new.txt", b"new")
        source.load(replace(raw, files=(*kept, new)))

        assert "to create=1, to update=0, to delete=1" in mirror.audit()
        assert "SYNCED" in mirror.baseline("--delete")
        after = mirror.tree()
        assert "IN SYNC (same" in mirror.audit()

    assert set(after) - set(before) == {f"data-sets/{raw.code}/original/new.txt"}
    assert [unquote(path) for path in set(before) - set(after)] == [
        f"data-sets/{raw.code}/{gone.path}"
    ]


def test_a_file_of_another_length_is_fetched_again(
    source: Instance, full_instance: FullInstance, tmp_path: Path
) -> None:
    source.add_user()
    raw = full_instance.raw
    with mirrored_instance(source, tmp_path / "client") as mirror:
        mirror.baseline()
        changed = source.put_file(raw.code, raw.files[0].path, b"other bytes than before")
        source.load(replace(raw, files=(changed, *raw.files[1:])))

        assert "to update=1" in mirror.audit()
        mirror.baseline()
        assert b"other bytes than before" in mirror.tree().values()
        assert "IN SYNC" in mirror.audit()


def test_while_the_data_store_is_away_a_mirror_keeps_what_it_has(
    source: Instance, full_instance: FullInstance, tmp_path: Path
) -> None:
    del full_instance
    source.add_user()
    store, aside = source.root / "store", source.root / "aside"
    with mirrored_instance(source, tmp_path / "client") as mirror:
        mirror.baseline()
        before = mirror.tree()
        store.rename(aside)
        assert "IN SYNC" in mirror.baseline("--delete")
        assert mirror.tree() == before
        aside.rename(store)
        assert "IN SYNC" in mirror.audit()


def test_without_a_token_the_client_gets_nothing(mirror: Mirror) -> None:
    said = mirror.resync("--baseline", mirror.prefix, str(mirror.files), token=False)

    assert "401" in said
    assert mirror.tree() == {}


NAMES = (
    "original/a b+c%41.txt",
    "original/q?u#oté.bin",
    "original/x&y=z;1,2.dat",
    "original/<tag> \"q\" 'a'.txt",
    "original/back\\slash:*|.txt",
    "original/line\nbreak\ttab.txt",
    "original/%2e%2e/%2F..%2f.txt",
    "original/..a/...",
    "original/" + "日本" * 14,
)


def test_names_of_all_kinds_are_mirrored_and_none_leaves_the_folder(
    source: Instance, tmp_path: Path
) -> None:
    source.add_user()
    data_set = a_data_set()
    files = [source.put_file(data_set.code, name, name.encode()) for name in NAMES]
    source.load(some_master_data(), replace(data_set, files=tuple(files)))
    with mirrored_instance(source, tmp_path / "client") as mirror:
        said = mirror.baseline()
        assert "SYNCED" in said, said
        assert "IN SYNC" in mirror.audit()
        tree = mirror.tree()

    prefix = f"data-sets/{data_set.code}/"
    assert {unquote(path): content for path, content in tree.items()} == {
        prefix + name: name.encode() for name in NAMES
    }
    outside = {path.name for path in (tmp_path / "client" / "mirror").iterdir()}
    assert outside <= {"files", ".resync-client-status.cfg"}


def test_more_files_than_one_list_may_have_come_in_parts(
    source: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.add_user()
    count = 50_001
    files = tuple(FileNode(path=f"original/{n:05}", length=n) for n in range(count))
    source.load(some_master_data(), a_data_set(files=files), a_sample())
    source.put_file(a_data_set().code, "original/00000", b"")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with mirrored_instance(source, tmp_path / "client") as mirror:
        index = checked(mirror.get("/resourcesync/files/resourcelist.xml").content)
        parts = [mirror.get(loc.removeprefix(mirror.url)) for loc in index.locs]
        set_url_or_file_open_config("bearer_token", mirror.token)
        try:
            read = ResourceList()
            read.read(uri=f"{mirror.prefix}/resourcelist.xml")
        finally:
            set_url_or_file_open_config("bearer_token", None)

    assert index.is_index
    documents = [checked(part.content) for part in parts]
    assert [len(each.entries) for each in documents] == [50_000, 1]
    assert {each.md["at"] for each in documents} == {index.md["at"]}
    assert {each.links["index"] for each in documents} == {f"{mirror.prefix}/resourcelist.xml"}
    assert len(read) == count
    (kept,) = tmp_path.glob("openbis-sync-file-lists-*")
    assert kept.stat().st_mode & 0o077 == 0
    assert kept.stat().st_uid == os.getuid()


def test_a_user_mirrors_only_what_they_may_see(
    source: Instance, full_instance: FullInstance, tmp_path: Path
) -> None:
    del full_instance
    source.add_user("narrow", place="/BETA")
    source.add_user(USER)
    with mirrored_instance(source, tmp_path / "all") as mirror:
        mirror.baseline()
        everything = mirror.tree()
    with mirrored_instance(source, tmp_path / "few", "narrow") as mirror:
        mirror.baseline()
        few = mirror.tree()

    assert set(few) < set(everything)
