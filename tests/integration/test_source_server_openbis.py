"""The whole server as its settings describe it: an openBIS database, its users, over HTTP."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from shared.model.entities import Entity
from shared.model.kinds import Kind
from shared.passwords import hash_password
from shared.resourcesync.reader import read_resource_list
from shared.resourcesync.v20.version import V20
from source_server.instance import opened
from source_server.settings import read_settings
from source_server.users.sign_in import DirectoryAuthenticator
from source_server.users.users_file import UsersFile
from source_server.web.app import create_app
from tests.conftest import LoadOpenBis
from tests.support.openbis.examples import Examples
from tests.support.servers.postgres import counted
from tests.support.servers.web_server import serving

LIST = "/datastore_server/re-sync/?verb=resourcelist.xml"


def openbis_hash(password: str) -> str:
    salt = b"salt"
    digest = hashlib.sha1(salt + password.encode(), usedforsecurity=False).digest()
    return base64.b64encode(salt + digest).decode()


@contextmanager
def published(folder: Path, url: str, examples: Examples) -> Iterator[httpx.Client]:
    """A server on this openBIS; two persons are in its passwd, the watcher in our file too."""
    lines = [
        f"{user}:::{user}:{openbis_hash('old')}"
        for user in (examples.keeper, examples.watcher, "system")
    ]
    (folder / "passwd").write_text("\n".join(lines))
    (folder / "store").mkdir()
    UsersFile(folder / "users.json").add(examples.watcher, hash_password("new"))
    file = folder / "s.properties"
    file.write_text(
        f"catalogue = openbis\ndatabase-url = {url}\npath-info-database-url = none\n"
        "storeroot-dir = store\nusers-file = users.json\npassword-file = passwd\n"
    )
    settings = read_settings(file, {})
    with opened(settings) as instance:
        authenticator = DirectoryAuthenticator(instance.directories)
        app = create_app(instance.catalogue, authenticator, settings)
        with serving(app) as base, httpx.Client(base_url=base, timeout=60) as client:
            yield client


@pytest.fixture
def client(examples: Examples, tmp_path: Path, load_openbis: LoadOpenBis) -> Iterator[httpx.Client]:
    with published(tmp_path, load_openbis(examples.database), examples) as client:
        yield client


def entities(answer: httpx.Response) -> list[Entity]:
    answer.raise_for_status()
    items = read_resource_list(iter([answer.content]), V20)
    return [item for item in items if isinstance(item, Entity)]


def test_an_instance_admin_gets_everything(
    examples: Examples, client: httpx.Client, load_openbis: LoadOpenBis
) -> None:
    url = load_openbis(examples.database)
    found = entities(client.get(LIST, auth=(examples.keeper, "old")))
    counts = {kind: sum(entity.kind is kind for entity in found) for kind in Kind}

    assert counts[Kind.SPACE] == 3
    assert counts[Kind.PROJECT] == counted(url, "select count(*) from projects")
    assert counts[Kind.EXPERIMENT] == counted(url, "select count(*) from experiments")
    assert counts[Kind.SAMPLE] == examples.samples
    assert counts[Kind.MATERIAL] == examples.materials


def test_an_observer_of_a_space_gets_that_space(examples: Examples, client: httpx.Client) -> None:
    found = entities(client.get(LIST, auth=(examples.watcher, "new")))
    spaces = {str(entity.code) for entity in found if entity.kind is Kind.SPACE}

    assert spaces == {examples.spaces[2]}
    assert {entity.home[0] for entity in found} <= {examples.spaces[2], None}


def test_our_own_file_of_users_comes_before_that_of_openbis(
    examples: Examples, client: httpx.Client
) -> None:
    assert client.get(LIST, auth=(examples.watcher, "old")).status_code == 401


def test_a_person_of_openbis_without_role_is_told_so(client: httpx.Client) -> None:
    assert client.get(LIST, auth=("system", "old")).status_code == 403
