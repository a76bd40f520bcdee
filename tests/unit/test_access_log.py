"""The lines of the access log: what they say, and what they never do."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from source_server.settings.choices import AccessLog
from source_server.web.access_log import access_log, access_log_on_standard_error
from source_server.web.requests_watched import EndedAnswer, WatchedRequest

EVIL = 'x" status=200\r\n\x1b[31mGET\u2028\u202e\x00\ud800'


def an_answer(**fields: Any) -> EndedAnswer:
    values: dict[str, Any] = {
        "visit": WatchedRequest(),
        "begun": datetime(2024, 3, 5, 9, 14, 7, 123456, tzinfo=UTC),
        "client": "192.0.2.7",
        "method": "GET",
        "path": "/datastore_server/re-sync",
        "status": 200,
        "size": 1234,
        "first_byte": 0.1,
        "seconds": 0.25049,
        "complete": True,
    }
    return EndedAnswer(**(values | fields))


def a_visit(**notes: Any) -> WatchedRequest:
    visit = WatchedRequest()
    for name, value in notes.items():
        setattr(visit, name, value)
    return visit


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "source_server.access")
    return caplog


def line_of(log: pytest.LogCaptureFixture, kind: AccessLog, answer: EndedAnswer) -> str:
    access_log(kind)(answer)
    (record,) = log.records
    assert record.name == "source_server.access"
    return record.getMessage()


def test_a_line_says_who_fetched_what_and_how_it_went(log: pytest.LogCaptureFixture) -> None:
    visit = a_visit(user_id="mira", verb="resourcelist.xml", white_list="A,B.*", black_list="")
    assert line_of(log, AccessLog.TEXT, an_answer(visit=visit)) == (
        "time=2024-03-05T09:14:07.123Z client=192.0.2.7 user=mira method=GET "
        "path=/datastore_server/re-sync verb=resourcelist.xml white_list=A,B.* "
        'black_list="" status=200 bytes=1234 seconds=0.25 complete=true'
    )


def test_a_json_line_always_has_the_same_fields(log: pytest.LogCaptureFixture) -> None:
    answer = an_answer(status=None, complete=False, client=None, size=0)
    assert json.loads(line_of(log, AccessLog.JSON, answer)) == {
        "time": "2024-03-05T09:14:07.123Z",
        "client": None,
        "user": None,
        "method": "GET",
        "path": "/datastore_server/re-sync",
        "verb": None,
        "white_list": None,
        "black_list": None,
        "roots": None,
        "flags": None,
        "status": None,
        "bytes": 0,
        "seconds": 0.25,
        "complete": False,
    }


@pytest.mark.parametrize("kind", [AccessLog.TEXT, AccessLog.JSON])
def test_nothing_that_a_client_sends_can_break_or_forge_a_line(
    log: pytest.LogCaptureFixture, kind: AccessLog
) -> None:
    visit = a_visit(user_id=EVIL, white_list=EVIL, black_list=EVIL)
    answer = an_answer(visit=visit, client=EVIL, method=EVIL, path=f"/{EVIL}")
    line = line_of(log, kind, answer)

    assert line.isascii()
    assert line.isprintable()
    assert line.splitlines() == [line]
    if kind is AccessLog.TEXT:
        unquoted = re.sub(r'"(?:[^"\\]|\\.)*"', "", line)
        assert unquoted.count("status=") == 1
    else:
        assert json.loads(line)["white_list"] == EVIL


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("http://mira:hunter2@host:8080/a/b", "/a/b"),
        ("/a;jsessionid=hunter2/b", "/a;jsessionid=.../b"),
        ("/a;JSESSIONID=hunter2", "/a;JSESSIONID=..."),
        ("/20240110090000077-77/original/x&y=z;1.dat", None),
        ("*", None),
    ],
)
def test_a_path_is_shown_without_secrets(
    log: pytest.LogCaptureFixture, path: str, shown: str | None
) -> None:
    line = line_of(log, AccessLog.JSON, an_answer(path=path))
    assert json.loads(line)["path"] == (shown or path)
    assert "hunter2" not in line


def test_a_field_does_not_grow_without_end(log: pytest.LogCaptureFixture) -> None:
    visit = a_visit(white_list="SPACE," * 10_000)
    line = line_of(log, AccessLog.TEXT, an_answer(visit=visit))
    assert len(line) < 1_500
    assert "SPACE,SPAC..." in line


def test_nothing_is_written_if_it_is_off(log: pytest.LogCaptureFixture) -> None:
    access_log(AccessLog.OFF)(an_answer())
    assert log.records == []


def test_lines_stand_on_standard_error_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    write = access_log(AccessLog.JSON)
    with access_log_on_standard_error():
        write(an_answer())
    write(an_answer())
    out, err = capsys.readouterr()

    assert out == ""
    assert len(err.splitlines()) == 1
    assert json.loads(err)["status"] == 200
