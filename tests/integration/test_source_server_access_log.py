"""The access log of a running source server."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from shared.model.entities import Entity
from shared.model.kinds import Kind
from source_server.settings.choices import AccessLog
from tests.support.instances.memory_catalogue import MemoryCatalogue, content_of
from tests.support.servers.source_site import DATA_SET, PASSWORD, a_catalogue
from tests.support.servers.watched_site import LIST, RE_SYNC, a_site, scopes, slow

HELLO = f"/datastore_server/{DATA_SET}/original/hello.txt"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "source_server.access")
    return caplog


def messages(log: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in log.records if r.name == "source_server.access"]


def lines(log: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(message) for message in messages(log)]


def test_each_request_has_one_line(log: pytest.LogCaptureFixture) -> None:
    form = {"verb": "resourcelist.xml", "white_list": ["A.*,B", "C"], "black_list": "X"}
    with a_site(access_log=AccessLog.JSON) as site:
        site.get(f"{RE_SYNC}/", method="POST", data=form)
        site.get(HELLO)
        site.get(HELLO, method="HEAD")
        site.get(LIST, password="hunter2")
        site.get("/elsewhere?sessionID=hunter2", user="eve", password="hunter2")
    listed, whole, head, wrong, elsewhere = lines(log)

    assert listed["user"] == "mira"
    assert (listed["method"], listed["path"]) == ("POST", f"{RE_SYNC}/")
    assert listed["verb"] == "resourcelist.xml"
    assert (listed["white_list"], listed["black_list"]) == ("A.*,B,C", "X")
    assert (listed["status"], listed["complete"]) == (200, True)
    assert (whole["path"], whole["bytes"], whole["client"]) == (HELLO, 10, "127.0.0.1")
    assert (head["method"], head["bytes"]) == ("HEAD", 0)
    assert (wrong["status"], wrong["user"]) == (401, None)
    assert (elsewhere["status"], elsewhere["user"]) == (404, None)
    assert "hunter2" not in log.text
    assert PASSWORD not in log.text


def test_a_list_that_breaks_off_is_said_to_be_incomplete(log: pytest.LogCaptureFixture) -> None:
    class Failing(MemoryCatalogue):
        def entities_of(self, _kind: Kind) -> Iterator[Entity]:
            raise RuntimeError("the database has gone")

    with a_site(Failing(scopes=scopes()), access_log=AccessLog.JSON) as site:
        with pytest.raises(httpx.RemoteProtocolError):
            site.get(LIST)
        site.get(RE_SYNC)
    broken, about = lines(log)

    assert (broken["status"], broken["complete"]) == (200, False)
    assert broken["bytes"] > 0
    assert about["complete"]


def test_a_client_that_leaves_has_got_an_incomplete_answer(log: pytest.LogCaptureFixture) -> None:
    with a_site(slow(), access_log=AccessLog.JSON) as site:
        with site.receiving():
            pass
        assert site.becomes_idle()
    (line,) = lines(log)

    assert (line["status"], line["complete"], line["user"]) == (200, False, "mira")


def test_an_answer_500_is_a_whole_answer(log: pytest.LogCaptureFixture) -> None:
    class Closed(MemoryCatalogue):
        def snapshot(self) -> Any:
            raise RuntimeError("password=hunter2")

    with a_site(Closed(scopes=scopes()), access_log=AccessLog.JSON) as site:
        answer = site.get(LIST)
    (line,) = lines(log)

    assert (line["status"], line["bytes"], line["complete"]) == (500, len(answer.content), True)


def test_a_path_with_line_breaks_stays_in_its_line(log: pytest.LogCaptureFixture) -> None:
    with a_site() as site:
        site.get("/a%0d%0atime=2024%1b[31m%e2%80%a8?x=y%0a")
    (message,) = messages(log)

    assert message.isprintable()
    assert r'path="/a\r\ntime=2024\u001b[31m\u2028"' in message


def test_a_client_behind_a_proxy_of_this_machine_is_named(log: pytest.LogCaptureFixture) -> None:
    with a_site(access_log=AccessLog.JSON) as site:
        site.get(RE_SYNC, headers={"X-Forwarded-For": "192.0.2.7"})
    (line,) = lines(log)

    assert line["client"] == "192.0.2.7"


def test_a_large_file_is_passed_on_as_it_is(log: pytest.LogCaptureFixture) -> None:
    content = bytes(range(256)) * 40_000
    catalogue = a_catalogue(files={(DATA_SET, "original/large"): content_of(content)})
    with a_site(catalogue, access_log=AccessLog.JSON) as site:
        answer = site.get(f"/datastore_server/{DATA_SET}/original/large")
    (line,) = lines(log)

    assert answer.content == content
    assert (line["bytes"], line["complete"]) == (len(content), True)
