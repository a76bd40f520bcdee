"""Files that are either old or new, never half-written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from shared.atomic_file import write_atomically, written_aside


def test_a_text_is_written_as_utf_8_and_bytes_as_they_are(tmp_path: Path) -> None:
    write_atomically(tmp_path / "new" / "text", "ü\n")
    write_atomically(tmp_path / "new" / "bytes", b"\0\r\n")
    assert (tmp_path / "new" / "text").read_bytes() == b"\xc3\xbc\n"
    assert (tmp_path / "new" / "bytes").read_bytes() == b"\0\r\n"


def test_a_file_that_is_there_keeps_its_mode_and_a_new_one_gets_that_asked_for(
    tmp_path: Path,
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("old")
    old.chmod(0o604)
    write_atomically(old, "new", mode=0o600)
    write_atomically(new, "new", mode=0o600)
    assert [stat.S_IMODE(file.stat().st_mode) for file in (old, new)] == [0o604, 0o600]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_file_that_is_there_keeps_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    os.chown(file, 12345, 54321)
    write_atomically(file, "new")
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 54321)
    assert file.read_text() == "new"


def test_what_was_written_aside_goes_if_anything_fails(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    aside = target

    def write_half() -> None:
        nonlocal aside
        with written_aside(target) as aside:
            aside.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert aside != target
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_killed_program_left_aside_goes_at_the_next_try(tmp_path: Path) -> None:
    target = tmp_path / "file"
    with written_aside(target) as aside:
        left = aside
        aside.write_text("first")
    left.write_text("half")  # as if killed just here, the next time
    with written_aside(target) as aside:
        assert not left.exists()
        aside.write_text("second")
    assert target.read_text() == "second"
    assert list(tmp_path.iterdir()) == [target]


def test_the_longest_possible_name_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 255)
    write_atomically(target, "new")
    assert target.read_text() == "new"
