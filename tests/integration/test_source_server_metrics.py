"""What a source server counts for Prometheus."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared.model.entities import Entity
from shared.model.kinds import Kind
from source_server.publication.selection import Selection
from source_server.settings import SourceSettings
from source_server.web.list_limits import ListLimits, Rules, Turn
from source_server.web.requests_watched import WatchedRequest
from tests.support.instances.memory_catalogue import MemoryCatalogue
from tests.support.servers.source_site import DATA_SET, SAMPLE
from tests.support.servers.watched_site import LIST, RE_SYNC, a_site, scopes

PICTURE = "/datastore_server/file-service/eln/a+b%20%C3%A9.png"
RECIPE = f"/datastore_server/attachments/SAMPLE/{SAMPLE}/re%2Fcipe+1%25.txt?version=2"
HELLO = f"/datastore_server/{DATA_SET}/original/hello.txt"
CAPABILITIES = f"{RE_SYNC}?verb=capabilitylist.xml"


def test_requests_are_counted_by_what_was_asked_for_and_how_it_went() -> None:
    with a_site() as site:
        for path in (RE_SYNC, CAPABILITIES, LIST, LIST, HELLO, PICTURE, RECIPE):
            site.get(path).raise_for_status()
        site.get(f"{LIST}&white_list=(")
        site.get("/datastore_server/none/x")
        site.get("/elsewhere")
        site.get(LIST, password="wrong")
    series = site.series

    counted = {
        name.partition("{")[2].rstrip("}"): n
        for name, n in series.items()
        if name.startswith("requests_total")
    }
    assert counted == {
        "about,2xx": 1,
        "capabilitylist,2xx": 1,
        "resourcelist,2xx": 2,
        "resourcelist,4xx": 1,
        "data_set_file,2xx": 1,
        "data_set_file,4xx": 1,
        "attachment,2xx": 1,
        "service_file,2xx": 1,
        "other,4xx": 2,
    }
    files = {name: n for name, n in series.items() if name.startswith("sent_files_total")}
    assert files == {
        "sent_files_total{data_set_file}": 1,
        "sent_files_total{attachment}": 1,
        "sent_files_total{service_file}": 1,
    }


def test_bytes_are_those_that_were_sent() -> None:
    with a_site() as site:
        plain = site.get(LIST, headers={"Accept-Encoding": "identity"})
        site.get(HELLO)
        site.get(HELLO, headers={"Range": "bytes=2-4"})
        site.get(HELLO, method="HEAD")
        site.get(LIST, method="HEAD")
    series = site.series

    assert series["sent_bytes_total{resourcelist}"] == len(plain.content)
    assert series["sent_bytes_total{data_set_file}"] == 10 + 3
    assert series["sent_files_total{data_set_file}"] == 2


def test_times_are_those_of_answers_that_are_no_errors() -> None:
    with a_site() as site:
        site.get(LIST)
        site.get(f"{LIST}&white_list=(")
    series = site.series

    first, whole = "first_byte_seconds", "answer_seconds"
    assert series[f"{first}_count{{resourcelist}}"] == 1
    assert series[f"{whole}_count{{resourcelist}}"] == 1
    assert series[f"{whole}_sum{{resourcelist}}"] >= series[f"{first}_sum{{resourcelist}}"]
    assert series[f"{whole}_bucket{{resourcelist,+Inf}}"] == 1


def test_lists_that_are_being_sent_and_refused_are_counted() -> None:
    may_read = threading.Event()

    class Waiting(MemoryCatalogue):
        def entities_of(self, _kind: Kind) -> Iterator[Entity]:
            assert may_read.wait(30)
            return iter(())

    with a_site(Waiting(scopes=scopes()), max_lists_per_user=1) as site:
        before = site.series
        with site.receiving() as answer:
            during = site.series
            refused = site.get(LIST)
            may_read.set()
            rest = b"".join(answer.blocks)
    after = site.series

    assert rest.endswith(b"</urlset>")
    assert before["lists_in_progress"] == after["lists_in_progress"] == 0
    assert during["lists_in_progress"] == 1
    assert before["refused_lists_total{user}"] == before["refused_lists_total{all}"] == 0
    assert refused.status_code == 429
    assert after["refused_lists_total{user}"] == 1
    assert after["refused_lists_total{interval}"] == 0
    assert after["requests_total{resourcelist,4xx}"] == 1


def test_an_answer_that_breaks_off_is_counted_as_cut() -> None:
    class Failing(MemoryCatalogue):
        def entities_of(self, _kind: Kind) -> Iterator[Entity]:
            raise RuntimeError("the database has gone")

    with a_site(Failing(scopes=scopes())) as site, pytest.raises(httpx.RemoteProtocolError):
        site.get(LIST)
    series = site.series

    assert series["cut_answers_total{resourcelist}"] == 1
    assert series["requests_total{resourcelist,2xx}"] == 1
    assert series["lists_in_progress"] == 0


def test_no_label_names_a_user_a_file_or_a_pattern() -> None:
    with a_site() as site:
        site.get(f"{LIST}&white_list=ALPHA&black_list=GAMMA")
        site.get(HELLO)
    text = site.exposition

    for word in ("mira", "hello", DATA_SET, "ALPHA", "GAMMA"):
        assert word not in text
    assert "_created" not in text
    names = {family.name for family in text_string_to_metric_families(text)}
    assert all(name.startswith("openbis_sync_source_") for name in names)


def test_a_turn_that_comes_after_the_end_of_its_request_is_given_back() -> None:
    politeness = ListLimits(Rules.of(SourceSettings()))
    visit = WatchedRequest()
    visit.end(delivered=False)
    turn = politeness.turn("mira", Selection())
    assert isinstance(turn, Turn)
    held = politeness.lists
    visit.hold(turn)

    assert held == 1
    assert politeness.lists == 0
