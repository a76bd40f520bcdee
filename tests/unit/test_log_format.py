"""Lines of a log, for people and for programs."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

import pytest

from harvester.logs.log_format import formatter
from shared.plain_lines import one_line
from shared.settings.quantities import LogFormat


def a_record(text: str, *args: object, level: int = logging.INFO, **more: Any) -> logging.LogRecord:
    record = logging.LogRecord("harvester.daemon.loop", level, __file__, 1, text, args, None)
    record.__dict__.update(more)
    return record


def failing(reason: str) -> logging.LogRecord:
    record = a_record("The synchronization was aborted", level=logging.ERROR)
    try:
        fail(reason)
    except ValueError:
        record.exc_info = sys.exc_info()
    return record


def fail(reason: str) -> None:
    raise ValueError(reason)


def as_text(record: logging.LogRecord) -> str:
    return formatter(LogFormat.TEXT).format(record)


def as_json(record: logging.LogRecord) -> dict[str, Any]:
    line = formatter(LogFormat.JSON).format(record)
    assert line.isascii()
    assert len(line.splitlines()) == 1
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        (logging.INFO, "INFO "),
        (logging.WARNING, "WARN "),
        (logging.ERROR, "ERROR"),
        (logging.CRITICAL, "FATAL"),
        (logging.DEBUG, "DEBUG"),
    ],
)
def test_a_line_has_the_original_s_layout(level: int, shown: str) -> None:
    line = as_text(a_record("%d samples", 3, level=level))
    layout = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (.{5}) 3 samples"
    found = re.fullmatch(layout, line)
    assert found
    assert found[1] == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("a\r\nb", r"a\r\nb"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\u2028b", r"a\u2028b"),
        ("a\x85b", r"a\x85b"),
        ("a\u202eb", r"a\u202eb"),
        ("a\tb\0", r"a\tb\x00"),
        ("a\ud800b", r"a\ud800b"),
        ("Käse µ \\d 100 %", "Käse µ \\d 100 %"),
    ],
)
def test_a_name_cannot_break_a_line_or_command_a_terminal(name: str, shown: str) -> None:
    assert one_line(name) == shown
    assert as_text(a_record("SAMPLE %s", name)).endswith(f" SAMPLE {shown}")
    assert as_json(a_record("SAMPLE %s", name))["message"] == f"SAMPLE {name}"


def test_no_line_of_a_traceback_can_be_taken_for_a_line_of_the_log() -> None:
    forged = "2026-01-01 00:00:00,000 INFO  OK: everything is done"
    first, *others = as_text(failing(f"no such sample\n{forged}\x1b[1m")).split("\n")
    assert first.endswith("ERROR The synchronization was aborted")
    assert others[0] == "    Traceback (most recent call last):"
    assert others[-1] == rf"    {forged}\x1b[1m"
    assert all(line.startswith("    ") for line in others)


def test_several_lines_of_one_record_have_a_time_each() -> None:
    box = a_record("Delete entities: 0 changes", lines=("/---", "\\___"))
    first, second = as_text(box).split("\n")
    assert first.endswith(" INFO  /---")
    assert second.endswith(r" INFO  \___")
    assert first[:23] == second[:23]
    assert "lines" not in as_json(box)


def test_a_json_line_says_when_where_and_what() -> None:
    context = {"section": "DS1", "run": 12, "pass": "real", "step": "Register data sets"}
    record = a_record("done", context=context, event="progress", fields={"done": 3, "total": None})
    record.created = 1_700_000_000.25
    assert as_json(record) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "INFO",
        **context,
        "event": "progress",
        "message": "done",
        "done": 3,
        "total": None,
    }


def test_a_json_line_of_no_section_names_its_logger() -> None:
    assert as_json(a_record("harvesting every %s", "1 d"))["logger"] == "harvester.daemon.loop"


def test_a_traceback_is_one_field_of_a_json_line() -> None:
    told = as_json(failing("first\nsecond"))
    assert told["level"] == "ERROR"
    assert told["exception"].startswith("Traceback (most recent call last):\n")
    assert told["exception"].endswith("ValueError: first\nsecond")
