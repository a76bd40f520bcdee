"""What a source's bad luck costs: some more tries, and never a file that is half there."""

from __future__ import annotations

import logging
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from harvester.openbis.source.source import Source
from shared.errors import SourceError
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
LIST = b"<urlset/>"


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedSource]:
    with scripted_source() as source:
        yield source


@pytest.fixture
def source(server: ScriptedSource) -> ScriptedSource:
    server.forget()
    return server


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


def waits_of(source: ScriptedSource, folder: Path, pauses: tuple[float, ...]) -> list[float]:
    """How long a fetch that must succeed has waited between its tries."""
    waits: list[float] = []
    config = section(source.url, retry_pauses=seconds(*pauses))
    with Source(config, sleep=waits.append) as opened:
        assert len(opened.fetch_list(folder)) == 1
    return waits


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
        ("300", 300, 300),
        (timedelta(seconds=280), 200, 280),
        (timedelta(hours=-1), 0, 0),
        ("soon", 0, 0),
    ],
    ids=["seconds", "longest", "date", "past", "nonsense"],
)
def test_the_source_may_say_how_long_to_wait(
    source: ScriptedSource, tmp_path: Path, retry_after: str | timedelta, least: float, most: float
) -> None:
    if isinstance(
        retry_after, timedelta
    ):  # as a date; seen from now, not from when tests are found
        retry_after = format_datetime(datetime.now(UTC) + retry_after, usegmt=True)
    failure = Answer(status=503, headers={"retry-after": retry_after})
    source.answer(RE_SYNC, failure, Answer(body=LIST))
    (wait,) = waits_of(source, tmp_path, (0,))
    assert least <= wait <= most


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "retry_after",
    ["301", format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)],
    ids=["seconds", "date"],
)
def test_a_source_that_wants_to_be_left_alone_for_long_is_not_asked_again(
    source: ScriptedSource, tmp_path: Path, status: int, retry_after: str
) -> None:
    source.answer(RE_SYNC, Answer(status=status, headers={"retry-after": retry_after}, body=b"no"))
    message = assert_fails(source.url, tmp_path)
    assert f"status {status}: no; it wants to be left alone until 20" in message
    assert len(source.requests) == 1


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


def test_a_full_disk_passes_through_and_leaves_nothing(
    source: ScriptedSource, tmp_path: Path
) -> None:
    source.answer(RE_SYNC, Answer(body=LIST * 10_000))
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
