"""The documents and files for stock ResourceSync clients, over HTTP."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from shared.model.entities import FileNode
from shared.model.unknown import Part, Reason, Unknown
from tests.integration.test_source_server_unchanged import published
from tests.support.instances.afs import put_afs
from tests.support.instances.builders import a_data_set, a_sample, a_space, some_master_data
from tests.support.instances.instance import Instance
from tests.support.instances.memory_catalogue import MemoryCatalogue
from tests.support.servers.source_site import (
    DATA_SET,
    PASSWORD,
    SAMPLE,
    a_catalogue,
    a_site,
    entities,
    write_service_file,
)
from tests.support.servers.watched_site import a_site as a_watched_site
from tests.support.servers.watched_site import scopes
from tests.support.stock_clients.rules import checked

FILES = "/resourcesync/files"
LIST = f"{FILES}/resourcelist.xml"
DOCUMENTS = (
    "/.well-known/resourcesync",
    "/resourcesync/capabilitylist.xml",
    f"{FILES}/.well-known/resourcesync",
    f"{FILES}/capabilitylist.xml",
    LIST,
)
ALL_PATHS = (
    *DOCUMENTS,
    "/resourcesync/about.txt",
    f"{FILES}/resourcelist/a/00001.xml",
    f"{FILES}/data-sets/{DATA_SET}/original/hello.txt",
    f"{FILES}/afs/{SAMPLE}/hello.txt",
    f"{FILES}/attachments/SAMPLE/{SAMPLE}/2/a",
    f"{FILES}/file-service/a",
)


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """The folder of the file service, with the picture that a text mentions."""
    write_service_file(tmp_path, "eln/a+b é.png", b"picture")
    return tmp_path


@pytest.mark.parametrize("path", ALL_PATHS)
def test_nothing_is_shown_to_those_who_may_see_nothing(path: str) -> None:
    with a_site() as client:
        stranger = client.send(client.build_request("GET", path), auth=None)
        nobody = client.get(path, auth=("nobody", PASSWORD))

    assert (stranger.status_code, nobody.status_code) == (401, 403)


def test_documents_lead_to_each_other_up_and_down(service: Path) -> None:
    with a_site(file_service_repository_path=service) as client:
        base = "http://localhost:8080"

        def followed(address: str) -> httpx.Response:
            return client.get(address.removeprefix(base))

        description = checked(client.get("/.well-known/resourcesync").content)
        assert followed(description.links["describedby"]).text.startswith("This server publishes")
        for capability_list in description.locs:
            document = checked(followed(capability_list).content)
            assert document.links["up"] == f"{base}/.well-known/resourcesync"
            assert [followed(loc).status_code for loc in document.locs] == [200]
        files = checked(client.get(LIST).content)
        assert checked(followed(files.links["up"]).content).locs == [f"{base}{LIST}"]


@pytest.mark.parametrize("path", DOCUMENTS)
def test_documents_are_xml_and_have_a_length(service: Path, path: str) -> None:
    with a_site(file_service_repository_path=service) as client:
        answer = client.get(path, headers={"Accept-Encoding": "identity"})
        packed = client.get(path, headers={"Accept-Encoding": "gzip"})
        head = client.head(path)

    assert answer.headers["Content-Type"] == "text/xml; charset=UTF-8"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert packed.content == answer.content
    assert (head.status_code, head.content) == (200, b"")


def test_files_are_served_at_the_addresses_of_the_set_as_elsewhere() -> None:
    attachment = f"{FILES}/attachments/SAMPLE/{SAMPLE}/2/re%2Fcipe+1%25.txt"
    hello = f"{FILES}/data-sets/{DATA_SET}/original/hello.txt"
    with a_site() as client:
        assert client.get(hello).content == b"0123456789"
        part = client.get(hello, headers={"Range": "bytes=2-4"})
        assert (part.status_code, part.content) == (206, b"234")
        assert client.get(attachment).content == b"eggs"
        assert client.get(f"{FILES}/file-service/eln/a%2Bb%20%C3%A9.png").content == b"picture"
        assert client.get(hello, auth=("otto", PASSWORD)).status_code == 404
        for hostile in ("%2e%2e/%2e%2e/etc/passwd", "original%2f..%2fhello.txt", "a//b"):
            assert client.get(f"{FILES}/data-sets/{DATA_SET}/{hostile}").status_code == 404


def test_afs_data_are_listed_by_their_owner(source: Instance) -> None:
    owner = a_sample()
    source.load(some_master_data(), a_space(), owner)
    source.add_user()
    put_afs(source, owner, {"notes/a.txt": (b"hello", 0)})
    with published(source) as client:
        document = checked(client.get(path=LIST).content)
        (entry,) = document.entries
        path = f"{FILES}/afs/{owner.perm_id}/notes/a.txt"
        assert entry.loc.endswith(path)
        assert entry.lastmod == "2026-03-05T09:14:07Z"
        assert client.get(path=path).content == b"hello"


def test_a_client_chooses_what_becomes_of_the_unknown() -> None:
    unknown = (Unknown(part=Part.FILES, reason=Reason.ARCHIVED),)
    gone = a_data_set(7, unknown=unknown)
    with a_site(a_catalogue(stored=[*entities(), gone])) as client:
        usual = client.get(LIST)
        refused = client.get(LIST, params={"unseen": "refused"})
        left_out = client.get(LIST, params={"unseen": "left-out"})
        wrong = client.get(LIST, params={"unseen": "yes"})

    assert refused.status_code == 503
    assert f"data set {gone.code} (archived)" in refused.text
    assert "?unseen=left-out" in refused.text
    assert (usual.status_code, left_out.status_code) == (200, 200)
    assert wrong.status_code == 400
    assert "listed, left-out, refused" in wrong.text


def test_a_list_that_has_not_changed_is_not_sent_again(source: Instance) -> None:
    data_set = a_data_set()
    file = source.put_file(data_set.code, "original/a.txt", b"a")
    source.load(some_master_data(), a_data_set(files=(file,)))
    source.add_user()
    service = source.root / "file-service"
    service.mkdir(exist_ok=True)
    with published(source) as client:
        answer = client.get(path=LIST)
        tag = answer.headers["ETag"]
        assert client.get(tag, path=LIST).status_code == 304
        assert client.get(tag, path=f"{LIST}?unseen=left-out").status_code == 200
        assert (
            client.get(tag, path="/datastore_server/re-sync/?verb=resourcelist.xml").status_code
            == 200
        )
        more = source.put_file(data_set.code, "original/b.txt", b"b")
        source.load(a_data_set(files=(file, more)))
        later = client.get(tag, path=LIST)

    assert later.status_code == 200
    assert len(checked(later.content).entries) == len(checked(answer.content).entries) + 1


def test_an_index_has_no_etag_since_its_parts_do_not_stay(
    source: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    files = tuple(FileNode(path=f"original/{n:05}", length=n) for n in range(50_001))
    source.load(some_master_data(), a_data_set(files=files))
    source.put_file(a_data_set().code, "original/00000", b"")
    source.add_user()
    with published(source) as client:
        index = client.get(path=LIST)
        part = urlsplit(checked(index.content).locs[1]).path
        packed = client.get(path=part)
        head = client.get(path=part, method="HEAD")
        source.add_user("otto")
        others = client.get(path=part, user="otto")

    assert "ETag" not in index.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(checked(packed.content).entries) == 1
    assert (head.status_code, head.content) == (200, b"")
    assert others.status_code == 404
    assert "ask for /resourcesync/files/resourcelist.xml anew" in others.text


def test_lists_of_files_are_limited_as_others_are_and_beside_them() -> None:
    with a_watched_site(
        MemoryCatalogue(scopes=scopes()), minimum_interval=timedelta(days=1)
    ) as site:
        first = site.get(LIST)
        early = site.get(LIST)
        other = site.get()
        free = [site.get(path).status_code for path in DOCUMENTS[:-1]]

    assert site.series["requests_total{filelist,2xx}"] == 1
    assert (first.status_code, early.status_code, other.status_code) == (200, 429, 200)
    assert int(early.headers["Retry-After"]) > 0
    assert free == [200] * 4
