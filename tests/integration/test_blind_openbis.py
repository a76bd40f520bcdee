"""An openBIS that stops seeing something between two harvests: no byte of a destination goes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.model.entities import Entity
from shared.model.kinds import Kind
from source_server.users.users_file import UsersFile
from tests.conftest import LoadOpenBis
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import PASSWORD, USER, hashed
from tests.support.openbis.blindness import (
    Blindness,
    OpenBis,
    a_space_is_hidden,
    an_empty_mount_point,
    attachments_are_away,
    bad_names_in_path_info,
    bad_names_in_the_store,
    bad_names_of_attachments,
    everything_archived,
    files_cut,
    files_cut_of_unnoted_size,
    path_info_emptied,
    the_file_service_is_away,
    the_file_service_is_empty,
    the_store_is_away,
)
from tests.support.openbis.examples import MADE
from tests.support.openbis.unknown_parts import of_data_set
from tests.support.openbis_made.files import STORED
from tests.support.openbis_made.world import ARCHIVED, HIDDEN, UNFED
from tests.support.servers.postgres import run

LIST = "/datastore_server/re-sync/?verb=resourcelist.xml"
# A text of the made instance mentions it.
PICTURE = "hill.png"
(NEW_FILE,) = STORED[HIDDEN]
HERE = "/original/"
# Those that the first harvest brings, but for one that lies in no folder.
FIRST_FILES = [
    path
    for code, paths in STORED.items()
    for path in paths
    if code != HIDDEN and HERE in f"/{path}"
]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """``said``: what the notes tell of what came before; ``waiting``: how many data sets wait for
    their files meanwhile, by the reason. ``codes``: how a run ends, by whether deletions are
    allowed."""

    blind: Blindness
    said: str
    waiting: Mapping[str, int]
    path_info: bool = True
    codes: tuple[int, int] = (0, 0)
    # How often the file of the new data set is fetched.
    times: int = 1


FILES = "the files of {} data sets ({})"
NO_SHARE = FILES.format(11, "a folder or share is not there")
ALL_ARCHIVED = FILES.format(12, "archived")
BAD_NAMES = FILES.format(2, "a file has a name that the list cannot carry")
NO_SERVICE = "the files of the file service (a folder or share is not there)"
# Only what waited before waits.
ARRIVES = {"archived": 1, "not-mounted": 1}
NO_FOLDER = {"archived": 1, "not-mounted": 2}
WAYS = {
    "empty mount point": Way(blind=an_empty_mount_point, said=NO_SHARE, waiting=NO_FOLDER),
    "empty mount point, no path info": Way(
        blind=an_empty_mount_point, said=NO_SHARE, waiting=NO_FOLDER, path_info=False
    ),
    "the data store away": Way(blind=the_store_is_away, said=NO_SHARE, waiting=NO_FOLDER),
    "the data store away, no path info": Way(
        blind=the_store_is_away, said=NO_SHARE, waiting=NO_FOLDER, path_info=False
    ),
    "path info and the data store away": Way(
        blind=path_info_emptied("data_set_files", "data_sets"),
        said=FILES.format(13, "the path-info database does not know them yet"),
        waiting={"archived": 1, "not-fed": 4},  # two are links
    ),
    "path info knows no files": Way(
        blind=path_info_emptied("data_set_files"),
        said=FILES.format(10, "the path-info database does not know them yet"),
        waiting={"archived": 1, "not-fed": 1, "not-mounted": 1},
    ),
    "everything archived": Way(
        blind=everything_archived, said=ALL_ARCHIVED, waiting={"archived": 3}
    ),
    "everything archived, no path info": Way(
        blind=everything_archived, said=ALL_ARCHIVED, waiting={"archived": 3}, path_info=False
    ),
    "files cut": Way(
        blind=files_cut,
        said=FILES.format(10, "they cannot be read"),
        waiting={"archived": 1, "not-mounted": 1, "unreadable": 1},
        path_info=False,
    ),
    "files cut, of no noted size": Way(
        blind=files_cut_of_unnoted_size,
        said="is listed shorter than it was brought",
        waiting=ARRIVES,
        path_info=False,
        codes=(0, 8),
        times=2,  # of a new one it cannot be known that it was cut
    ),
    "file service away": Way(blind=the_file_service_is_away, said=NO_SERVICE, waiting=ARRIVES),
    "file service empty": Way(blind=the_file_service_is_empty, said=NO_SERVICE, waiting=ARRIVES),
    "a space hidden": Way(
        blind=a_space_is_hidden,
        said="connections of 3 items (the user may not see them)",
        waiting=ARRIVES,
        codes=(0, 8),
    ),
    "bad names in path info": Way(
        blind=bad_names_in_path_info,
        said=BAD_NAMES,
        waiting={"archived": 1, "bad-name": 1, "not-mounted": 1},
    ),
    "bad names in the data store": Way(
        blind=bad_names_in_the_store,
        said=BAD_NAMES,
        waiting={"archived": 1, "bad-name": 1, "not-mounted": 1},
        path_info=False,
    ),
    "attachments away": Way(
        blind=attachments_are_away,
        said="attachments of 4 items (they cannot be read)",
        waiting=ARRIVES,
    ),
    "bad names of attachments": Way(
        blind=bad_names_of_attachments,
        said="attachments of 4 items (a file has a name that the list cannot carry)",
        waiting=ARRIVES,
    ),
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


def first_harvest(harvest: Harvest, url: str, user: str = MADE.keeper) -> None:
    """All is here that can be had."""
    with httpx.Client(auth=(user, PASSWORD), trust_env=False, timeout=60) as client:
        answer = client.get(url + LIST).raise_for_status()
    list_file = harvest.root / "list.xml"
    list_file.write_bytes(answer.content)
    configure(harvest, url, user=user)
    made = harvest.command("init", "--internal-master-data", str(list_file))
    assert made.code == 0, made.output
    result = harvest.run()
    assert result.code == 0, result.output
    assert sum(HERE in path for path in files_of(harvest)) == len(FIRST_FILES)


def configure(
    harvest: Harvest, url: str, *, deletions: bool = False, user: str = MADE.keeper
) -> None:
    allowed = str(deletions).lower()
    harvest.section("DS1", url, data_source_auth_user=user, deletion_allowed=allowed)


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
    """All that came with the first harvest; why files are not here may be said otherwise later."""
    found = harvest.instance.entities()
    found.pop((Kind.DATA_SET, HIDDEN), None)
    return {
        key: replace(
            each,
            unknown=(),
            connections=tuple(c for c in each.connections if c.to != HIDDEN),
        )
        for key, each in found.items()
    }


def waiting(harvest: Harvest) -> dict[str, int]:
    (status,) = json.loads(harvest.command("status", "--json").output)
    return dict(status["waiting_files"])


def becomes_visible(openbis: OpenBis) -> None:
    """A data set with one file is new."""
    run(openbis.url, of_data_set("update external_data set storage_confirmation = true", HIDDEN))


def nothing_is_lost(harvest: Harvest, before: dict[str, tuple[str, int, int]]) -> None:
    """All files are as they were, and were not even written anew."""
    after = files_of(harvest)
    assert {path: after.get(path) for path in before} == before
    assert all(HIDDEN in path for path in after.keys() - before.keys())


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
        assert waiting(destination) == ARRIVES
        files, entities = files_of(destination), entities_of(destination)
        openbis.asked_for()
        becomes_visible(openbis)
        with this.blind(openbis):
            for deletions, code in zip((False, True), this.codes, strict=True):
                configure(destination, url, deletions=deletions)
                result = destination.run()
                assert result.code == code, result.output
                assert this.said in result.output, result.output
                nothing_is_lost(destination, files)
                assert entities_of(destination) == entities
                assert waiting(destination) == this.waiting
                if code == 0:
                    assert f"{sum(this.waiting.values())} data sets wait" in result.output
        sees_again(openbis, destination, this.times)
    nothing_is_lost(destination, files)
    assert entities_of(destination) == entities
    assert waiting(destination) == ARRIVES


def sees_again(openbis: OpenBis, destination: Harvest, times: int = 1) -> None:
    """The new data set is here, too, and no file but its own was fetched."""
    result = destination.run()
    assert result.code == 0, result.output
    assert openbis.asked_for() == [f"/datastore_server/{HIDDEN}/{NEW_FILE}"] * times
    found = destination.instance.entities()
    marked = {perm_id for (_, perm_id), entity in found.items() if entity.unknown}
    assert marked == {UNFED, ARCHIVED}
    folder = destination.instance.store.data_set_folder(HIDDEN)
    assert (folder / NEW_FILE).read_bytes() == STORED[HIDDEN][NEW_FILE]
    destination.agrees()


@pytest.mark.parametrize("destination", ["sqlite", "postgresql"], indirect=True)
def test_files_that_came_empty_come_whole_though_deletions_are_forbidden(
    openbis: OpenBis, destination: Harvest
) -> None:
    """The first harvest of all met files that were cut, which nothing told."""
    with openbis.served(path_info=False) as url:
        with files_cut_of_unnoted_size(openbis):
            first_harvest(destination, url)
            assert {stored_length(destination, code) for code in STORED} == {0}
        destination.converges()
    assert {code: stored_length(destination, code) for code in STORED if code != HIDDEN} == {
        code: sum(map(len, files.values())) for code, files in STORED.items() if code != HIDDEN
    }


def stored_length(harvest: Harvest, code: str) -> int:
    folder = harvest.instance.store.data_set_folder(code)
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@pytest.fixture
def last(tmp_path: Path) -> Iterator[Harvest]:
    """The harvester at the end of the chain."""
    harvest = Harvest(tmp_path / "last")
    yield harvest
    harvest.instance.engine.dispose()


def test_nothing_is_lost_in_a_chain_of_which_each_is_blind_in_its_turn(
    openbis: OpenBis, harvest: Harvest, last: Harvest
) -> None:
    with openbis.served(path_info=True) as url:
        first_harvest(harvest, url)
        harvest.instance.add_user()
        with harvest.instance.served() as middle:
            first_harvest(last, middle, USER)
            links = [(harvest, url, MADE.keeper), (last, middle, USER)]
            before = {each: (files_of(each), entities_of(each)) for each, *_ in links}
            openbis.asked_for()
            becomes_visible(openbis)
            with the_store_is_away(openbis):
                all_stays(links, before)
                assert waiting(harvest) == NO_FOLDER
            with without_data_sets(harvest):
                all_stays(links[1:], before)
            sees_again(openbis, harvest)
            result = last.run()
            assert result.code == 0, result.output
            last.agrees()
    for each, (files, entities) in before.items():
        nothing_is_lost(each, files)
        assert entities_of(each) == entities
        file = each.instance.store.data_set_folder(HIDDEN) / NEW_FILE
        assert file.read_bytes() == STORED[HIDDEN][NEW_FILE]


def all_stays(links: Sequence[tuple[Harvest, str, str]], before: Mapping[Harvest, Any]) -> None:
    for each, url, user in links:
        for deletions in (False, True):
            configure(each, url, deletions=deletions, user=user)
            result = each.run()
            assert result.code == 0, result.output
            assert "the data source cannot show now" in result.output
            files, entities = before[each]
            nothing_is_lost(each, files)
            assert entities_of(each) == entities


@contextmanager
def without_data_sets(harvest: Harvest) -> Iterator[None]:
    """The folders of all its data sets are away; the marker of the data store is not."""
    folder = harvest.root / "store" / "1"
    (parent,) = (each for each in folder.iterdir() if each.is_dir())
    away = parent.rename(harvest.root / "away")
    yield
    away.rename(parent)
