"""Files of logs: written line by line, put aside every day, removed when they are old."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from harvester.logs.log_files import LogFileHandler, tidy

NOON = datetime(2026, 3, 5, 12).astimezone()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "synchronization_DS1.log"


def written(path: Path, at: datetime, text: str = "a line\n") -> Path:
    path.write_text(text)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


@contextmanager
def opened(path: Path) -> Iterator[LogFileHandler]:
    handler = LogFileHandler(path)
    yield handler
    handler.close()


def tell(handler: LogFileHandler, text: str) -> None:
    handler.handle(logging.LogRecord("x", logging.INFO, __file__, 1, text, None, None))


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_a_log_of_an_earlier_day_is_put_aside_by_that_day(log: Path) -> None:
    written(log, NOON - timedelta(days=2))
    tidy(log, 90, NOON)
    assert names(log.parent) == {"synchronization_DS1.log.2026-03-03"}


def test_a_log_of_today_goes_on(log: Path) -> None:
    written(log, NOON - timedelta(hours=11))
    tidy(log, 90, NOON)
    assert names(log.parent) == {log.name}


def test_the_day_ends_at_midnight_local_time(log: Path) -> None:
    written(log, NOON.replace(hour=0, minute=0) - timedelta(seconds=1))
    tidy(log, 90, NOON.replace(hour=0, minute=1))
    assert names(log.parent) == {"synchronization_DS1.log.2026-03-04"}


def test_an_empty_log_and_none_at_all_are_left_alone(log: Path) -> None:
    tidy(log, 90, NOON)
    assert names(log.parent) == set()
    written(log, NOON - timedelta(days=2), "")
    tidy(log, 90, NOON)
    assert names(log.parent) == {log.name}


def test_a_log_never_replaces_one_that_was_put_aside_before(
    log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    yesterday = NOON - timedelta(days=1)
    taken = ("2026-03-04", "2026-03-04_12-00-00")
    for ending in taken:
        tidy(log, 90, NOON)
        written(log, yesterday, f"{ending}\n")
        tidy(log, 90, NOON)
        assert log.with_name(f"{log.name}.{ending}").read_text() == f"{ending}\n"
    assert caplog.records == []
    written(log, yesterday, "third\n")
    tidy(log, 90, NOON)
    assert log.read_text() == "third\n"
    assert "2026-03-04_12-00-00 exists already" in caplog.text


def test_only_old_logs_of_this_name_are_removed(log: Path) -> None:
    kept = {
        log.name,
        f"{log.name}.2026-02-23",
        f"{log.name}.2026-02-23_23-59-59",
        f"{log.name}.2020-01-01.gz",
        f"{log.name}.2020-13-01",
        f"{log.name}.2020-01-01_25-00-00",
        f"{log.name}.2020-01-01_10-00",
        f"{log.name}.2020-1-1",
        f"{log.name}.old",
        f"{log.name}2020-01-01",
        f"my_{log.name}.2020-01-01",
        "synchronization_DS1xlog.2020-01-01",
        f"{log.name}.٢٠٢٠-01-01",
        f"{log.name}.2019-01-01",
        f"{log.name}.2018-01-01",
    }
    old = {f"{log.name}.2026-02-22", f"{log.name}.2026-02-22_23-59-59", f"{log.name}.1999-12-31"}
    for name in kept | old:
        if not name.endswith(("2019-01-01", "2018-01-01")):
            written(log.parent / name, NOON)
    (log.parent / f"{log.name}.2019-01-01").mkdir()
    (log.parent / f"{log.name}.2018-01-01").symlink_to(log.name)
    tidy(log, 10, NOON)
    assert names(log.parent) == kept


def test_without_a_limit_logs_are_kept_for_ever(log: Path) -> None:
    old = written(log.with_name(f"{log.name}.1999-12-31"), NOON)
    tidy(log, 0, NOON)
    assert old.exists()


def test_a_log_that_is_a_link_is_put_aside_where_it_lies(log: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    real = written(elsewhere / "real.log", NOON - timedelta(days=1))
    log.symlink_to(real)
    tidy(log, 90, NOON)
    assert names(elsewhere) == {"real.log.2026-03-04"}
    assert log.is_symlink()


def test_what_cannot_be_put_aside_is_told_once_and_the_log_goes_on(
    log: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    # as with a read-only folder, which root may write to
    monkeypatch.setattr(os, "rename", refused)
    written(log, NOON - timedelta(days=1))
    tidy(log, 90, NOON)
    (told,) = caplog.messages
    assert told.startswith(f"{log}: an earlier log cannot be put aside or removed: ")
    with opened(log) as handler:
        tell(handler, "another line")
    assert log.read_text() == "a line\nanother line\n"


def test_whoever_holds_the_log_goes_on_in_the_old_file(log: Path) -> None:
    with opened(log) as handler:
        tell(handler, "before midnight")
        os.utime(log, (0, (NOON - timedelta(days=1)).timestamp()))
        tidy(log, 90, NOON)
        with opened(log) as another:
            tell(another, "of another section")
            tell(handler, "after midnight")
            assert handler.tail(1000) == b"before midnight\nafter midnight\n"
            assert another.tail(1000) == b"of another section\n"
    aside = log.with_name(f"{log.name}.2026-03-04")
    assert aside.read_text() == "before midnight\nafter midnight\n"
    assert log.read_text() == "of another section\n"


def test_many_who_put_a_log_aside_at_once_lose_no_line(log: Path) -> None:
    written(log, NOON - timedelta(days=1), "of yesterday\n")
    start = threading.Barrier(8)

    def run(number: int) -> None:
        start.wait()
        tidy(log, 90, NOON)
        with opened(log) as handler:
            for line in range(100):
                tell(handler, f"{number} {line} {'x' * 200}")

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [line for file in log.parent.iterdir() for line in file.read_text().splitlines()]
    expected = {f"{number} {line} {'x' * 200}" for number in range(8) for line in range(100)}
    assert set(lines) == expected | {"of yesterday"}
    assert len(lines) == 801


def test_a_log_that_was_moved_away_begins_anew(log: Path) -> None:
    with opened(log) as handler:
        tell(handler, "first run")
    log.rename(log.with_name("moved"))
    with opened(log) as handler:
        tell(handler, "second run")
    assert log.read_text() == "second run\n"


def test_a_line_without_an_end_does_not_swallow_the_next_one(log: Path) -> None:
    log.write_text("half a li")
    with opened(log) as handler:
        tell(handler, "whole")
        tell(handler, "too")
        assert handler.tail(1000) == b"\nwhole\ntoo\n"
    assert log.read_text() == "half a li\nwhole\ntoo\n"


def test_the_tail_has_whole_lines_of_this_run_only(log: Path) -> None:
    log.write_text("of another run\n")
    with opened(log) as handler:
        for number in range(10):
            tell(handler, f"line {number} ä")
        whole = handler.tail(1000)
        assert whole.decode().splitlines() == [f"line {number} ä" for number in range(10)]
        assert handler.tail(25).decode() == "line 8 ä\nline 9 ä\n"


def test_a_full_disk_is_told_once_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with opened(Path("/dev/full")) as handler:
        tell(handler, "one")
        tell(handler, "two")
        assert handler.tail(1000) == b""
    (told,) = caplog.messages
    assert told == "/dev/full: the log cannot be written: [Errno 28] No space left on device"
