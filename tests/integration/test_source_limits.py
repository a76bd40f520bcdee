"""What a source may send at most: packed lists, packed files, errors, logins, heads and feet."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from harvester.http.bodies import MOST_TIMES
from harvester.http.pace import SLOWEST, Pace
from harvester.http.retries import PassingError
from harvester.openbis.source.allowance import MOST_BYTES, ListAllowance
from harvester.openbis.source.source import LOGIN_BYTES, Source, VerificationError
from shared.errors import FormatError, SourceError
from tests.integration.test_direct_transport import client, serving, sockets
from tests.integration.test_harvest_full_disk import small_disk
from tests.integration.test_source import LIST, RE_SYNC, assert_fails, fetch
from tests.support.servers.scripted_source import (
    Answer,
    ScriptedSource,
    scripted_source,
    seconds,
    section,
)

pytestmark = pytest.mark.usefixtures("transport")

__all__ = ["client", "sockets"]

API = "/openbis/openbis/rmi-application-server-v3.json"
FILE = "/datastore_server/D1/a.txt"
PACKED = {"content-encoding": "gzip"}


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedSource]:
    with scripted_source() as source:
        yield source


@pytest.fixture
def source(server: ScriptedSource) -> ScriptedSource:
    server.forget()
    return server


def bomb(megabytes: int) -> bytes:
    """Blanks, packed as well as can be."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(b" " * (1 << 20)) for _ in range(megabytes)]
    return b"".join((*parts, packer.flush()))


@pytest.mark.parametrize("encoding", ["gzip, gzip", "deflate", "br", "zstd", "identity, gzip"])
def test_a_list_is_packed_once_with_gzip_or_not_at_all(
    source: ScriptedSource, tmp_path: Path, encoding: str
) -> None:
    body = gzip.compress(gzip.compress(LIST))
    source.answer(RE_SYNC, Answer(body=body, headers={"content-encoding": encoding}))
    told = assert_fails(source.url, tmp_path, FormatError)
    assert f"Content-Encoding '{encoding}'" in told
    assert len(source.requests) == 1


def test_a_list_that_unpacks_to_far_more_than_any_list_is_refused(
    source: ScriptedSource, tmp_path: Path
) -> None:
    source.answer(RE_SYNC, Answer(body=bomb(200), headers=PACKED))
    assert f"{MOST_TIMES} times as many" in assert_fails(source.url, tmp_path, FormatError)


def test_blanks_that_keep_the_connection_alive_may_pack_well(
    source: ScriptedSource, tmp_path: Path
) -> None:
    body = gzip.compress(b" " * (10 << 20) + LIST)
    source.answer(RE_SYNC, Answer(body=body, headers={"content-encoding": "x-gzip"}))
    (file,) = fetch(source.url, tmp_path)
    assert file.read_bytes().endswith(LIST)
    assert file.stat().st_size == (10 << 20) + len(LIST)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (gzip.compress(LIST)[:-8], "ends too early"),
        (gzip.compress(LIST)[:-1], "ends too early"),
        (gzip.compress(LIST)[:30], "ends too early"),
        (gzip.compress(LIST) + b"<more/>", "something follows"),
        (gzip.compress(LIST) + gzip.compress(b"<more/>"), "something follows"),
        (gzip.compress(LIST)[:-8] + b"\0" * 8, "is damaged"),
        (b"", "ends too early"),
    ],
    ids=["no trailer", "cut trailer", "cut", "garbage", "second", "wrong sum", "nothing"],
)
def test_a_packed_list_counts_only_whole(
    source: ScriptedSource, tmp_path: Path, body: bytes, why: str
) -> None:
    source.answer(RE_SYNC, Answer(body=body, headers=PACKED))
    assert why in assert_fails(source.url, tmp_path)
    assert len(source.requests) == 3


