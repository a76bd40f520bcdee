"""Downloads of AFS files: only content, only what may be seen, and never half of two contents."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.datastructures import Headers

from shared.errors import NotNowError
from shared.model.ids import Code, Identifier
from shared.model.kinds import Kind
from shared.passwords import hash_password
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.instance import opened
from source_server.publication.catalogue import Downloadable, Scope
from source_server.settings import SourceSettings, read_settings
from source_server.users.sign_in import DirectoryAuthenticator
from source_server.users.users_file import UsersFile
from source_server.web.app import create_app
from source_server.web.downloads import answer_with
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.reading import entities
from tests.support.openbis_made import afs
from tests.support.openbis_made.afs import CORES, Owner, folder_of
from tests.support.servers.postgres import run
from tests.support.servers.web_server import serving

EVERYTHING = Scope(spaces=frozenset(map(Code, ("ALPS", "COAST", "MOOR"))))
MADE = ("made_197", "made_207", "made_213")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    afs.write_afs_store(tmp_path / "store")
    return tmp_path / "store"


@pytest.fixture
def catalogue(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, store: Path
) -> OpenBisCatalogue:
    return open_catalogue(load_openbis("made_213"), store_root=store)


def asked(
    catalogue: OpenBisCatalogue, path: str, owner: Owner = CORES, scope: Scope = EVERYTHING
) -> Downloadable | None:
    return catalogue.data_set_file(Code(owner.perm_id), path, scope)


@pytest.mark.parametrize("database", MADE)
def test_all_content_is_served(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, store: Path, database: str
) -> None:
    catalogue = open_catalogue(load_openbis(database), store_root=store)
    for owner, files in afs.CONTENT.items():
        for path, content in files.items():
            found = asked(catalogue, path, owner)
            if owner.gone:
                assert found is None
                continue
            assert found is not None
            assert found.path is not None
            assert found.path.read_bytes() == content
            assert found.length == len(content)


@pytest.mark.parametrize(
    "path",
    [
        *afs.HIDDEN,
        *("", ".", "..", "deep", "deep/er", "./notes.txt", "deep/../notes.txt", "/notes.txt"),
        *("deep/./.afs/x", "x/../.afs/notes.txt-hash.md5", "none.txt", "notes.txt\0", "x" * 5000),
        *("original/notes.txt", "../20240103080000000-201/notes.txt", "to a cache", "out"),
    ],
)
def test_what_is_no_content_is_refused(catalogue: OpenBisCatalogue, store: Path, path: str) -> None:
    folder = folder_of(store, CORES)
    (store / "secret.txt").write_text("secret")
    (folder / "to a cache").symlink_to(".afs/notes.txt-hash.md5")
    (folder / "out").symlink_to(store / "secret.txt")

    assert asked(catalogue, path) is None


@pytest.mark.parametrize(
    ("owner", "scope", "is_served"),
    [
        (afs.CORES, Scope(spaces=frozenset([Code("ALPS")])), True),
        (afs.CORES, Scope(spaces=frozenset([Code("MOOR")])), False),
        (afs.CORES, Scope(projects=frozenset([Identifier("/ALPS/GLACIER")])), True),
        (afs.CORES, Scope(projects=frozenset([Identifier("/ALPS/DEFAULT")])), False),
        (afs.SEALED, Scope(projects=frozenset([Identifier("/ALPS/DEFAULT")])), True),
        (afs.OF_EXPERIMENT, Scope(projects=frozenset([Identifier("/ALPS/RIDGE")])), True),
        (afs.OF_EXPERIMENT, Scope(spaces=frozenset([Code("COAST")])), False),
        (afs.WELL, Scope(projects=frozenset([Identifier("/ALPS/DEFAULT")])), False),
        (afs.SHARED, Scope(), True),
        (afs.BOGS, Scope(), False),
        (afs.TRASHED, EVERYTHING, False),
    ],
)
def test_who_sees_the_owner_gets_its_files(
    catalogue: OpenBisCatalogue, owner: Owner, scope: Scope, *, is_served: bool
) -> None:
    path = next(iter(afs.CONTENT[owner]))
    assert (asked(catalogue, path, owner, scope) is not None) == is_served


def test_rights_are_asked_for_each_time(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, store: Path
) -> None:
    url = copy_openbis("made_213")
    catalogue = open_catalogue(url, store_root=store)
    alps = Scope(spaces=frozenset([Code("ALPS")]))
    assert asked(catalogue, "well.txt", afs.WELL, alps) is not None

    run(
        url,
        "update samples_all set space_id = (select id from spaces where code = 'MOOR')"
        " where code = 'A01'",
    )
    assert asked(catalogue, "well.txt", afs.WELL, alps) is None


def test_what_is_away_can_be_fetched_later(catalogue: OpenBisCatalogue, store: Path) -> None:
    with pytest.raises(NotNowError, match="archived"):
        asked(catalogue, "tide.txt", afs.ARCHIVED)
    with pytest.raises(NotNowError, match="a disk may not be mounted"):
        asked(catalogue, "sand.txt", afs.NOTHING_THERE)
    shutil.rmtree(store / "1")
    with pytest.raises(NotNowError, match="a disk may not be mounted"):
        asked(catalogue, "notes.txt")
    hidden = Scope(spaces=frozenset([Code("MOOR")]))
    assert asked(catalogue, "notes.txt", scope=hidden) is None


def _replace(file: Path, content: bytes) -> None:
    """Another file of the same length and time takes the place."""
    status = file.stat()
    new = file.with_name("new")
    new.write_bytes(content)
    os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
    new.replace(file)


def test_the_etag_changes_with_the_file(catalogue: OpenBisCatalogue, store: Path) -> None:
    file = folder_of(store, CORES) / "notes.txt"
    tags = [_etag(catalogue), _etag(catalogue)]
    _replace(file, b"N" * len(afs.NOTES))
    tags.append(_etag(catalogue))
    file.touch()
    tags.append(_etag(catalogue))

    assert tags[0] == tags[1]
    assert len(set(tags)) == 3


def _etag(catalogue: OpenBisCatalogue) -> str:
    found = asked(catalogue, "notes.txt")
    assert found is not None
    return found.etag


@pytest.mark.parametrize("content", [b"N" * len(afs.NOTES), b"shorter", b"n" * 1_000_000])
def test_a_file_that_is_replaced_before_it_is_opened_is_asked_for_again(
    catalogue: OpenBisCatalogue, store: Path, content: bytes
) -> None:
    found = asked(catalogue, "notes.txt")
    _replace(folder_of(store, CORES) / "notes.txt", content)

    with pytest.raises(NotNowError, match="was changed just now"):
        answer_with(found, "GET", Headers({}))


def _settings(folder: Path, url: str, checksums: str) -> SourceSettings:
    (folder / "s.properties").write_text(
        f"catalogue = openbis\ndatabase-url = {url}\npath-info-database-url = none\n"
        f"storeroot-dir = {folder / 'store'}\nusers-file = users.json\n"
        f"afs-checksums = {checksums}\n"
    )
    return read_settings(folder / "s.properties", {})


@pytest.mark.parametrize(("checksums", "checked"), [("known", 1), ("computed", 7)])
@pytest.mark.usefixtures("store")
def test_a_setting_says_whether_checksums_are_computed(
    load_openbis: LoadOpenBis, tmp_path: Path, checksums: str, checked: int
) -> None:
    with opened(_settings(tmp_path, load_openbis("made_213"), checksums)) as instance:
        files = entities(instance.catalogue, Kind.DATA_SET)[CORES.perm_id].files

    assert sum(node.checksum is not None for node in files) == checked


@pytest.fixture
def client(load_openbis: LoadOpenBis, store: Path, tmp_path: Path) -> Iterator[httpx.Client]:
    """A server, asked by a user who sees the space ALPS."""
    assert store.is_relative_to(tmp_path)
    for user_id in ("watcher", "climber"):
        UsersFile(tmp_path / "users.json").add(user_id, hash_password("x"))
    settings = _settings(tmp_path, load_openbis("made_213"), "known")
    with opened(settings) as instance:
        app = create_app(instance.catalogue, DirectoryAuthenticator(instance.directories), settings)
        with (
            serving(app) as base,
            httpx.Client(base_url=base, timeout=60, auth=("climber", "x")) as client,
        ):
            yield client


ADDRESS = f"/datastore_server/{CORES.perm_id}/notes.txt"


def test_a_range_is_continued_only_while_the_file_is_the_same(
    client: httpx.Client, store: Path
) -> None:
    whole = client.get(ADDRESS)
    assert whole.content == afs.NOTES
    rest = {"Range": "bytes=6-", "If-Range": whole.headers["ETag"]}
    part = client.get(ADDRESS, headers=rest)
    assert (part.status_code, part.content) == (206, afs.NOTES[6:])
    tag = {"If-None-Match": whole.headers["ETag"]}
    assert client.get(ADDRESS, headers=tag).status_code == 304

    _replace(folder_of(store, CORES) / "notes.txt", b"N" * len(afs.NOTES))

    anew = client.get(ADDRESS, headers=rest)
    assert (anew.status_code, anew.content) == (200, b"N" * len(afs.NOTES))
    assert client.get(ADDRESS, headers=tag).status_code == 200


def test_over_http_the_same_is_refused_and_away(client: httpx.Client) -> None:
    assert client.get(f"/datastore_server/{CORES.perm_id}/.afs/x").status_code == 404
    assert client.get(ADDRESS, auth=("watcher", "x")).status_code == 404
    archived = client.get(f"/datastore_server/{afs.NOTHING_THERE.perm_id}/x", auth=("climber", "x"))
    assert archived.status_code == 404  # of another space
    name = "deep/er/h\u00f6he \u65e5\u672c.txt"
    assert client.get(f"/datastore_server/{CORES.perm_id}/{name}").content == b"names"
    shared = client.get(f"/datastore_server/{afs.SHARED.perm_id}/salt.txt", auth=("watcher", "x"))
    assert shared.content == b"for everybody"


@pytest.mark.parametrize("change", ["written", "cut", "replaced"])
def test_a_file_that_changes_while_it_is_sent_never_arrives_whole(
    client: httpx.Client, store: Path, change: str
) -> None:
    file = folder_of(store, CORES) / "large.bin"
    file.write_bytes(b"a" * 20_000_000)
    received = bytearray()

    def receive() -> None:
        address = f"/datastore_server/{CORES.perm_id}/large.bin"
        with client.stream("GET", address) as answer:
            assert answer.status_code == 200
            for chunk in answer.iter_raw():
                if not received:
                    _change(file, change)
                received.extend(chunk)

    with pytest.raises(httpx.RemoteProtocolError):
        receive()
    assert len(received) < 20_000_000


def _change(file: Path, change: str) -> None:
    if change == "replaced":
        file.with_name("new").write_bytes(b"b" * 20_000_000)
        file.with_name("new").replace(file)
    elif change == "cut":
        os.truncate(file, 10)
    else:
        with file.open("r+b") as opened_file:
            opened_file.seek(19_000_000)
            opened_file.write(b"b" * 10)
