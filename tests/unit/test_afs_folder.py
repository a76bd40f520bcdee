"""A folder of AFS data is looked at until it holds still, and sums of its files are remembered."""

from __future__ import annotations

import os
import sys
from hashlib import md5
from pathlib import Path

import pytest

from source_server.catalogues.openbis.afs_checksums import ComputedSums
from source_server.catalogues.openbis.afs_folder import (
    Seen,
    content_file,
    content_of,
    is_content,
)
from tests.support.openbis.looks import whenever_a_folder_is_looked_into


def test_a_file_that_moves_during_a_look_is_not_missed(tmp_path: Path) -> None:
    """The folders are looked into one after the other; the file moves from one that was not looked
    into yet to one that was, and would be seen in neither."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
        os.utime(tmp_path / name, (1, 1))
    looked_into: list[Path] = []

    def move(place: Path) -> None:
        looked_into.append(place)
        if len(looked_into) == 3:
            _, before, now = looked_into
            (now / "file").rename(before / "moved")

    with whenever_a_folder_is_looked_into(move):
        content = content_of(tmp_path)

    assert content.is_steady
    assert len(looked_into) == 6
    before = looked_into[1].name
    assert [seen.path for seen in content.files] == [f"{before}/file", f"{before}/moved"]


def test_a_folder_that_never_holds_still_says_so(tmp_path: Path) -> None:
    (tmp_path / "old.txt").touch()
    count = 0

    def write(place: Path) -> None:
        nonlocal count
        count += 1
        (place / f"new {count}").touch()
        os.utime(place, ns=(count, count))

    with whenever_a_folder_is_looked_into(write):
        content = content_of(tmp_path)

    assert not content.is_steady
    assert "old.txt" in {seen.path for seen in content.files}
    assert content_of(tmp_path).is_steady


def test_a_folder_that_goes_away_is_not_steady(tmp_path: Path) -> None:
    content = content_of(tmp_path / "gone")
    assert (content.is_steady, content.files, content.unreadable) == (False, [], [])


@pytest.mark.parametrize(
    "path",
    [
        *(".afs", ".afs/x", "a/.afs", "a/.afs/x", "a/b/.afs/c/d", ".afs-sync-backup-1"),
        *(".afs-sync-backup-1/a", ".afs-sync-backup-"),
    ],
)
def test_caches_and_backups_are_no_content(tmp_path: Path, path: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).touch()
    (tmp_path / "link").symlink_to(path)

    assert not is_content(path)
    assert content_file(tmp_path, path) is None
    assert content_file(tmp_path, "link") is None


@pytest.mark.parametrize(
    "path", [".afs.trash/a", ".afs.snapshots/a", "a/.afs-sync-backup-1", ".afsx", "a.afs", ".x"]
)
def test_what_only_looks_alike_is_content(tmp_path: Path, path: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).touch()

    assert content_file(tmp_path, path) == tmp_path / path
    assert [seen.path for seen in content_of(tmp_path).files] == [path]


def _seen(file: Path) -> Seen:
    status = file.stat()
    return Seen(file.name, status.st_size, status.st_mtime_ns, has_cache=False)


def _md5(content: bytes) -> str:
    return md5(content, usedforsecurity=False).hexdigest()


def test_a_sum_is_computed_once(tmp_path: Path) -> None:
    file, sums = tmp_path / "file", ComputedSums()
    file.write_bytes(b"content")
    opened: list[str] = []

    def listen(event: str, args: tuple[object, ...]) -> None:
        if event == "open" and args[0] == str(file):
            opened.append(event)

    sys.addaudithook(listen)

    assert {sums.md5(tmp_path, _seen(file)) for _ in range(3)} == {_md5(b"content")}
    assert len(opened) == 1


def test_a_file_that_is_another_one_now_has_no_sum(tmp_path: Path) -> None:
    file, sums = tmp_path / "file", ComputedSums()
    file.write_bytes(b"content")
    seen = _seen(file)
    file.write_bytes(b"another content")

    assert sums.md5(tmp_path, seen) is None
    file.unlink()
    assert sums.md5(tmp_path, seen) is None
    file.symlink_to(tmp_path / "out")
    assert sums.md5(tmp_path, seen) is None


def test_only_so_many_sums_are_remembered_and_unused_ones_are_forgotten(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    sums = ComputedSums(most=2, clock=lambda: now)
    files = [tmp_path / name for name in ("a", "b", "c", "d")]
    for file in files:
        file.write_bytes(file.name.encode())
        assert sums.md5(tmp_path, _seen(file)) == _md5(file.name.encode())
    assert len(sums) == 2
    assert caplog.text.count("the checksums of 2 files are remembered") == 1

    now = 8 * 24 * 3600.0
    assert sums.md5(tmp_path, _seen(files[0])) == _md5(b"a")  # it is still asked for
    assert sums.md5(tmp_path, _seen(files[3])) == _md5(b"d")
    assert len(sums) == 2
    assert caplog.text.count("the checksums of 2 files are remembered") == 1
