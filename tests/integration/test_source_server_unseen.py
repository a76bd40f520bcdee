"""What a server cannot see: files that are recorded and cannot be read, pictures in texts."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from shared.model.entities import Entity, ServiceFile
from shared.model.unknown import Part, Reason, Unknown
from shared.resourcesync.items import ListHead, ListItem
from shared.resourcesync.reader import read_resource_list
from shared.resourcesync.v20.version import V20
from tests.support.instances.builders import a_data_set, a_sample, a_space, perm_id
from tests.support.instances.instance import PASSWORD, USER, Instance

LIST = "/datastore_server/re-sync/?verb=resourcelist.xml"
TEXT = '<img src="/openbis/openbis/file-service/{}">'
SEEN = "eln/seen.png"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    instance = Instance.create(tmp_path / "source")
    instance.load(
        a_space(),
        a_data_set(30, files=(instance.put_file(perm_id(30), "a.txt", b"a"),)),
        a_data_set(31, files=(instance.put_file(perm_id(31), "b.txt", b"b"),)),
        a_sample(20, properties={"NOTES": TEXT.format(SEEN)}),
    )
    instance.add_user()
    put_picture(instance, SEEN)
    yield instance
    instance.engine.dispose()


def put_picture(instance: Instance, path: str) -> Path:
    file = instance.root / "file-service" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"picture")
    return file


def get(instance: Instance, path: str, method: str = "GET") -> httpx.Response:
    with (
        instance.served() as url,
        httpx.Client(auth=(USER, PASSWORD), trust_env=False, timeout=60) as client,
    ):
        return client.request(method, url + path)


def items(instance: Instance) -> list[ListItem]:
    return list(read_resource_list([get(instance, LIST).content], V20))


def of_the_list(instance: Instance) -> list[Unknown]:
    """What the list says at its end; nothing at its beginning."""
    head, *rest = items(instance)
    assert head == ListHead(at=head.at) if isinstance(head, ListHead) else False
    ends = [item for item in rest if isinstance(item, ListHead)]
    assert ends == [item for item in rest[-1:] if isinstance(item, ListHead)]
    return [unknown for end in ends for unknown in end.unknown]


def service(reason: Reason, detail: str) -> Unknown:
    return Unknown(part=Part.FILE_SERVICE, reason=reason, detail=detail)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_file_that_is_recorded_and_not_here_is_not_available(
    instance: Instance, method: str
) -> None:
    shutil.rmtree(instance.store.data_set_folder(perm_id(30)))
    gone = get(instance, f"/datastore_server/{perm_id(30)}/a.txt", method)
    unheard_of = get(instance, f"/datastore_server/{perm_id(30)}/other.txt", method)
    there = get(instance, f"/datastore_server/{perm_id(31)}/b.txt", method)

    assert (gone.status_code, unheard_of.status_code, there.status_code) == (503, 404, 200)
    if method == "GET":
        told = f"data set {perm_id(30)}: its files are not here; try again later\n"
        assert gone.text == told


def test_what_a_list_cannot_show_is_counted_once_in_the_log(
    instance: Instance, caplog: pytest.LogCaptureFixture
) -> None:
    for number in (30, 31):
        shutil.rmtree(instance.store.data_set_folder(perm_id(number)))
    put_picture(instance, "other.png")
    (instance.root / "file-service" / SEEN).unlink()
    with caplog.at_level(logging.WARNING, logger="source_server.publication.unseen"):
        found = [item for item in items(instance) if isinstance(item, Entity) and item.unknown]

    assert len(found) == 2
    assert [record.getMessage() for record in caplog.records] == [
        f"records with unknown files (not-harvested): 2; the first is DATA_SET {perm_id(30)}",
        f"file service: not listed (unreadable): 1 file that texts mention: '{SEEN}'",
    ]


def test_where_every_picture_is_there_the_list_says_nothing(instance: Instance) -> None:
    assert of_the_list(instance) == []
    assert [item.path for item in items(instance) if isinstance(item, ServiceFile)] == [SEEN]


@pytest.mark.parametrize("left_empty", [True, False])
def test_a_folder_of_pictures_that_is_away(instance: Instance, *, left_empty: bool) -> None:
    root = instance.root / "file-service"
    shutil.rmtree(root)
    if left_empty:
        root.mkdir()

    away = service(Reason.NOT_MOUNTED, f"1 file that texts mention: '{SEEN}'")
    assert of_the_list(instance) == [away]


def test_a_folder_that_no_text_needs_may_be_away(instance: Instance) -> None:
    instance.load(a_sample(20, properties={}))
    shutil.rmtree(instance.root / "file-service")

    assert of_the_list(instance) == []


def test_pictures_that_cannot_be_read_or_named(instance: Instance) -> None:
    root = instance.root / "file-service"
    (root / "out.png").symlink_to(instance.root / "secret.png")
    (instance.root / "secret.png").write_bytes(b"secret")
    (root / "folder.png").mkdir()
    paths = ["out.png", "folder.png", "gone.png", "../secret.png", f"{'x' * 300}.png"]
    texts = {f"P{n}": TEXT.format(path) for n, path in enumerate(paths)}
    instance.load(a_sample(21, code="MANY", properties=texts))

    unnamed, unread = of_the_list(instance)
    assert unnamed == service(
        Reason.BAD_NAME, f"2 files that texts mention: '../secret.png', '{'x' * 100}'"
    )
    assert unread == service(
        Reason.UNREADABLE, "3 files that texts mention: 'folder.png', 'gone.png', 'out.png'"
    )
    assert [item.path for item in items(instance) if isinstance(item, ServiceFile)] == [SEEN]


@pytest.mark.parametrize("path", ["", "eln/"])
def test_a_text_may_mention_a_folder(instance: Instance, path: str) -> None:
    instance.load(a_sample(21, code="MANY", properties={"NOTES": TEXT.format(path)}))

    assert of_the_list(instance) == []
