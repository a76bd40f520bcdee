"""Fetching the list of a data source: one request, and what can go wrong with it."""

from __future__ import annotations

import base64
import gzip
import logging
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from harvester.source import Source
from shared.errors import SourceError, SourceRefusedError
from tests.scripted_source import PASSWORD, Answer, ScriptedSource, scripted_source, section

RE_SYNC = "/datastore_server/re-sync"
LIST = (
    b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    b'xmlns:rs="http://www.openarchives.org/rs/terms/">'
    b'<rs:md at="2024-03-05T09:14:07Z" capability="resourcelist"/></urlset>'
)


@pytest.fixture
def source() -> Iterator[ScriptedSource]:
    with scripted_source() as source:
        yield source


@pytest.fixture
def other() -> Iterator[ScriptedSource]:
    with scripted_source() as source:
        yield source


def index(*addresses: str) -> bytes:
    parts = "".join(f"<sitemap><loc> {address} </loc></sitemap>" for address in addresses)
    namespace = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return f'<sitemapindex xmlns="{namespace}">{parts}</sitemapindex>'.encode()


def fetch(
    url: str, folder: Path, pauses: tuple[float, ...] = (0, 0), **fields: object
) -> list[Path]:
    with Source(section(url, **fields), pauses=pauses) as source:
        return source.fetch_list(folder)


def waits_of(source: ScriptedSource, folder: Path, pauses: tuple[float, ...]) -> list[float]:
    """How long a fetch that must succeed has waited between its tries."""
    waits: list[float] = []
    with Source(section(source.url), pauses=pauses, sleep=waits.append) as opened:
        assert len(opened.fetch_list(folder)) == 1
    return waits


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


def assert_fails(
    url: str, folder: Path, kind: type[Exception] = SourceError, **fields: object
) -> str:
    """That a fetch fails, leaves no file, and does not tell the password."""
    with pytest.raises(kind) as caught:
        fetch(url, folder, **fields)  # type: ignore[arg-type]
    assert list(folder.iterdir()) == []
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


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


@pytest.mark.parametrize(
    "failure",
    [
        Answer(status=500, body=b"oops"),
        Answer(status=503),
        Answer(status=429),
        Answer(body=LIST, cut=True),
        Answer(body=b"no gzip", headers={"content-encoding": "gzip"}),
    ],
    ids=["500", "503", "429", "cut", "garbled"],
)
def test_what_may_pass_is_tried_again(
    source: ScriptedSource, tmp_path: Path, failure: Answer
) -> None:
    source.answer(RE_SYNC, failure, failure, Answer(body=LIST))
    (file,) = fetch(source.url, tmp_path)
    assert file.read_bytes() == LIST
    assert len(source.requests) == 3


def test_after_the_last_try_the_reason_is_told(source: ScriptedSource, tmp_path: Path) -> None:
    source.answer(RE_SYNC, Answer(status=500, body=b"no more\nmemory"))
    assert assert_fails(source.url, tmp_path).endswith("answers with status 500: no more memory")
    assert len(source.requests) == 3


def test_a_body_that_is_cut_again_and_again_leaves_no_file(
    source: ScriptedSource, tmp_path: Path
) -> None:
    source.answer(RE_SYNC, Answer(body=LIST, cut=True))
    assert "cannot be read" in assert_fails(source.url, tmp_path)


def test_pauses_grow_and_vary_by_half(source: ScriptedSource, tmp_path: Path) -> None:
    failure = Answer(status=503)
    source.answer(RE_SYNC, failure, failure, failure, Answer(body=LIST))
    first, second, third = waits_of(source, tmp_path, (1, 4, 15))
    assert 0.5 <= first <= 1.5
    assert 2 <= second <= 6
    assert 7.5 <= third <= 22.5


@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [
        ("70", 70, 70),
        ("86400", 300, 300),
        (format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True), 300, 300),
        (format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True), 0, 0),
        ("soon", 0, 0),
    ],
    ids=["seconds", "too-long", "date", "past", "nonsense"],
)
def test_the_source_may_say_how_long_to_wait(
    source: ScriptedSource, tmp_path: Path, retry_after: str, least: float, most: float
) -> None:
    failure = Answer(status=503, headers={"retry-after": retry_after})
    source.answer(RE_SYNC, failure, Answer(body=LIST))
    (wait,) = waits_of(source, tmp_path, (0,))
    assert least <= wait <= most


def test_a_source_that_is_not_there_is_told(tmp_path: Path) -> None:
    with scripted_source() as gone:
        url = gone.url
    assert f"{url}{RE_SYNC} cannot be read" in assert_fails(url, tmp_path)


def test_a_host_that_does_not_exist_is_told(tmp_path: Path) -> None:
    url = "http://nowhere.invalid"
    assert f"{url}{RE_SYNC} cannot be read" in assert_fails(url, tmp_path)


def test_a_silent_source_is_not_waited_for_for_ever(source: ScriptedSource, tmp_path: Path) -> None:
    source.answer(RE_SYNC, Answer(silent=True))
    message = assert_fails(source.url, tmp_path, pauses=(), timeout=1)
    assert "timed out" in message


def test_a_page_in_html_is_left_to_the_reader(source: ScriptedSource, tmp_path: Path) -> None:
    page = Answer(body=b"<html>Welcome", headers={"content-type": "text/html"})
    source.answer(RE_SYNC, page)
    (file,) = fetch(source.url, tmp_path)
    assert file.read_bytes() == page.body


def test_a_full_disk_passes_through_and_leaves_nothing(
    source: ScriptedSource, tmp_path: Path
) -> None:
    source.answer(RE_SYNC, Answer(body=LIST * 1000))
    with files_of_at_most(10_000):
        assert "File too large" in assert_fails(source.url, tmp_path, OSError)
    assert len(source.requests) == 1


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The next best thing to a full disk that any user can have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_no_address_with_its_query_is_logged(
    source: ScriptedSource, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source.answer(RE_SYNC, Answer(status=500), Answer(body=LIST))
    with caplog.at_level(logging.INFO):
        fetch(source.url, tmp_path, pauses=(0,))
    assert "status 500: Internal Server Error; trying again in 0 seconds" in caplog.text
    ours = [entry.getMessage() for entry in caplog.records if "uvicorn" not in entry.name]
    assert len(ours) == 1
    assert "verb=" not in ours[0]
