"""Fetching the list of a data source: one request, and what can go wrong with it."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from harvester.openbis.source.probe import Probe
from harvester.openbis.source.source import Source
from shared.errors import SourceError, SourceRefusedError
from shared.resourcesync.terms import Document
from tests.support.servers.scripted_source import (
    PASSWORD,
    Answer,
    ScriptedSource,
    scripted_source,
    seconds,
    section,
)

pytestmark = pytest.mark.usefixtures("transport")

RE_SYNC = "/datastore_server/re-sync"
LIST = (
    b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    b'xmlns:rs="http://www.openarchives.org/rs/terms/">'
    b'<rs:md at="2024-03-05T09:14:07Z" capability="resourcelist"/></urlset>'
)


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[ScriptedSource, ScriptedSource]]:
    with scripted_source() as one, scripted_source() as two:
        yield one, two


@pytest.fixture
def source(servers: tuple[ScriptedSource, ScriptedSource]) -> ScriptedSource:
    servers[0].forget()
    return servers[0]


@pytest.fixture
def other(servers: tuple[ScriptedSource, ScriptedSource]) -> ScriptedSource:
    servers[1].forget()
    return servers[1]


def index(*addresses: str) -> bytes:
    parts = "".join(f"<sitemap><loc> {address} </loc></sitemap>" for address in addresses)
    namespace = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return f'<sitemapindex xmlns="{namespace}">{parts}</sitemapindex>'.encode()


def fetch(
    url: str, folder: Path, pauses: tuple[float, ...] = (0, 0), **fields: object
) -> list[Path]:
    config = section(url, **{"retry_pauses": seconds(*pauses), **fields})
    with Source(config) as source:
        return source.fetch_list(folder)


def assert_fails(
    url: str, folder: Path, kind: type[Exception] = SourceError, **fields: object
) -> str:
    """That a fetch fails, leaves no file, and does not tell the password."""
    with pytest.raises(kind) as caught:
        fetch(url, folder, **fields)  # type: ignore[arg-type]
    assert list(folder.iterdir()) == []
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


def test_the_list_is_fetched_with_one_get_and_filters_arrive_as_they_were_written(
    source: ScriptedSource, tmp_path: Path
) -> None:
    source.answer(RE_SYNC, Answer(body=LIST))
    black, white = ("SYSTEM", "A+B&C#%41 |{}"), (r"(?P<x>\u00e4)?.*", "B=1")
    (file,) = fetch(source.url, tmp_path, space_black_list=black, space_white_list=white)
    assert file.read_bytes() == LIST
    (request,) = source.requests
    assert request.method == "GET"
    assert parse_qsl(request.query) == [
        ("verb", "resourcelist.xml"),
        *(("black_list", item) for item in black),
        *(("white_list", item) for item in white),
    ]


def test_credentials_are_sent_at_once_in_utf_8(source: ScriptedSource, tmp_path: Path) -> None:
    source.answer(RE_SYNC, Answer(body=LIST))
    fetch(source.url, tmp_path)
    scheme, _, credentials = source.requests[0].headers["authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(credentials).decode() == f"mira:{PASSWORD}"


def test_a_packed_answer_is_unpacked(source: ScriptedSource, tmp_path: Path) -> None:
    packed = Answer(body=gzip.compress(LIST), headers={"content-encoding": "gzip"})
    source.answer(RE_SYNC, packed)
    (file,) = fetch(source.url, tmp_path)
    assert file.read_bytes() == LIST
    assert source.requests[0].headers["accept-encoding"] == "gzip"


def test_a_url_may_have_a_query_already(source: ScriptedSource, tmp_path: Path) -> None:
    source.answer("/servlet", Answer(body=LIST))
    fetch(source.url, tmp_path, resource_list_url=f"{source.url}/servlet?module=re-sync")
    assert source.requests[0].query == "module=re-sync&verb=resourcelist.xml"


def test_the_parts_of_an_index_are_fetched_in_order(source: ScriptedSource, tmp_path: Path) -> None:
    parts = [f"{source.url}{RE_SYNC}/part?n=2&m=1", f"{RE_SYNC}/relative"]
    source.answer(RE_SYNC, Answer(body=index(*(part.replace("&", "&amp;") for part in parts))))
    source.answer(f"{RE_SYNC}/part", Answer(body=LIST))
    source.answer(f"{RE_SYNC}/relative", Answer(body=b"<urlset/>"))
    files = fetch(source.url, tmp_path)
    assert [file.read_bytes() for file in files] == [LIST, b"<urlset/>"]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert [request.query for request in source.requests[1:]] == ["n=2&m=1", ""]
    assert {request.headers["authorization"] for request in source.requests} == {
        source.requests[0].headers["authorization"]
    }


def test_an_index_without_parts_is_left_to_the_reader(
    source: ScriptedSource, tmp_path: Path
) -> None:
    source.answer(RE_SYNC, Answer(body=index()))
    (file,) = fetch(source.url, tmp_path)
    assert file.read_bytes() == index()


def test_nothing_is_left_of_a_list_whose_part_is_missing(
    source: ScriptedSource, tmp_path: Path
) -> None:
    source.answer(RE_SYNC, Answer(body=index("/one", "/two")))
    source.answer("/one", Answer(body=LIST))
    assert "/two answers with status 404: nothing here" in assert_fails(source.url, tmp_path)


def test_a_part_elsewhere_is_never_asked_for(
    source: ScriptedSource, other: ScriptedSource, tmp_path: Path
) -> None:
    source.answer(RE_SYNC, Answer(body=index(f"{other.url}/part")))
    assert f"{other.url}/part" in assert_fails(source.url, tmp_path)
    assert other.requests == []


def test_a_redirect_within_the_source_is_followed_with_credentials(
    source: ScriptedSource, tmp_path: Path
) -> None:
    source.answer(RE_SYNC, Answer(status=302, headers={"location": f"{RE_SYNC}/?x=1"}))
    source.answer(f"{RE_SYNC}/", Answer(body=LIST))
    (file,) = fetch(source.url, tmp_path)
    assert file.read_bytes() == LIST
    assert (
        source.requests[1].headers["authorization"] == source.requests[0].headers["authorization"]
    )


def test_a_redirect_elsewhere_is_refused_and_both_addresses_are_named(
    source: ScriptedSource, other: ScriptedSource, tmp_path: Path
) -> None:
    source.answer(RE_SYNC, Answer(status=307, headers={"location": f"{other.url}/list"}))
    message = assert_fails(source.url, tmp_path)
    assert f"{source.url}{RE_SYNC}" in message
    assert f"{other.url}/list" in message
    assert other.requests == []


def test_a_redirect_to_another_configured_origin_is_followed(
    source: ScriptedSource, other: ScriptedSource, tmp_path: Path
) -> None:
    source.answer(RE_SYNC, Answer(status=307, headers={"location": f"{other.url}/list"}))
    other.answer("/list", Answer(body=LIST))
    (file,) = fetch(source.url, tmp_path, data_source_dss_url=f"{other.url}/datastore_server")
    assert file.read_bytes() == LIST


def test_redirects_in_a_circle_end(source: ScriptedSource, tmp_path: Path) -> None:
    source.answer(RE_SYNC, Answer(status=301, headers={"location": RE_SYNC}))
    assert "too many redirects" in assert_fails(source.url, tmp_path)


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_credentials_are_told_at_once(
    source: ScriptedSource, tmp_path: Path, status: int
) -> None:
    source.answer(RE_SYNC, Answer(status=status))
    message = assert_fails(source.url, tmp_path, SourceRefusedError)
    assert f"{source.url}{RE_SYNC} refuses user mira with status {status}" in message
    assert len(source.requests) == 1


def test_a_request_that_is_refused_is_told_with_the_beginning_of_the_answer(
    source: ScriptedSource, tmp_path: Path
) -> None:
    text = "white_list: \u00e4( is no\nregular expression. " + "x" * 1000
    source.answer(RE_SYNC, Answer(status=400, body=text.encode()))
    message = assert_fails(source.url, tmp_path)
    assert message.endswith(f"status 400: {' '.join(text.split())[:200]}")
    assert len(source.requests) == 1


def test_a_page_in_html_is_left_to_the_reader(source: ScriptedSource, tmp_path: Path) -> None:
    page = Answer(body=b"<html>Welcome", headers={"content-type": "text/html"})
    source.answer(RE_SYNC, page)
    (file,) = fetch(source.url, tmp_path)
    assert file.read_bytes() == page.body


# --- small documents


def look(source: ScriptedSource, document: Document) -> Probe:
    with Source(section(source.url, retry_pauses=seconds(0))) as opened:
        return opened.look(document)


def test_a_small_document_is_asked_for_with_credentials_and_filters(source: ScriptedSource) -> None:
    source.answer(RE_SYNC, Answer(body=b"<about/>"))
    found = look(source, Document.ABOUT)
    assert (found.status, found.body) == (200, b"<about/>")
    (request,) = source.requests
    assert request.query.startswith(f"verb={Document.ABOUT.value}")
    assert request.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_a_look_is_told_with_whatever_status_it_has(source: ScriptedSource, status: int) -> None:
    source.answer(RE_SYNC, Answer(status=status, body=b"why"))
    found = look(source, Document.ABOUT)
    assert (found.status, found.text) == (status, "why")
    assert len(source.requests) == 1


def test_a_look_at_something_without_end_ends(source: ScriptedSource) -> None:
    source.answer(RE_SYNC, Answer(body=b"x" * 1000, endless=True))
    assert len(look(source, Document.CAPABILITY_LIST).body) <= 1 << 20


def test_a_look_at_a_source_that_is_not_there_is_an_error() -> None:
    with scripted_source() as gone:
        pass
    with pytest.raises(SourceError, match="cannot be read"):
        look(gone, Document.ABOUT)
