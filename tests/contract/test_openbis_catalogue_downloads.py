"""What can be downloaded: only what exists, lies where it should, and may be seen."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from shared.model.ids import Code, PermId
from shared.model.kinds import Kind
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.publication.catalogue import Downloadable, Scope
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.examples import Examples
from tests.support.servers.postgres import connected_to, run

README = "original/readme.txt"


@pytest.fixture
def scopes(examples: Examples) -> Mapping[str, Scope]:
    """A space and a project with all that is asked for here, and one of each without it."""
    return {
        "space": examples.scope(examples.spaces[0]),
        "other space": examples.scope(examples.spaces[2]),
        "project": examples.scope(projects=(examples.project(examples.main),)),
        "other project": examples.scope(projects=(examples.project(examples.elsewhere),)),
        "nothing": examples.scope(),
    }


@pytest.fixture
def own_x192(
    examples: Examples,
    load_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    x192_store_copy: Path,
) -> OpenBisCatalogue:
    return open_catalogue(load_openbis(examples.database), store_root=x192_store_copy)


def test_a_file_of_a_data_set_is_a_file_on_the_disk(
    examples: Examples, own_x192: OpenBisCatalogue, x192_store_copy: Path
) -> None:
    content = own_x192.data_set_file(Code(examples.readme), README, examples.everything)

    file = x192_store_copy / examples.location / README
    assert content is not None
    assert content.path == file
    assert content.data is None
    assert content.length == file.stat().st_size
    assert content.modified is not None
    assert content.modified.timestamp() == int(file.stat().st_mtime)


def test_the_etag_of_a_file_changes_with_its_content(
    examples: Examples, own_x192: OpenBisCatalogue, x192_store_copy: Path
) -> None:
    file = x192_store_copy / examples.location / README
    tags = [_etag(own_x192, examples), _etag(own_x192, examples)]
    os.utime(file, (1, 1))
    tags.append(_etag(own_x192, examples))
    file.write_bytes(b"other")
    tags.append(_etag(own_x192, examples))

    assert tags[0] == tags[1]
    assert len(set(tags)) == 3


def _etag(catalogue: OpenBisCatalogue, examples: Examples) -> str:
    content = catalogue.data_set_file(Code(examples.readme), README, examples.everything)
    assert content is not None
    return content.etag


@pytest.mark.parametrize(
    ("scope", "visible"),
    [("space", True), ("project", True), ("other space", False), ("other project", False)],
)
def test_a_file_is_served_only_within_the_scope(
    examples: Examples,
    x192: OpenBisCatalogue,
    scopes: Mapping[str, Scope],
    scope: str,
    *,
    visible: bool,
) -> None:
    assert (x192.data_set_file(Code(examples.readme), README, scopes[scope]) is not None) == visible


@pytest.mark.parametrize(
    "path",
    [
        *("", ".", "..", "original", "original/", "/original/readme.txt", "original//readme.txt"),
        *("original/./readme.txt", "original/../original/readme.txt", "../<code>"),
        *("original/none.txt", "original/readme.txt/x", "original/readme.txt\0", "original\\x"),
        *("../../../../../../../../../../etc/passwd", "/etc/passwd", "\udcff", "x" * 5000),
    ],
)
def test_a_path_that_is_no_file_of_the_data_set_is_not_served(
    examples: Examples, x192: OpenBisCatalogue, path: str
) -> None:
    asked = path.replace("<code>", examples.readme)
    assert x192.data_set_file(Code(examples.readme), asked, examples.everything) is None


def test_links_are_followed_only_within_the_data_set(
    examples: Examples, own_x192: OpenBisCatalogue, x192_store_copy: Path
) -> None:
    original = x192_store_copy / examples.location / "original"
    (x192_store_copy / "secret.txt").write_text("secret")
    (original / "out").symlink_to(x192_store_copy / "secret.txt")
    (original / "away").symlink_to(x192_store_copy)
    (original / "circle").symlink_to("circle")
    (original / "same").symlink_to("readme.txt")
    os.mkfifo(original / "pipe")

    for path in ("original/out", "original/away/secret.txt", "original/circle", "original/pipe"):
        assert own_x192.data_set_file(Code(examples.readme), path, examples.everything) is None
    same = own_x192.data_set_file(Code(examples.readme), "original/same", examples.everything)
    assert same is not None


def test_what_has_no_files_of_its_own_serves_none(
    examples: Examples, x192: OpenBisCatalogue
) -> None:
    for code in ("NOWHERE", "", "a\0b", examples.container, examples.git_link, "' or true --"):
        assert x192.data_set_file(Code(code), README, examples.everything) is None, code


def test_a_data_set_that_is_still_being_registered_serves_nothing(
    examples: Examples, x192: OpenBisCatalogue, x192_store: Path
) -> None:
    hidden = Code(examples.hidden)

    assert list(x192_store.rglob(f"{hidden}/{README}")) != []
    assert x192.data_set_file(hidden, README, examples.everything) is None


def test_every_version_of_an_attachment_is_served_as_it_is_stored(
    examples: Examples, x192: OpenBisCatalogue, load_openbis: LoadOpenBis
) -> None:
    with connected_to(load_openbis(examples.database)) as connection:
        stored = connection.execute(
            """select a.version, c.value from attachments a
                 join attachment_contents c on c.id = a.exac_id
                 join experiments e on e.id = a.expe_id
                where e.perm_id = %s order by a.version""",
            [examples.experiment],
        ).fetchall()

    assert [version for version, _ in stored] == [1, 2, 3, 4]
    for version, value in stored:
        content = x192.attachment(
            Kind.EXPERIMENT,
            PermId(examples.experiment),
            examples.versions[0],
            version,
            examples.everything,
        )
        assert content is not None
        assert content.data == value
        assert content.length == len(value)
        assert content.etag == sha256(value).hexdigest()


def test_attachments_are_found_as_they_are_listed(
    examples: Examples, x192: OpenBisCatalogue
) -> None:
    found = 0
    with x192.snapshot() as snapshot:
        for kind in (Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE):
            for holder in snapshot.entities(kind, examples.everything):
                for held in holder.attachments:
                    for each in held.versions:
                        content = x192.attachment(
                            kind, holder.perm_id, held.file_name, each.version, examples.everything
                        )
                        assert content is not None
                        assert (content.length, content.etag) == (each.length, each.sha256)
                        assert content.modified == each.registered
                        found += 1
    assert found == examples.attachment_versions


@pytest.mark.parametrize(
    ("kind", "holder", "file_name", "version", "scope"),
    [
        (Kind.EXPERIMENT, "<experiment>", "<file>", 5, "space"),
        (Kind.EXPERIMENT, "<experiment>", "<file>", 2**70, "space"),
        (Kind.EXPERIMENT, "<experiment>", "other.txt", 1, "space"),
        (Kind.EXPERIMENT, "<experiment>", "a\0b", 1, "space"),
        (Kind.EXPERIMENT, "nobody", "<file>", 1, "space"),
        (Kind.EXPERIMENT, "<experiment>", "<file>", 1, "other space"),
        (Kind.EXPERIMENT, "<experiment>", "<file>", 1, "other project"),
        (Kind.EXPERIMENT, "<experiment>", "<file>", 1, "nothing"),
        (Kind.SAMPLE, "<experiment>", "<file>", 1, "space"),
        (Kind.DATA_SET, "<experiment>", "<file>", 1, "space"),
        (Kind.PROJECT, "<project>", "<file of project>", 1, "other project"),
    ],
)
def test_an_attachment_that_is_not_there_or_not_to_be_seen_is_not_served(
    asking: Callable[..., Downloadable | None],
    kind: Kind,
    holder: str,
    file_name: str,
    version: int,
    scope: str,
) -> None:
    assert asking(kind, holder, file_name, version, scope) is None


def test_an_attachment_is_served_to_who_sees_only_its_project(
    asking: Callable[..., Downloadable | None],
) -> None:
    assert asking(Kind.PROJECT, "<project>", "<file of project>", 1, "project") is not None
    assert asking(Kind.EXPERIMENT, "<experiment>", "<file>", 4, "project") is not None


@pytest.fixture
def asking(
    examples: Examples, x192: OpenBisCatalogue, scopes: Mapping[str, Scope]
) -> Callable[..., Downloadable | None]:
    """Asks for an attachment; places in angle brackets are names of `Examples`."""
    names = {
        "<experiment>": examples.experiment,
        "<file>": examples.versions[0],
        "<project>": examples.main_perm_id,
        "<file of project>": examples.main_attachment[0],
    }

    def asked(
        kind: Kind, holder: str, file_name: str, version: int, scope: str
    ) -> Downloadable | None:
        perm_id, name = PermId(names.get(holder, holder)), names.get(file_name, file_name)
        return x192.attachment(kind, perm_id, name, version, scopes[scope])

    return asked


MENTIONS: Mapping[str, str] = {
    "in-space/a b.png": """update sample_properties
        set value = '<img src="/openbis/openbis/file-service/in-space/a b.png" alt="x"/>'
        where value like '<x a%'""",
    "in-json.png": """update sample_properties
        set json_value = '{"image": "openbis/file-service/in-json.png"}'
        where json_value is not null""",
    "at-the-end.png": """update projects
        set description = 'see openbis/file-service/at-the-end.png' where code = '<main>'""",
    "for-all.png": """update property_types
        set description = 'openbis/file-service/for-all.png''' where code = '<sheet>'""",
}


@pytest.fixture
def with_pictures(
    examples: Examples, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, tmp_path: Path
) -> OpenBisCatalogue:
    """An instance whose texts mention pictures; one more lies there, but nobody mentions it."""
    url = copy_openbis(examples.database)
    for statement in MENTIONS.values():
        run(url, statement.replace("<main>", examples.main).replace("<sheet>", examples.sheet))
    for name in (*MENTIONS, "in-space/a", "unmentioned.png"):
        file = tmp_path / "pictures" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    (tmp_path / "secret.txt").write_text("secret")
    return open_catalogue(url, file_service_root=tmp_path / "pictures")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("in-space/a b.png", "space"),
        ("in-json.png", "space"),
        ("at-the-end.png", "space project"),
        ("for-all.png", "space project nothing"),
        ("unmentioned.png", ""),
        ("in-space/a", ""),
        ("in-space", ""),
        ("../secret.txt", ""),
        ("", ""),
    ],
)
def test_a_picture_is_served_to_who_sees_a_text_that_mentions_it(
    with_pictures: OpenBisCatalogue, scopes: Mapping[str, Scope], path: str, shown: str
) -> None:
    served = {
        scope: with_pictures.service_file(path, scopes[scope])
        for scope in ("space", "project", "nothing")
    }

    assert [scope for scope, content in served.items() if content] == shown.split()
    for content in served.values():
        assert content is None or content.length == len(path)


def test_a_mention_that_leads_out_of_the_folder_is_not_served(
    examples: Examples, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, tmp_path: Path
) -> None:
    url = copy_openbis(examples.database)
    run(url, "update scripts set description = 'openbis/file-service/../secret.txt'")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    catalogue = open_catalogue(url, file_service_root=tmp_path / "pictures")

    assert catalogue.service_file("../secret.txt", examples.everything) is None


def test_a_mention_is_found_as_soon_as_it_is_made(
    examples: Examples, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, tmp_path: Path
) -> None:
    url = copy_openbis(examples.database)
    (tmp_path / "new.png").write_bytes(b"new")
    catalogue = open_catalogue(url, file_service_root=tmp_path)
    assert catalogue.service_file("new.png", examples.everything) is None

    run(url, "update scripts set description = 'openbis/file-service/new.png'")

    assert catalogue.service_file("new.png", examples.everything) is not None


def test_without_a_file_service_there_are_no_pictures(
    examples: Examples, x192: OpenBisCatalogue
) -> None:
    assert x192.service_file("any.png", examples.everything) is None
