"""An openBIS that stops seeing something between two harvests: no byte of a destination goes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.model.entities import Entity
from shared.model.kinds import Kind
from shared.model.unknown import Part, Reason
from source_server.auth import DirectoryAuthenticator
from source_server.instance import opened
from source_server.settings import read_settings
from source_server.users_file import UsersFile
from tests.conftest import LoadOpenBis
from tests.harvests import Harvest, Result
from tests.instances import PASSWORD, hashed, reachable
from tests.openbis_casts import MADE
from tests.openbis_made.world import ARCHIVED, HIDDEN, UNFED
from tests.postgres import run

LIST = "/datastore_server/re-sync/?verb=resourcelist.xml"
PICTURE = "hill.png"
"""A text of the made instance mentions it."""
_NEVER_CAME = {str(UNFED), str(ARCHIVED)}
"""Their files are nowhere from the beginning."""


@dataclass(frozen=True, slots=True)
class OpenBis:
    """A made openBIS with all of its folders, and the requests that its server has got."""

    root: Path
    url: str
    path_info: str
    requests: list[str] = field(default_factory=list)

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def service(self) -> Path:
        return self.root / "file-service"

    @contextmanager
    def served(self, *, path_info: bool) -> Iterator[str]:
        """The address at which a server with these settings publishes it."""
        file = self.root / "s.properties"
        file.write_text(
            f"catalogue = openbis\ndatabase-url = {self.url}\nstoreroot-dir = store\n"
            f"path-info-database-url = {self.path_info if path_info else 'none'}\n"
            "file-service-repository-path = file-service\nusers-file = users.json\n"
        )
        settings = read_settings(file, {})
        with opened(settings) as instance:
            authenticator = DirectoryAuthenticator(instance.directories)
            with reachable(instance.catalogue, authenticator, settings, self._noting) as url:
                yield url

    def _noting(self, app: Any) -> Any:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                self.requests.append(scope["path"])
            await app(scope, receive, send)

        return application

    def asked_for(self) -> list[str]:
        """The files that were asked for since the last call."""
        files = [path for path in self.requests if "/re-sync" not in path]
        self.requests.clear()
        return files


@pytest.fixture
def openbis(copy_openbis: LoadOpenBis, tmp_path: Path) -> OpenBis:
    root = tmp_path / "openbis"
    openbis = OpenBis(root, copy_openbis(MADE.database), copy_openbis(MADE.path_info))
    openbis.service.mkdir(parents=True)
    (openbis.service / PICTURE).write_bytes(b"a hill")
    MADE.fill_store(openbis.store)
    UsersFile(root / "users.json").add(MADE.keeper, hashed(PASSWORD))
    in_coast = "(select id from samples_all where code = '<code>')"
    run(
        openbis.url,
        "delete from material_properties where mate_id > 1000",
        "delete from materials where id > 1000",
        # from one space into another: a value, and the sample of a data set
        f"update sample_properties set samp_prop_id = {in_coast.replace('<code>', 'SAND')}"  # noqa: S608
        " where samp_prop_id is not null",
        f"update data_all set samp_id = {in_coast.replace('<code>', 'TIDE-1')}"  # noqa: S608
        f" where code = '{MADE.readme}'",
    )
    return openbis


Blindness = Callable[[OpenBis], AbstractContextManager[None]]


@contextmanager
def changed_store(openbis: OpenBis, change: Callable[[Path], object]) -> Iterator[None]:
    """A copy of the data store, changed, lies in its place meanwhile."""
    seen = openbis.store.rename(openbis.root / "seen")
    shutil.copytree(seen, openbis.store)
    change(openbis.store)
    yield
    shutil.rmtree(openbis.store, ignore_errors=True)
    seen.rename(openbis.store)


@contextmanager
def changed_tables(url: str, tables: Sequence[str], *statements: str) -> Iterator[None]:
    """Tables, each before those that refer to it, are changed meanwhile."""
    keep = (f"create table kept_{name} as table {name}" for name in tables)
    run(url, *keep, *statements)
    yield
    run(
        url,
        "set session_replication_role = replica",
        *(f"delete from {name}" for name in reversed(tables)),  # noqa: S608
    )
    run(url, *(_back(name) for name in tables))


def _back(table: str) -> str:
    return (
        "do $$ begin set local session_replication_role = replica;"
        f" insert into {table} select * from kept_{table}; drop table kept_{table}; end $$"
    )


def an_empty_mount_point(openbis: OpenBis) -> AbstractContextManager[None]:
    def empty(store: Path) -> None:
        shutil.rmtree(store / "1")
        (store / "1").mkdir()

    return changed_store(openbis, empty)


def the_store_is_away(openbis: OpenBis) -> AbstractContextManager[None]:
    return changed_store(openbis, shutil.rmtree)


def path_info_emptied(*tables: str) -> Blindness:
    @contextmanager
    def blind(openbis: OpenBis) -> Iterator[None]:
        emptied = [f"delete from {table}" for table in tables]  # noqa: S608
        kept = ("data_sets", "data_set_files")
        with changed_tables(openbis.path_info, kept, *emptied), the_store_is_away(openbis):
            yield

    return blind


def everything_archived(openbis: OpenBis) -> AbstractContextManager[None]:
    @contextmanager
    def blind() -> Iterator[None]:
        archived = "update external_data set status = 'ARCHIVED', present_in_archive = true"
        with changed_tables(openbis.url, ["external_data"], archived), the_store_is_away(openbis):
            yield

    return blind()


def files_cut(openbis: OpenBis) -> AbstractContextManager[None]:
    def cut(store: Path) -> None:
        for file in store.glob("1/*-*/**/*"):
            if file.is_file():
                os.truncate(file, 0)

    return changed_store(openbis, cut)


@contextmanager
def files_cut_of_unnoted_size(openbis: OpenBis) -> Iterator[None]:
    with (
        changed_tables(openbis.url, ["external_data"], "update external_data set size = null"),
        files_cut(openbis),
    ):
        yield


@contextmanager
def the_file_service_is_away(openbis: OpenBis) -> Iterator[None]:
    away = openbis.service.rename(openbis.root / "away")
    yield
    shutil.rmtree(openbis.service, ignore_errors=True)
    away.rename(openbis.service)


@contextmanager
def the_file_service_is_empty(openbis: OpenBis) -> Iterator[None]:
    with the_file_service_is_away(openbis):
        openbis.service.mkdir()
        yield


def a_space_is_hidden(openbis: OpenBis) -> AbstractContextManager[None]:
    keeper = f"(select id from persons where user_id = '{MADE.keeper}')"  # noqa: S608
    spaces = "(select id from spaces where code = '<space>')"
    roles = """insert into role_assignments (id, role_code, space_id, pers_id_grantee,
                                            pers_id_registerer, registration_timestamp)
               values (<id>, 'OBSERVER', <space>, <keeper>, <keeper>, now())"""
    given = (
        roles.replace("<id>", str(99000 + number))
        .replace("<space>", spaces.replace("<space>", space))
        .replace("<keeper>", keeper)
        for number, space in enumerate(("ALPS", "MOOR"))
    )
    return changed_tables(
        openbis.url,
        ["role_assignments"],
        f"delete from role_assignments where pers_id_grantee = {keeper}",  # noqa: S608
        *given,
    )


def bad_names_in_path_info(openbis: OpenBis) -> AbstractContextManager[None]:
    return changed_tables(
        openbis.path_info,
        ["data_set_files"],
        "update data_set_files set relative_path = relative_path || chr(7)"
        " where relative_path like '%readme.txt'",
    )


def bad_names_in_the_store(openbis: OpenBis) -> AbstractContextManager[None]:
    def rename(store: Path) -> None:
        for file in store.rglob("readme.txt"):
            file.rename(os.fsdecode(os.fsencode(file) + b"\xff"))

    return changed_store(openbis, rename)


def attachments_are_away(openbis: OpenBis) -> AbstractContextManager[None]:
    # the column may not be null, and refers to a content
    return changed_tables(
        openbis.url,
        ["attachment_contents"],
        "do $$ begin set local session_replication_role = replica;"
        " delete from attachment_contents; end $$",
    )


def bad_names_of_attachments(openbis: OpenBis) -> AbstractContextManager[None]:
    change = "update attachments set file_name = file_name || chr(7)"
    return changed_tables(openbis.url, ["attachments"], change)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """``waits``: why a data set that is new meanwhile has no files; None if it has. ``said``: what
    of the notes is about all the others."""

    blind: Blindness
    said: str
    waits: Reason | None = None
    path_info: bool = True
    deletions: tuple[bool, ...] = (False, True)
    code: int = 0


NO_SHARE = "data sets (a folder or share is not there)"
NOT_FED = "data sets (the path-info database does not know them yet)"
BAD_NAME = "(a file has a name that the list cannot carry)"
NO_SERVICE = "the files of the file service (a folder or share is not there)"
WAYS = {
    "empty mount point": Way(
        blind=an_empty_mount_point, said=NO_SHARE, waits=Reason.NOT_MOUNTED
    ),
    "empty mount point, no path info": Way(
        blind=an_empty_mount_point, said=NO_SHARE, waits=Reason.NOT_MOUNTED, path_info=False
    ),
    "the data store away": Way(blind=the_store_is_away, said=NO_SHARE, waits=Reason.NOT_MOUNTED),
    "the data store away, no path info": Way(
        blind=the_store_is_away, said=NO_SHARE, waits=Reason.NOT_MOUNTED, path_info=False
    ),
    "path info and the data store away": Way(
        blind=path_info_emptied("data_set_files", "data_sets"),
        said=NOT_FED,
        waits=Reason.NOT_FED,
    ),
    "path info knows no files": Way(
        blind=path_info_emptied("data_set_files"), said=NOT_FED, waits=Reason.NOT_FED
    ),
    "everything archived": Way(
        blind=everything_archived, said="data sets (archived)", waits=Reason.ARCHIVED
    ),
    "everything archived, no path info": Way(
        blind=everything_archived,
        said="data sets (archived)",
        waits=Reason.ARCHIVED,
        path_info=False,
    ),
    "files cut": Way(
        blind=files_cut,
        said="data sets (they cannot be read)",
        waits=Reason.UNREADABLE,
        path_info=False,
    ),
    "file service away": Way(blind=the_file_service_is_away, said=NO_SERVICE),
    "file service empty": Way(blind=the_file_service_is_empty, said=NO_SERVICE),
    "a space hidden": Way(
        blind=a_space_is_hidden, said="(the user may not see them)", deletions=(False,)
    ),
    "bad names in path info": Way(
        blind=bad_names_in_path_info, said=BAD_NAME, waits=Reason.BAD_NAME
    ),
    "bad names in the data store": Way(
        blind=bad_names_in_the_store, said=BAD_NAME, waits=Reason.BAD_NAME, path_info=False
    ),
    "attachments away": Way(blind=attachments_are_away, said="attachments of"),
    "bad names of attachments": Way(blind=bad_names_of_attachments, said=BAD_NAME),
}
ON_POSTGRESQL = ("path info and the data store away", "a space hidden")


@pytest.fixture
def destination(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    one_authority: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Harvest]:
    """A harvester with the database that the test names."""
    monkeypatch.setenv("SSL_CERT_FILE", str(one_authority))
    on_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres_url") if on_postgres else None
    harvest = Harvest(tmp_path / "destination", database_url=url)
    yield harvest
    harvest.instance.engine.dispose()


def first_harvest(harvest: Harvest, url: str) -> None:
    """All is here that can be had."""
    with httpx.Client(auth=(MADE.keeper, PASSWORD), trust_env=False, timeout=60) as client:
        answer = client.get(url + LIST).raise_for_status()
    list_file = harvest.root / "list.xml"
    list_file.write_bytes(answer.content)
    configure(harvest, url)
    made = harvest.command("init", "--internal-master-data", str(list_file))
    assert made.code == 0, made.output
    result = harvest.run()
    assert result.code == 0, result.output
    assert len(files_of(harvest)) > len(_NEVER_CAME)


def configure(harvest: Harvest, url: str, *, deletions: bool = False) -> None:
    allowed = str(deletions).lower()
    harvest.section("DS1", url, data_source_auth_user=MADE.keeper, deletion_allowed=allowed)


def files_of(harvest: Harvest) -> dict[str, tuple[str, int, int]]:
    """SHA-256, i-node and time of every file of the data store (attachments, too) and of the file
    service."""
    found = {}
    for name in ("store", "file-service"):
        for file in (harvest.root / name).rglob("*"):
            if file.is_file() and not file.name.startswith(".openbis-sync-"):
                status = file.stat()
                digest = hashlib.sha256(file.read_bytes()).hexdigest()
                path = str(file.relative_to(harvest.root))
                found[path] = (digest, status.st_ino, status.st_mtime_ns)
    return found


def entities_of(harvest: Harvest) -> dict[tuple[Kind, str], Entity]:
    """All that came with the first harvest. Why files are not here may be said otherwise later."""
    found = harvest.instance.entities()
    found.pop((Kind.DATA_SET, HIDDEN), None)
    with_marks = {perm_id for (_, perm_id), entity in found.items() if entity.unknown}
    assert with_marks <= _NEVER_CAME
    return {key: replace(entity, unknown=()) for key, entity in found.items()}


def waiting(harvest: Harvest, code: str) -> set[Reason]:
    found = harvest.instance.entities()[Kind.DATA_SET, code]
    return {mark.reason for mark in found.unknown if mark.part is Part.FILES}


def is_new(openbis: OpenBis) -> None:
    """A data set with one file becomes visible."""
    run(
        openbis.url,
        "update external_data set storage_confirmation = true"
        f" where id = (select id from data_all where code = '{HIDDEN}')",  # noqa: S608
    )


def said_by(harvest: Harvest, result: Result) -> str:
    return result.output + harvest.log()


@pytest.mark.parametrize(
    ("destination", "way"),
    [("sqlite", way) for way in WAYS] + [("postgresql", way) for way in ON_POSTGRESQL],
    indirect=["destination"],
)
def test_nothing_is_lost_while_an_openbis_is_blind_and_nothing_comes_twice(
    openbis: OpenBis, destination: Harvest, way: str
) -> None:
    this = WAYS[way]
    with openbis.served(path_info=this.path_info) as url:
        first_harvest(destination, url)
        files, entities = files_of(destination), entities_of(destination)
        is_new(openbis)
        with this.blind(openbis):
            for deletions in this.deletions:
                configure(destination, url, deletions=deletions)
                result = destination.run()
                said = said_by(destination, result)
                print("=====", way, deletions, result.code, "\n", said)
                print(destination.command("status").output)