def test_the_body_of_an_error_is_never_unpacked(source: ScriptedSource, tmp_path: Path) -> None:
    source.answer(RE_SYNC, Answer(status=500, body=bomb(200), headers=PACKED))
    assert assert_fails(source.url, tmp_path).endswith("status 500: Internal Server Error")


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "br"])
def test_a_file_that_is_packed_fails_alone(
    source: ScriptedSource, tmp_path: Path, encoding: str
) -> None:
    headers = {"content-encoding": encoding}
    source.answer(FILE, Answer(body=gzip.compress(b"hello"), headers=headers))
    with (
        Source(section(source.url)) as opened,
        pytest.raises(VerificationError, match=f"packs the file .*{encoding}"),
    ):
        opened.download(f"{source.url}{FILE}", tmp_path / "a.txt", length=5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b'{"result": "' + b"t" * (2 * LOGIN_BYTES) + b'"}'),
        Answer(body=b"x" * LOGIN_BYTES, endless=True),
        Answer(body=b"[" * 100_000),
        Answer(body=b'{"result": ' + b"[" * 100_000),
        Answer(body=bomb(200), headers=PACKED),
        Answer(body=b'{"id": ' + b"9" * 5_000 + b"}"),
    ],
    ids=["long", "endless", "deep", "deep within", "packed", "number"],
)
def test_the_answer_to_a_login_is_read_with_a_limit(source: ScriptedSource, answer: Answer) -> None:
    source.answer(API, answer)
    config = section(source.url, data_source_openbis_url=source.url, retry_pauses=seconds())
    with Source(config) as opened, pytest.raises(SourceError, match="no application server"):
        opened.open_session()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000,
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000,
        b"HTTP/1.1 102 Processing\r\n\r\n" * 20_000,
        CHUNKED + b"\r\n4\r\ncake\r\n0\r\n" + b"X: y\r\n" * 100_000,
        CHUNKED + b"\r\n4\r\ncake\r\n0\r\nX: " + b"y" * 1_000_000,
        CHUNKED + b"\r\n4;" + b"x" * 1_000_000,
    ],
    ids=["headers", "header", "in between", "trailers", "trailer", "extension"],
)
def test_heads_and_feet_without_an_end_are_refused(client: httpx.Client, answer: bytes) -> None:
    with serving([answer]) as server, pytest.raises(httpx.RemoteProtocolError):
        client.get(server.url)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_list_has_its_time(tmp_path: Path) -> None:
    clock = Clock()
    allowance = ListAllowance(tmp_path, timedelta(hours=12), clock)
    clock.now = 12 * 3600.0
    allowance.check(1)
    clock.now += 1
    with pytest.raises(SourceError, match=r"after 12:00:00 \(max-list-time\)"):
        allowance.check(1)


def test_a_list_leaves_room_on_the_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "10m"):
        allowance = ListAllowance(tmp_path / "disk", timedelta(hours=12))
        allowance.check(1)
        (tmp_path / "disk" / "list").write_bytes(b" " * 10_400_000)
        allowance.check(1)
        with pytest.raises(SourceError, match="make room below harvester-tmp-dir"):
            allowance.check(20 << 20)


def test_no_list_is_longer_than_a_terabyte(tmp_path: Path) -> None:
    allowance = ListAllowance(tmp_path, timedelta(hours=12))
    allowance.check(MOST_BYTES)
    with pytest.raises(SourceError, match="no list is that long"):
        allowance.check(20 << 20)


def test_a_file_must_come_with_some_pace() -> None:
    clock = Clock()
    pace = Pace(600, clock)
    for _ in range(599):
        clock.now += 1
        pace.came(1)
        pace.waits()
    clock.now += 1
    with pytest.raises(PassingError, match=f"only 600 bytes .* less than {SLOWEST} a second"):
        pace.came(1)


def test_time_that_is_spent_elsewhere_does_not_count() -> None:
    clock = Clock()
    pace = Pace(600, clock)
    for _ in range(1000):
        clock.now += 1
        pace.came(SLOWEST)
        clock.now += 500
        pace.waits()
    assert clock.now == 501_000
