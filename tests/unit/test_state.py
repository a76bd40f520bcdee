"""The last-sync-timestamp file, read and written by us and by the original in turns."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harvester.openbis.state import LastSync, read_state, write_state
from shared.errors import ConfigError

LAST = LastSync(
    incremental=datetime(2024, 3, 5, 9, 14, 7, 250000, tzinfo=UTC),
    full=datetime(2024, 3, 1, 1, 0, 0, tzinfo=UTC),
)


@pytest.fixture
def in_zurich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


def state_of(folder: Path, text: str) -> LastSync | None:
    file = folder / "state.txt"
    file.write_text(text)
    return read_state(file)


def test_without_a_file_nothing_was_ever_synchronised(tmp_path: Path) -> None:
    assert read_state(tmp_path / "state.txt") is None


@pytest.mark.usefixtures("in_zurich")
def test_a_file_of_the_original_is_read_in_local_time(tmp_path: Path) -> None:
    text = """\
[TIMESTAMPS]

last-incremental-sync-timestamp = 2018-11-15 08:17:14
last-full-sync-timestamp = 2018-07-15 08:17:14
"""
    assert state_of(tmp_path, text) == LastSync(
        incremental=datetime(2018, 11, 15, 7, 17, 14, tzinfo=UTC),
        full=datetime(2018, 7, 15, 6, 17, 14, tzinfo=UTC),
    )


@pytest.mark.usefixtures("in_zurich")
def test_of_an_hour_that_occurs_twice_the_earlier_is_taken(tmp_path: Path) -> None:
    last = state_of(
        tmp_path, "[TIMESTAMPS]\nlast-incremental-sync-timestamp = 2024-10-27 02:30:00\n"
    )
    assert last
    assert last.incremental == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)


def test_without_a_time_of_the_last_baseline_the_other_counts(tmp_path: Path) -> None:
    last = state_of(
        tmp_path, "[TIMESTAMPS]\nlast-incremental-sync-timestamp = 2024-10-27 02:30:00\n"
    )
    assert last
    assert last.full == last.incremental


def test_what_is_written_is_read_again_with_its_fraction(tmp_path: Path) -> None:
    write_state(tmp_path / "state.txt", LAST)
    assert read_state(tmp_path / "state.txt") == LAST


@pytest.mark.usefixtures("in_zurich")
def test_the_file_holds_the_keys_of_the_original_in_local_time_and_ours_in_utc(
    tmp_path: Path,
) -> None:
    write_state(tmp_path / "state.txt", LAST)
    assert (
        (tmp_path / "state.txt").read_text()
        == """\
[TIMESTAMPS]

last-incremental-sync-timestamp = 2024-03-05 10:14:07
last-full-sync-timestamp = 2024-03-01 02:00:00
last-incremental-sync-timestamp-utc = 2024-03-05T09:14:07.250000Z
last-full-sync-timestamp-utc = 2024-03-01T01:00:00Z
"""
    )


def test_the_keys_in_utc_win(tmp_path: Path) -> None:
    last = state_of(
        tmp_path,
        "[TIMESTAMPS]\nlast-incremental-sync-timestamp = 2001-01-01 00:00:00\n"
        "last-incremental-sync-timestamp-utc = 2024-03-05T11:14:07+02:00\n",
    )
    assert last
    assert last.incremental == datetime(2024, 3, 5, 9, 14, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[TIMESTAMPS]\n\n",
        "[TIMESTAMPS]\nlast-full-sync-timestamp = 2024-01-01 00:00:00",
        "[TIMESTAMPS]\nlast-incremental-sync-timestamp = ",
        "[TIMESTAMPS]\nlast-incremental-sync-timestamp = 2024-01-01",
        "[TIMESTAMPS]\nlast-incremental-sync-timestamp = 2024-13-01 00:00:00",
        "[TIMESTAMPS]\nlast-incremental-sync-timestamp = 0001-01-01 00:00:0x",
        "[TIMESTAMPS]\nlast-incremental-sync-timestamp-utc = 2024-01-01T00:00:00",
        "[OTHER]\nlast-incremental-sync-timestamp = 2024-01-01 00:00:00",
    ],
)
def test_a_broken_file_is_named_with_a_way_out(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"state\.txt.*or delete it: the next run then compares"):
        state_of(tmp_path, text)


def test_writing_leaves_nothing_else_behind_and_makes_missing_folders(tmp_path: Path) -> None:
    file = tmp_path / "state" / "last.txt"
    write_state(file, LAST)
    write_state(file, LastSync(incremental=LAST.incremental, full=LAST.incremental))
    assert read_state(file) == LastSync(incremental=LAST.incremental, full=LAST.incremental)
    assert list(file.parent.iterdir()) == [file]


def test_a_write_that_fails_keeps_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "last.txt"
    write_state(file, LAST)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, hard))  # as if the disk were full
    try:
        with pytest.raises(OSError, match="File too large"):
            write_state(file, LastSync(incremental=LAST.full, full=LAST.full))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_state(file) == LAST
    assert list(tmp_path.iterdir()) == [file]
