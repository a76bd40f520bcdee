"""Downloading files: what is verified, what is left behind, and where credentials go."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harvester.openbis.source.source import Download, Source, VerificationError
from shared.errors import SourceError, SourceRefusedError
from tests.support.servers.scripted_source import (
    PASSWORD,
    Answer,
    ScriptedSource,
    scripted_source,
    seconds,
    section,
)

pytestmark = pytest.mark.usefixtures("transport")

CONTENT = b"hello world" * 10_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
CRC32 = zlib.crc32(CONTENT)
FILE = "/datastore_server/20240203120500001-21/original/a%20b.txt"


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedSource]:
    with scripted_source() as source:
        yield source


@pytest.fixture
def empty_source(server: ScriptedSource) -> ScriptedSource:
    server.forget()
    return server


@pytest.fixture
def source(empty_source: ScriptedSource) -> ScriptedSource:
    """It has a file."""
    empty_source.answer(FILE, Answer(body=CONTENT))
    return empty_source


def opened(source: ScriptedSource, **fields: object) -> Source:
    return Source(section(source.url, retry_pauses=seconds(0, 0), **fields))


def assert_not_downloaded(
    source: ScriptedSource, folder: Path, kind: type[Exception], **expected: object
) -> str:
    """That the download fails, leaves no file, and shows neither password nor query."""
    url = f"{source.url}{FILE}?sessionID=token"
    with opened(source) as client, pytest.raises(kind) as caught:
        client.download(url, folder / "file", **expected)  # type: ignore[arg-type]
    assert list(folder.iterdir()) == []
    assert PASSWORD not in str(caught.value)
    assert "token" not in str(caught.value)
    return str(caught.value)


def test_a_file_is_downloaded_and_its_length_and_sha_256_told(
    source: ScriptedSource, tmp_path: Path
) -> None:
    with opened(source) as client:
        found = client.download(f"{source.url}{FILE}", tmp_path / "file")
    assert found == Download(length=len(CONTENT), sha256=SHA256)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert source.requests[0].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "expected",
    [
        {"length": len(CONTENT), "crc32": CRC32, "sha256": SHA256.upper()},
        {"crc32": CRC32 - (1 << 32)},
        {"checksum": f"SHA256:{SHA256}"},
        {"checksum": f"SHA-256:{SHA256.upper()}"},
        {"checksum": f"MD5:{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}"},
        {"checksum": f"sha1:{hashlib.sha1(CONTENT, usedforsecurity=False).hexdigest()}"},
        {"checksum": f"SHA3-256:{hashlib.sha3_256(CONTENT).hexdigest()}"},
        {"checksum": "WHIRL:00"},
        {"checksum": "SHAKE_128:00"},
        {"checksum": "no checksum"},
        {"checksum": ""},
    ],
    ids=lambda expected: " ".join(map(str, expected.values()))[:30],
)
def test_what_is_announced_is_compared_as_far_as_it_can_be(
    source: ScriptedSource, tmp_path: Path, expected: dict[str, object]
) -> None:
    with opened(source) as client:
        url = f"{source.url}{FILE}"
        found = client.download(url, tmp_path / "file", **expected)  # type: ignore[arg-type]
    assert found.sha256 == SHA256


@pytest.mark.parametrize(
    ("expected", "reason"),
    [
        ({"length": len(CONTENT) + 1}, "length: the list says 110001, 110000 came"),
        ({"length": len(CONTENT) - 1}, "more than the 109999 bytes of the list came"),
        ({"length": 0}, "more than the 0 bytes of the list came"),
        ({"crc32": 1}, f"CRC32: the list says 1, {CRC32} came"),
        ({"sha256": "0" * 64}, f"SHA256: the list says {'0' * 64}, {SHA256} came"),
        ({"checksum": "MD5:00"}, "MD5: the list says 00, "),
        ({"length": len(CONTENT), "crc32": 1, "checksum": "SHA1:"}, "; SHA1: the list says , "),
    ],
)
def test_a_file_that_differs_is_removed_and_the_difference_told(
    source: ScriptedSource, tmp_path: Path, expected: dict[str, object], reason: str
) -> None:
    assert reason in assert_not_downloaded(source, tmp_path, VerificationError, **expected)
    assert len(source.requests) == 1


def test_a_body_without_end_is_given_up(empty_source: ScriptedSource, tmp_path: Path) -> None:
    empty_source.answer(FILE, Answer(body=b"x" * 1000, endless=True))
    reason = assert_not_downloaded(empty_source, tmp_path, VerificationError, length=5000)
    assert "more than the 5000 bytes" in reason


def test_a_page_that_says_that_the_session_expired_is_no_file(
    empty_source: ScriptedSource, tmp_path: Path
) -> None:
    page = b"<html>Download session expired.</html>"
    empty_source.answer(FILE, Answer(body=page, headers={"content-type": "text/html"}))
    reason = assert_not_downloaded(empty_source, tmp_path, VerificationError, length=110_000)
    assert f"length: the list says 110000, {len(page)} came" in reason


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_the_source_does_not_have_is_told(
    empty_source: ScriptedSource, tmp_path: Path, status: int
) -> None:
    empty_source.answer(FILE, Answer(status=status))
    reason = assert_not_downloaded(empty_source, tmp_path, VerificationError)
    assert "the source does not have the file" in reason


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(status=403), SourceRefusedError),
        (Answer(status=418), SourceError),
        (Answer(status=500), SourceError),
        (Answer(status=206, body=CONTENT), SourceError),
        (Answer(body=CONTENT, cut=True), SourceError),
    ],
    ids=["403", "418", "500", "206", "cut"],
)
def test_nothing_is_left_of_a_download_that_fails(
    empty_source: ScriptedSource, tmp_path: Path, answer: Answer, kind: type[Exception]
) -> None:
    empty_source.answer(FILE, answer)
    assert f"{empty_source.url}{FILE}" in assert_not_downloaded(empty_source, tmp_path, kind)


def test_a_download_that_was_cut_starts_anew(empty_source: ScriptedSource, tmp_path: Path) -> None:
    empty_source.answer(FILE, Answer(body=b"y" * 200_000, cut=True), Answer(body=CONTENT))
    with opened(empty_source) as client:
        found = client.download(f"{empty_source.url}{FILE}", tmp_path / "file", sha256=SHA256)
    assert found.length == (tmp_path / "file").stat().st_size == len(CONTENT)


def test_an_existing_file_is_never_touched(source: ScriptedSource, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    with opened(source) as client, pytest.raises(FileExistsError):
        client.download(f"{source.url}{FILE}", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize(
    "url",
    ["{other}/file", "ftp://host/file", "file:///etc/passwd", "", "http://[", "http://host/\0"],
)
def test_a_file_elsewhere_is_never_asked_for(
    source: ScriptedSource, tmp_path: Path, url: str
) -> None:
    with scripted_source() as other, opened(source) as client:
        with pytest.raises(SourceError):
            client.download(url.format(other=other.url), tmp_path / "file")
        assert other.requests == source.requests == []
    assert list(tmp_path.iterdir()) == []


def test_many_threads_download_at_the_same_time(source: ScriptedSource, tmp_path: Path) -> None:
    contents = [os.urandom(50_000) for _ in range(40)]
    for number, content in enumerate(contents):
        source.answer(f"/file/{number}", Answer(body=content))
    with opened(source, max_threads=8) as client, ThreadPoolExecutor(8) as pool:

        def download(number: int) -> str:
            return client.download(
                f"{source.url}/file/{number}",
                tmp_path / str(number),
                crc32=zlib.crc32(contents[number]),
            ).sha256

        found = list(pool.map(download, range(40)))
    assert found == [hashlib.sha256(content).hexdigest() for content in contents]


# --- an original openBIS, whose files need a session

API = "rmi-application-server-v3.json"


def login(result: object) -> Answer:
    return Answer(body=json.dumps({"jsonrpc": "2.0", "id": "1", "result": result}).encode())


@pytest.mark.parametrize("path", ["", "/openbis", "/openbis/openbis"])
def test_the_application_server_is_found_whatever_form_its_url_has(
    source: ScriptedSource, path: str
) -> None:
    source.answer(f"/openbis/openbis/{API}", login("mira-1 2"))
    source.answer(f"/{API}", Answer(body=b"<html>Welcome to openBIS</html>"))
    with opened(source, data_source_openbis_url=f"{source.url}{path}") as client:
        url = client.session_file_url("20240203120500001-21", "original/a b.txt")
        again = client.session_file_url("X", "\u00e4?#%.txt")
    assert url == f"{source.url}{FILE}?sessionID=mira-1%202"
    assert again == f"{source.url}/datastore_server/X/%C3%A4%3F%23%25.txt?sessionID=mira-1%202"
    calls = [json.loads(request.body) for request in source.requests]
    assert calls[-1] == {"jsonrpc": "2.0", "id": "1", "method": "logout", "params": ["mira-1 2"]}
    assert calls[-2]["method"] == "login"
    assert calls[-2]["params"] == ["mira", PASSWORD]
    assert source.requests[-2].path == f"/openbis/openbis/{API}"


def test_without_a_login_there_is_no_logout(source: ScriptedSource) -> None:
    with opened(source, data_source_openbis_url=source.url):
        pass
    assert source.requests == []


def test_a_refused_login_is_told_and_not_repeated(source: ScriptedSource) -> None:
    source.answer(f"/openbis/openbis/{API}", login(None))
    with opened(source, data_source_openbis_url=source.url) as client:
        for _ in range(2):
            with pytest.raises(SourceRefusedError, match="user mira was refused") as caught:
                client.open_session()
            assert PASSWORD not in str(caught.value)
    assert len(source.requests) == 1


def test_an_error_of_the_login_is_told(source: ScriptedSource) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": "1", "error": {"message": "no d\u00e4tabase"}})
    source.answer(f"/openbis/openbis/{API}", Answer(body=body.encode()))
    with (
        opened(source, data_source_openbis_url=source.url) as client,
        pytest.raises(SourceError, match=r"the login failed: .*no d\u00e4tabase"),
    ):
        client.open_session()


def test_a_login_is_tried_again_while_the_server_starts(source: ScriptedSource) -> None:
    source.answer(f"/openbis/openbis/{API}", Answer(status=503), login("token"))
    with opened(source, data_source_openbis_url=source.url) as client:
        assert client.session_file_url("X", "y").endswith("/X/y?sessionID=token")


def test_an_address_where_no_application_server_answers_is_told(source: ScriptedSource) -> None:
    with (
        opened(source, data_source_openbis_url=f"{source.url}/x/") as client,
        pytest.raises(SourceError, match=rf"at {source.url}/x/openbis/openbis/{API}, "),
    ):
        client.open_session()
    assert len(source.requests) == 3


def test_without_its_url_no_session_can_be_opened(source: ScriptedSource) -> None:
    with (
        opened(source) as client,
        pytest.raises(SourceError, match=r"\[DS1\] data-source-openbis-url is missing"),
    ):
        client.session_file_url("X", "y")
