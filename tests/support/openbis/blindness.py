"""A made openBIS that is served with all its folders, and the ways in which it goes blind."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from source_server.instance import opened
from source_server.settings import read_settings
from source_server.users.sign_in import DirectoryAuthenticator
from tests.support.instances.instance import reachable
from tests.support.openbis.examples import MADE
from tests.support.servers.postgres import run


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


# References are not looked at for the rest of the session.
_UNCHECKED = "set session_replication_role = replica"
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
        _UNCHECKED,
        *(f"delete from {name}" for name in reversed(tables)),  # noqa: S608
        *(f"insert into {name} select * from kept_{name}" for name in tables),  # noqa: S608
        *(f"drop table kept_{name}" for name in tables),
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
    change = (_UNCHECKED, "delete from attachment_contents")
    return changed_tables(openbis.url, ["attachment_contents"], *change)


def bad_names_of_attachments(openbis: OpenBis) -> AbstractContextManager[None]:
    change = "update attachments set file_name = file_name || chr(7)"
    return changed_tables(openbis.url, ["attachments"], change)
