"""Files over HTTP: whole, in parts, again, and only for those who may see them."""

from __future__ import annotations

import hashlib
import http.client
import subprocess
from collections.abc import Iterator
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest

from shared.model.kinds import Kind
from shared.resourcesync.addresses import Addresses
from source_server.publication.catalogue import Downloadable
from tests.support.instances.memory_catalogue import AT
from tests.support.servers.source_site import DATA_SET, NAMES, PASSWORD, SAMPLE, a_catalogue, a_site

HELLO = f"/datastore_server/{DATA_SET}/original/hello.txt"
EMPTY = f"/datastore_server/{DATA_SET}/original/empty"
TAG = f'"{hashlib.sha256(b"0123456789").hexdigest()}"'
SERVED = Addresses(server_url="http://x", download_url="")


@pytest.fixture(scope="module")
def site() -> Iterator[httpx.Client]:
    with a_site() as client:
        yield client


def test_a_file_comes_with_its_headers(site: httpx.Client) -> None:
    answer = site.get(HELLO)

    assert answer.status_code == 200
    assert answer.content == b"0123456789"
    assert answer.headers["Content-Length"] == "10"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["ETag"] == TAG
    assert answer.headers["Last-Modified"] == format_datetime(AT, usegmt=True)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert "Content-Encoding" not in answer.headers


def test_head_tells_all_but_the_bytes(site: httpx.Client) -> None:
    get, head = site.get(HELLO), site.head(HELLO)

    assert head.status_code == 200
    assert head.content == b""
    kept = {name: value for name, value in get.headers.items() if name != "date"}
    assert {name: head.headers[name] for name in kept} == kept
    assert site.head(f"/datastore_server/{DATA_SET}/no").status_code == 404


def test_an_empty_file_is_a_file(site: httpx.Client) -> None:
    answer = site.get(EMPTY)

    assert answer.status_code == 200
    assert answer.headers["Content-Length"] == "0"
    assert "Last-Modified" not in answer.headers
    assert site.get(EMPTY, headers={"Range": "bytes=0-"}).status_code == 416


@pytest.mark.parametrize(
    ("wanted", "part", "told"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=4-", b"456789", "bytes 4-9/10"),
        ("bytes=9-9", b"9", "bytes 9-9/10"),
        ("bytes=5-100", b"56789", "bytes 5-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-30", b"0123456789", "bytes 0-9/10"),
        ("BYTES=0-0", b"0", "bytes 0-0/10"),
    ],
)
def test_a_range_is_answered_with_that_part(
    site: httpx.Client, wanted: str, part: bytes, told: str
) -> None:
    answer = site.get(HELLO, headers={"Range": wanted})

    assert answer.status_code == 206
    assert answer.content == part
    assert answer.headers["Content-Range"] == told
    assert answer.headers["Content-Length"] == str(len(part))
    assert answer.headers["ETag"] == TAG


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999-"])
def test_a_range_beyond_the_end_is_refused(site: httpx.Client, wanted: str) -> None:
    answer = site.get(HELLO, headers={"Range": wanted})

    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == "bytes */10"


@pytest.mark.parametrize(
    "wanted",
    [
        *("bytes=3-1", "bytes=-", "bytes=a-b", "bytes", "", "items=0-1", "bytes=0-1,3-4"),
        *("bytes=\u0663-", "bytes=" + "9" * 5000 + "-"),
    ],
)
def test_a_range_that_makes_no_sense_is_passed_over(site: httpx.Client, wanted: str) -> None:
    answer = site.get(HELLO, headers={b"Range": wanted.encode()})

    assert answer.status_code == 200
    assert answer.content == b"0123456789"


def test_a_head_has_no_range(site: httpx.Client) -> None:
    answer = site.head(HELLO, headers={"Range": "bytes=0-1"})

    assert answer.status_code == 200
    assert answer.headers["Content-Length"] == "10"


@pytest.mark.parametrize(
    ("condition", "status"),
    [(TAG, 206), ('"other"', 200), (f"W/{TAG}", 200), (format_datetime(AT, usegmt=True), 200)],
)
def test_a_part_is_sent_only_if_the_client_has_the_rest_of_the_same_file(
    site: httpx.Client, condition: str, status: int
) -> None:
    answer = site.get(HELLO, headers={"Range": "bytes=2-", "If-Range": condition})

    assert answer.status_code == status
    assert answer.content == (b"23456789" if status == 206 else b"0123456789")


@pytest.mark.parametrize(
    ("known", "status"),
    [
        (TAG, 304),
        (f"W/{TAG}", 304),
        (f'"a", {TAG}', 304),
        ("*", 304),
        ('"a"', 200),
        (TAG.strip('"'), 200),
    ],
)
def test_what_the_client_has_already_is_not_sent_again(
    site: httpx.Client, known: str, status: int
) -> None:
    for method in ("GET", "HEAD"):
        answer = site.request(method, HELLO, headers={"If-None-Match": known})
        assert answer.status_code == status
        assert answer.headers["ETag"] == TAG
        assert bool(answer.content) == (status == 200 and method == "GET")


@pytest.mark.parametrize("name", NAMES)
def test_an_address_in_the_list_leads_to_its_file_whatever_its_name(
    site: httpx.Client, name: str
) -> None:
    answer = site.get(SERVED.data_set_file(DATA_SET, name))

    assert answer.status_code == 200
    assert answer.content == name.encode() * 3


