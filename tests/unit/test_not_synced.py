"""The file of what failed and of what is black-listed."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from harvester.openbis.not_synced import NotSynced, read_not_synced, write_not_synced
from shared.model.ids import PermId
from shared.model.kinds import Kind


def read(folder: Path, text: str) -> NotSynced:
    file = folder / "not-synced.txt"
    file.write_text(text)
    return read_not_synced(file)


def test_without_a_file_nothing_failed(tmp_path: Path) -> None:
    assert read_not_synced(tmp_path / "not-synced.txt") == NotSynced()


def test_failed_and_black_listed_entities_are_told_apart(tmp_path: Path) -> None:
    text = """\
DATA_SET-20240203120500001-21
  SAMPLE-20240110091200003-16
EXPERIMENT-20240110090000003-3
PROJECT-20240110083000002-2
MATERIAL-SALT (REAGENT)
FILE-notes/a - b.png
#DATA_SET-20240203120500001-22
 # DATA_SET-20240203120500001-23
"""
    assert read(tmp_path, text) == NotSynced(
        failed=frozenset(
            {
                (Kind.DATA_SET, PermId("20240203120500001-21")),
                (Kind.SAMPLE, PermId("20240110091200003-16")),
                (Kind.EXPERIMENT, PermId("20240110090000003-3")),
                (Kind.PROJECT, PermId("20240110083000002-2")),
                (Kind.MATERIAL, PermId("SALT (REAGENT)")),
                (Kind.FILE, PermId("notes/a - b.png")),
            }
        ),
        black_listed=frozenset(map(PermId, ("20240203120500001-22", "20240203120500001-23"))),
    )


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "new" / "not-synced.txt"
    written = NotSynced(
        failed=frozenset({(Kind.DATA_SET, PermId("2-2")), (Kind.MATERIAL, PermId("A (B)"))}),
        black_listed=frozenset({PermId("1-1")}),
    )
    write_not_synced(file, written)
    assert read_not_synced(file) == written
    assert file.read_text() == "DATA_SET-2-2\nMATERIAL-A (B)\n#DATA_SET-1-1\n"


def test_lines_of_operators_are_kept(tmp_path: Path) -> None:
    found = read(tmp_path, "# too large, ask Otto\n#DATA_SET-1-1\n#SAMPLE-3\nDATA_SET-2-2\n")
    assert found.other_lines == ("# too large, ask Otto", "#SAMPLE-3")
    file = tmp_path / "not-synced.txt"
    write_not_synced(
        file, NotSynced(black_listed=found.black_listed, other_lines=found.other_lines)
    )
    assert file.read_text() == "# too large, ask Otto\n#SAMPLE-3\n#DATA_SET-1-1\n"


def test_nothing_is_written_if_nothing_changes(tmp_path: Path) -> None:
    file = tmp_path / "not-synced.txt"
    write_not_synced(file, NotSynced())
    assert not file.exists()
    text = "\n#DATA_SET-1-1\n\nDATA_SET-2-2\n"
    write_not_synced(file, read(tmp_path, text))
    assert file.read_text() == text


def test_a_file_whose_entities_all_arrived_becomes_empty(tmp_path: Path) -> None:
    read(tmp_path, "DATA_SET-2-2\n")
    write_not_synced(tmp_path / "not-synced.txt", NotSynced())
    assert (tmp_path / "not-synced.txt").read_text() == ""


def test_a_name_with_a_line_break_is_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "not-synced.txt"
    failed = {(Kind.FILE, PermId("a\n#DATA_SET-1-1")), (Kind.FILE, PermId("b"))}
    with caplog.at_level(logging.WARNING):
        write_not_synced(file, NotSynced(failed=frozenset(failed)))
    assert file.read_text() == "FILE-b\n"
    assert "cannot be noted for the next run" in caplog.text
