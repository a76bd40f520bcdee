"""A list that has not changed is not sent again: ETag and If-None-Match."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from shared.resourcesync.addresses import RE_SYNC_PATH
from source_server.catalogues.embedded import EmbeddedCatalogue, StoreUsers
from source_server.settings import SourceSettings
from tests.support.instances.builders import a_sample, a_space
from tests.support.instances.instance import PASSWORD, USER, Instance, reachable
from tests.support.servers.watched_site import a_site

LIST = f"{RE_SYNC_PATH}/?verb=resourcelist.xml"
AN_HOUR_AGO = time.time() - 3600


class Client:
    def __init__(self, url: str) -> None:
        self._url = url

    def get(
        self, tag: str | None = None, *, path: str = LIST, user: str = USER, method: str = "GET"
    ) -> httpx.Response:
        headers = {"If-None-Match": tag} if tag else {}
        with httpx.Client(auth=(user, PASSWORD), trust_env=False) as client:
            return client.request(method, self._url + path, headers=headers)

    def tag(self, *, path: str = LIST, user: str = USER) -> str:
        answer = self.get(path=path, user=user)
        assert answer.status_code == 200
        return answer.headers["ETag"]


@pytest.fixture
def filled(source: Instance) -> Instance:
    source.load(a_space("ALPHA"), a_space("BETA"), a_sample(space="ALPHA", code="S1"))
    source.add_user()
    source.add_user("mira", place="/ALPHA")
    return source


@contextmanager
def published(instance: Instance, **changed: object) -> Iterator[Client]:
    settings = SourceSettings(
        base_dir=instance.root,
        storeroot_dir=instance.root / "store",
        file_service_repository_path=instance.root / "file-service",
    ).model_copy(update=changed)
    catalogue = EmbeddedCatalogue(
        instance.engine,
        store_root=instance.root / "store",
        service_root=instance.root / "file-service",
    )

    class Users(StoreUsers):
        def accepts(self, user_id: str, password: str) -> bool:
            stored = self.password_hash(user_id)
            return stored is not None and self.verify(stored, password)

    with reachable(catalogue, Users(instance.engine), settings) as url:
        # addresses are part of the tag; the port is another one each time
        yield Client(url)


@pytest.fixture
def client(filled: Instance) -> Iterator[Client]:
    with published(filled) as client:
        yield client


def test_a_list_that_has_not_changed_is_not_sent_again(client: Client) -> None:
    tag = client.tag()
    for known in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        answer = client.get(known)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == tag
    assert client.get('"other"').status_code == 200


def test_the_tag_is_a_weak_one_since_the_time_of_the_list_differs(client: Client) -> None:
    assert client.tag().startswith('W/"')


def test_head_tells_the_tag_too(client: Client) -> None:
    tag = client.tag()
    assert client.get(method="HEAD").headers["ETag"] == tag
    assert client.get(tag, method="HEAD").status_code == 304


def test_a_form_is_always_answered(client: Client) -> None:
    answer = client.get(client.tag(), method="POST")
    assert answer.status_code == 200
    assert "ETag" not in answer.headers


def test_the_other_documents_have_no_tag(client: Client) -> None:
    answer = client.get(path=f"{RE_SYNC_PATH}/?verb=capabilitylist.xml")
    assert "ETag" not in answer.headers


def test_a_change_is_sent(client: Client, filled: Instance) -> None:
    tag = client.tag()
    filled.load(a_sample(space="ALPHA", code="S2"))
    answer = client.get(tag)
    assert answer.status_code == 200
    assert "S2" in answer.text
    assert client.get(answer.headers["ETag"]).status_code == 304


def test_each_user_and_each_white_list_has_a_tag_of_its_own(client: Client) -> None:
    tags = {
        client.tag(),
        client.tag(user="mira"),
        client.tag(path=f"{LIST}&white_list=BETA"),
        client.tag(path=f"{LIST}&white_list=NOTHING"),
    }
    assert len(tags) == 4
    assert client.tag(path=f"{LIST}&white_list=ALPHA") == client.tag(user="mira")


def test_a_role_that_is_given_or_taken_is_noticed(client: Client, filled: Instance) -> None:
    tag = client.tag(user="mira")
    filled.execute("INSERT INTO role_assignment VALUES (77, 'mira', 'OBSERVER', '/BETA')")
    more = client.tag(user="mira")
    filled.execute("DELETE FROM role_assignment WHERE id = 77")
    assert len({tag, more, client.tag(user="mira")}) == 3


def picture(instance: Instance, name: str = "images/a.png", content: bytes = b"a") -> Path:
    file = instance.store.service_root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def wait_until_old(*files: Path) -> None:
    """The server trusts the time of a change only some seconds later."""
    newest = max(file.stat().st_ctime for file in files)
    time.sleep(max(newest + 2.1 - time.time(), 0))


def test_a_file_of_the_file_service_that_changes_is_noticed(
    client: Client, filled: Instance
) -> None:
    file = picture(filled)
    wait_until_old(file)
    tag = client.tag()
    assert client.get(tag).status_code == 304
    file.write_bytes(b"b")
    os.utime(file, (AN_HOUR_AGO, AN_HOUR_AGO))
    wait_until_old(file)
    assert client.get(tag).status_code == 200
    file.unlink()
    assert client.get(tag).status_code == 200


def test_a_file_that_was_changed_a_moment_ago_may_change_again_unnoticed(
    client: Client, filled: Instance
) -> None:
    tag = client.tag()
    picture(filled)
    answer = client.get(tag)
    assert answer.status_code == 200
    assert "ETag" not in answer.headers


def test_with_symbolic_links_in_the_file_service_there_is_no_tag(
    client: Client, filled: Instance, tmp_path: Path
) -> None:
    file = picture(filled)
    (file.parent / "link").symlink_to(tmp_path)
    wait_until_old(file)
    assert "ETag" not in client.get().headers


def test_a_database_that_was_put_back_and_changed_otherwise_is_noticed(filled: Instance) -> None:
    (mark,) = filled.rows("SELECT value FROM meta WHERE key = 'published'")[0]
    with published(filled) as client:
        filled.load(a_sample(space="ALPHA", code="S2"))
        newest = client.tag()
        filled.execute("DELETE FROM entity WHERE code = 'S2'")
        filled.execute(f"UPDATE meta SET value = '{mark}' WHERE key = 'published'")  # noqa: S608
        filled.load(a_sample(space="ALPHA", code="S3"))
        assert client.get(newest).status_code == 200


def test_a_list_that_was_not_sent_does_not_count_as_one(filled: Instance) -> None:
    with published(filled, minimum_interval=timedelta(days=1)) as client:
        tag = client.tag()
        assert client.get().status_code == 429
        for _ in range(3):
            assert client.get(tag).status_code == 304
        filled.load(a_sample(space="ALPHA", code="S2"))
        assert client.get(tag).status_code == 429


def test_a_catalogue_that_cannot_tell_has_no_tags() -> None:
    with a_site() as site:
        answer = site.get()
    assert answer.status_code == 200
    assert "ETag" not in answer.headers


def test_an_instance_of_before_has_no_tag_until_it_is_written(filled: Instance) -> None:
    filled.execute("DELETE FROM meta WHERE key = 'published'")
    with published(filled) as client:
        assert "ETag" not in client.get().headers
        filled.load(a_sample(space="ALPHA", code="S2"))
        assert client.get(client.tag()).status_code == 304