@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_decoded_once(site: httpx.Client, name: str) -> None:
    everything = "".join(f"%{byte:02X}" for byte in name.encode())
    twice = quote(quote(name, safe=""), safe="")

    assert site.get(f"/datastore_server/{DATA_SET}/{everything}").content == name.encode() * 3
    assert site.get(f"/datastore_server/{DATA_SET}/{twice}").status_code == 404


def test_the_question_mark_at_the_end_of_openbis_own_addresses_does_no_harm(
    site: httpx.Client,
) -> None:
    assert site.get(f"{HELLO}?").content == b"0123456789"
    assert site.get(f"{HELLO}?sessionID=x").content == b"0123456789"


def test_every_version_of_an_attachment_has_its_address(site: httpx.Client) -> None:
    address = SERVED.attachment(Kind.SAMPLE, SAMPLE, "re/cipe+1%.txt", 2)

    assert site.get(address).content == b"eggs"
    assert site.get(address.replace("version=2", "version=1")).status_code == 404
    assert site.get(address.replace("SAMPLE", "SPACE")).status_code == 404
    assert site.get(address.replace("SAMPLE", "sample")).status_code == 404


@pytest.mark.parametrize("query", ["", "?version=", "?version=x", "?version=\u0662", "?version=-1"])
def test_an_attachment_without_version_is_a_bad_request(site: httpx.Client, query: str) -> None:
    answer = site.get(f"/datastore_server/attachments/SAMPLE/{SAMPLE}/a{query}")

    assert answer.status_code == 400
    assert "version" in answer.text


def test_a_version_that_no_database_could_hold_does_not_exist(site: httpx.Client) -> None:
    path = f"/datastore_server/attachments/SAMPLE/{SAMPLE}/re%2Fcipe%2B1%25.txt"
    assert site.get(f"{path}?version=2147483648").status_code == 404
    assert site.get(f"{path}?version={'9' * 5000}").status_code == 404


def test_a_file_of_the_file_service_is_served(site: httpx.Client) -> None:
    assert site.get(SERVED.service_file("eln/a+b é.png")).content == b"picture"


@pytest.mark.parametrize(
    "address",
    [
        HELLO,
        SERVED.attachment(Kind.SAMPLE, SAMPLE, "re/cipe+1%.txt", 2),
        SERVED.service_file("eln/a+b é.png"),
    ],
)
def test_what_is_invisible_is_answered_like_what_does_not_exist(
    site: httpx.Client, address: str
) -> None:
    hidden = site.get(address, auth=("otto", PASSWORD))
    missing = site.get(address.replace("e", "E").replace("/datastorE_sErvEr", "/datastore_server"))
    never = site.get(f"/datastore_server/{DATA_SET}/nothing")

    assert hidden.status_code == never.status_code == 404
    assert missing.status_code in {400, 404}
    assert hidden.text == never.text
    assert site.get(address, auth=("ada", PASSWORD)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "original/../original/hello.txt",
        "original/./hello.txt",
        "original//hello.txt",
        "/original/hello.txt",
        "original/hello.txt/",
        "original/hello.txt%00",
        "%2e%2e/%2e%2e/etc/passwd",
        "..%2f..%2fetc/passwd",
        "%ff%fe",
        "",
    ],
)
def test_paths_that_wander_lead_nowhere(site: httpx.Client, path: str) -> None:
    host = urlsplit(str(site.base_url))
    connection = http.client.HTTPConnection(host.netloc)  # sends a path as it stands
    headers = dict(site.auth.auth_flow(site.build_request("GET", "/")).__next__().headers)  # type: ignore[union-attr]
    connection.request("GET", f"/datastore_server/{DATA_SET}/{path}", headers=headers)
    answer = connection.getresponse()
    connection.close()

    assert answer.status == 404


def test_files_cannot_be_written(site: httpx.Client) -> None:
    for method in ("PUT", "POST", "DELETE"):
        assert site.request(method, HELLO).status_code == 405


def on_disk(path: Path, length: int | None = None) -> Downloadable:
    return Downloadable(
        length=path.stat().st_size if length is None else length, etag="x", path=path
    )


def test_a_large_file_arrives_whole_and_can_be_resumed_by_curl(tmp_path: Path) -> None:
    data = bytes(range(256)) * 12_345
    source = tmp_path / "source"
    source.write_bytes(data)
    catalogue = a_catalogue(files={(DATA_SET, "big"): on_disk(source)})
    target = tmp_path / "target"
    with a_site(catalogue) as client:
        url = f"{client.base_url}/datastore_server/{DATA_SET}/big".replace("//data", "/data")
        curl = ["curl", "-sSf", "-u", f"mira:{PASSWORD}", "-o", str(target)]
        subprocess.run([*curl, url], check=True)
        whole = target.read_bytes()
        target.write_bytes(data[:1_000_001])
        subprocess.run([*curl, "-C", "-", url], check=True)

    assert whole == data
    assert target.read_bytes() == data


def test_a_file_that_has_vanished_is_not_found(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    catalogue = a_catalogue(files={(DATA_SET, "gone"): on_disk(file)})
    file.unlink()
    with a_site(catalogue) as client:
        assert client.get(f"/datastore_server/{DATA_SET}/gone").status_code == 404


def test_a_file_of_another_length_than_recorded_is_not_sent(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    catalogue = a_catalogue(files={(DATA_SET, "odd"): on_disk(file, length=5)})
    with a_site(catalogue) as client:
        answer = client.get(f"/datastore_server/{DATA_SET}/odd")

    assert answer.status_code == 500
    assert "'file' has 3 bytes, but 5 are recorded" in answer.text
    assert str(tmp_path) not in answer.text
