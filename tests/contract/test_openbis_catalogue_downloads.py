"""What can be downloaded: only what exists, lies where it should, and may be seen."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import Kind
from source_server.catalogue import Scope
from source_server.openbis.catalogue import OpenBisCatalogue
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.openbis_reading import ALL_SPACES
from tests.postgres import connected_to, run

CODE = Code("20081105092159333-3")
FOLDER = f"1/1F2E3D4C-0000-4000-8000-0123456789AB/d8/c7/c5/{CODE}"
README = "original/readme.txt"
CISD = Scope(spaces=frozenset({Code("CISD")}))
TESTGROUP = Scope(spaces=frozenset({Code("TESTGROUP")}))
NEMO = Scope(projects=frozenset({Identifier("/CISD/NEMO")}))
NOE = Scope(projects=frozenset({Identifier("/CISD/NOE")}))
EXPERIMENT = PermId("200811050951882-1028")


@pytest.fixture
def own_x192(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, x192_store_copy: Path
) -> OpenBisCatalogue:
    return open_catalogue(load_openbis("x192_features"), store_root=x192_store_copy)


def test_a_file_of_a_data_set_is_a_file_on_the_disk(
    own_x192: OpenBisCatalogue, x192_store_copy: Path
) -> None:
    content = own_x192.data_set_file(CODE, README, CISD)

    file = x192_store_copy / FOLDER / README
    assert content is not None
    assert content.path == file
    assert content.data is None
    assert content.length == file.stat().st_size
    assert content.modified is not None
    assert content.modified.timestamp() == int(file.stat().st_mtime)


def test_the_etag_of_a_file_changes_with_its_content(
    own_x192: OpenBisCatalogue, x192_store_copy: Path
) -> None:
    file = x192_store_copy / FOLDER / README
    tags = [_etag(own_x192), _etag(own_x192)]
    os.utime(file, (1, 1))
    tags.append(_etag(own_x192))
    file.write_bytes(b"other")
    tags.append(_etag(own_x192))

    assert tags[0] == tags[1]
    assert len(set(tags)) == 3


def _etag(catalogue: OpenBisCatalogue) -> str:
    content = catalogue.data_set_file(CODE, README, CISD)
    assert content is not None
    return content.etag


@pytest.mark.parametrize(
    ("scope", "visible"), [(CISD, True), (NEMO, True), (TESTGROUP, False), (NOE, False)]
)
def test_a_file_is_served_only_within_the_scope(
    x192: OpenBisCatalogue, scope: Scope, *, visible: bool
) -> None:
    assert (x192.data_set_file(CODE, README, scope) is not None) == visible


@pytest.mark.parametrize(
    "path",
    [
        *("", ".", "..", "original", "original/", "/original/readme.txt", "original//readme.txt"),
        *("original/./readme.txt", "original/../original/readme.txt", "../20081105092159333-3"),
        *("original/none.txt", "original/readme.txt/x", "original/readme.txt\0", "original\\x"),
        *("../../../../../../../../../../etc/passwd", "/etc/passwd", "\udcff", "x" * 5000),
    ],
)
def test_a_path_that_is_no_file_of_the_data_set_is_not_served(
    x192: OpenBisCatalogue, path: str
) -> None:
    assert x192.data_set_file(CODE, path, CISD) is None


def test_links_are_followed_only_within_the_data_set(
    own_x192: OpenBisCatalogue, x192_store_copy: Path
) -> None:
    original = x192_store_copy / FOLDER / "original"
    (x192_store_copy / "secret.txt").write_text("secret")
    (original / "out").symlink_to(x192_store_copy / "secret.txt")
    (original / "away").symlink_to(x192_store_copy)
    (original / "circle").symlink_to("circle")
    (original / "same").symlink_to("readme.txt")
    os.mkfifo(original / "pipe")

    for path in ("original/out", "original/away/secret.txt", "original/circle", "original/pipe"):
        assert own_x192.data_set_file(CODE, path, CISD) is None
    assert own_x192.data_set_file(CODE, "original/same", CISD) is not None


@pytest.mark.parametrize(
    "code", ["NOWHERE", "", "a\0b", "ROOT_CONTAINER", "20120628092259000-41", "' or true --"]
)
def test_what_has_no_files_of_its_own_serves_none(x192: OpenBisCatalogue, code: str) -> None:
    assert x192.data_set_file(Code(code), README, ALL_SPACES) is None


def test_a_data_set_that_is_still_being_registered_serves_nothing(
    x192: OpenBisCatalogue, x192_store: Path
) -> None:
    hidden = Code("20081105092159111-1")

    assert list(x192_store.rglob(f"{hidden}/{README}")) != []
    assert x192.data_set_file(hidden, README, CISD) is None


def test_every_version_of_an_attachment_is_served_as_it_is_stored(
    x192: OpenBisCatalogue, load_openbis: LoadOpenBis
) -> None:
    with connected_to(load_openbis("x192_features")) as connection:
        stored = connection.execute(
            """select a.version, c.value from attachments a
                 join attachment_contents c on c.id = a.exac_id
                 join experiments e on e.id = a.expe_id
                where e.perm_id = %s order by a.version""",
            [EXPERIMENT],
        ).fetchall()

    assert [version for version, _ in stored] == [1, 2, 3, 4]
    for version, value in stored:
        content = x192.attachment(
            Kind.EXPERIMENT, EXPERIMENT, "exampleExperiments.txt", version, CISD
        )
        assert content is not None
        assert content.data == value
        assert content.length == len(value)
        assert content.etag == sha256(value).hexdigest()


def test_attachments_are_found_as_they_are_listed(x192: OpenBisCatalogue) -> None:
    found = 0
    with x192.snapshot() as snapshot:
        for kind in (Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE):
            for holder in snapshot.entities(kind, ALL_SPACES):
                for held in holder.attachments:
                    for each in held.versions:
                        content = x192.attachment(
                            kind, holder.perm_id, held.file_name, each.version, ALL_SPACES
                        )
                        assert content is not None
                        assert (content.length, content.etag) == (each.length, each.sha256)
                        assert content.modified == each.registered
                        found += 1
    assert found == 12


@pytest.mark.parametrize(
    ("kind", "perm_id", "file_name", "version", "scope"),
    [
        (Kind.EXPERIMENT, EXPERIMENT, "exampleExperiments.txt", 5, CISD),
        (Kind.EXPERIMENT, EXPERIMENT, "exampleExperiments.txt", 2**70, CISD),
        (Kind.EXPERIMENT, EXPERIMENT, "other.txt", 1, CISD),
        (Kind.EXPERIMENT, EXPERIMENT, "a\0b", 1, CISD),
        (Kind.EXPERIMENT, "nobody", "exampleExperiments.txt", 1, CISD),
        (Kind.EXPERIMENT, EXPERIMENT, "exampleExperiments.txt", 1, TESTGROUP),
        (Kind.EXPERIMENT, EXPERIMENT, "exampleExperiments.txt", 1, NOE),
        (Kind.SAMPLE, EXPERIMENT, "exampleExperiments.txt", 1, CISD),
        (Kind.DATA_SET, EXPERIMENT, "exampleExperiments.txt", 1, CISD),
        (Kind.PROJECT, "20120814110011738-103", "projectDescription.txt", 1, NOE),
    ],
)
def test_an_attachment_that_is_not_there_or_not_to_be_seen_is_not_served(
    x192: OpenBisCatalogue, kind: Kind, perm_id: str, file_name: str, version: int, scope: Scope
) -> None:
    assert x192.attachment(kind, PermId(perm_id), file_name, version, scope) is None


def test_an_attachment_is_served_to_who_sees_only_its_project(x192: OpenBisCatalogue) -> None:
    project = PermId("20120814110011738-103")

    assert x192.attachment(Kind.PROJECT, project, "projectDescription.txt", 1, NEMO) is not None
    assert x192.attachment(Kind.EXPERIMENT, EXPERIMENT, "exampleExperiments.txt", 4, NEMO)


MENTIONS: Mapping[str, str] = {
    "in-cisd/a b.png": """update sample_properties
        set value = '<img src="/openbis/openbis/file-service/in-cisd/a b.png" alt="x"/>'
        where value like '<x a%'""",
    "in-json.png": """update sample_properties
        set json_value = '{"image": "openbis/file-service/in-json.png"}'
        where json_value is not null""",
    "at-the-end.png": """update projects
        set description = 'see openbis/file-service/at-the-end.png' where code = 'NEMO'""",
    "for-all.png": """update property_types
        set description = 'openbis/file-service/for-all.png''' where code = 'X_XML'""",
}


@pytest.fixture
def with_pictures(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, tmp_path: Path
) -> OpenBisCatalogue:
    """An instance whose texts mention pictures; one more lies there, but nobody mentions it."""
    url = copy_openbis("x192_features")
    run(url, *MENTIONS.values())
    for name in (*MENTIONS, "in-cisd/a", "unmentioned.png"):
        file = tmp_path / "pictures" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    (tmp_path / "secret.txt").write_text("secret")
    return open_catalogue(url, file_service_root=tmp_path / "pictures")


@pytest.mark.parametrize(
    ("path", "cisd", "nemo", "nothing"),
    [
        ("in-cisd/a b.png", True, False, False),
        ("in-json.png", True, False, False),
        ("at-the-end.png", True, True, False),
        ("for-all.png", True, True, True),
        ("unmentioned.png", False, False, False),
        ("in-cisd/a", False, False, False),
        ("in-cisd", False, False, False),
        ("../secret.txt", False, False, False),
        ("", False, False, False),
    ],
)
def test_a_picture_is_served_to_who_sees_a_text_that_mentions_it(
    with_pictures: OpenBisCatalogue, path: str, *, cisd: bool, nemo: bool, nothing: bool
) -> None:
    served = [with_pictures.service_file(path, scope) for scope in (CISD, NEMO, Scope())]

    assert [content is not None for content in served] == [cisd, nemo, nothing]
    for content in served:
        assert content is None or content.length == len(path)


def test_a_mention_that_leads_out_of_the_folder_is_not_served(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, tmp_path: Path
) -> None:
    url = copy_openbis("x192_features")
    run(url, "update scripts set description = 'openbis/file-service/../secret.txt'")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    catalogue = open_catalogue(url, file_service_root=tmp_path / "pictures")

    assert catalogue.service_file("../secret.txt", CISD) is None


def test_a_mention_is_found_as_soon_as_it_is_made(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, tmp_path: Path
) -> None:
    url = copy_openbis("x192_features")
    (tmp_path / "new.png").write_bytes(b"new")
    catalogue = open_catalogue(url, file_service_root=tmp_path)
    assert catalogue.service_file("new.png", CISD) is None

    run(url, "update scripts set description = 'openbis/file-service/new.png'")

    assert catalogue.service_file("new.png", CISD) is not None


def test_without_a_file_service_there_are_no_pictures(x192: OpenBisCatalogue) -> None:
    assert x192.service_file("any.png", CISD) is None
