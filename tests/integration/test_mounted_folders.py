"""A data store, or a folder of the file service, that is not mounted: nothing is written there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.store.mounted import marker
from tests.support.instances.builders import (
    a_project,
    a_sample,
    a_service_file,
    a_space,
    some_master_data,
)
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance

FOLDERS = {
    "store": "storeroot-dir",
    "file-service": "file-service-repository-path",
}


def uuid_of(harvest: Harvest) -> str:
    return str(harvest.instance.rows("SELECT value FROM meta WHERE key = 'data_store_uuid'")[0][0])


@pytest.fixture
def harvested(source: Instance, full_instance: FullInstance, either: Harvest) -> Harvest:
    del full_instance
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="true")
        either.init()
        assert either.run().code == 0
    return either


@pytest.fixture
def served(source: Instance, full_instance: FullInstance, harvest: Harvest) -> Iterator[Harvest]:
    """All of the full instance is here, and its source still answers."""
    del full_instance
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.init()
        assert harvest.run().code == 0
        yield harvest


@pytest.mark.parametrize(("name", "key"), FOLDERS.items())
def test_an_empty_folder_is_not_written_into(harvested: Harvest, name: str, key: str) -> None:
    folder = harvested.root / name
    assert marker(folder, uuid_of(harvested)).is_file()
    mounted = folder.rename(harvested.root / "unmounted")
    folder.mkdir()
    for command in ("run", "audit", "check-config"):
        result = harvested.command(command)
        assert result.code == 2, (command, result.output)
        assert f"{key} = {folder}: the database knows files of" in result.output
        assert "is it not mounted?" in result.output
        assert list(folder.iterdir()) == []
    folder.rmdir()
    assert harvested.command("check-config").code == 2
    mounted.rename(folder)
    assert harvested.command("check-config").code == 0


def test_a_folder_of_an_earlier_version_gets_its_marker(served: Harvest) -> None:
    markers = [marker(served.root / name, uuid_of(served)) for name in FOLDERS]
    for one in markers:
        one.unlink()
    served.converges()
    assert all(one.is_file() for one in markers)


def test_the_trash_is_left_alone_as_long_as_the_store_is_not_mounted(harvested: Harvest) -> None:
    harvested.instance.execute(
        "INSERT INTO deletion (id, source, deleted) VALUES (7, 'DS1', 1700000000000)"
    )
    store = harvested.root / "store"
    store.rename(harvested.root / "unmounted")
    result = harvested.command("trash", "purge", "7")
    assert (result.code, "not mounted?" in result.output) == (2, True)
    assert not store.exists()


def test_a_marker_lets_the_files_be_brought_again(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    del full_instance
    with source.served() as url:
        harvest.section("DS1", url, full_sync="true", full_sync_interval="0")
        harvest.init()
        assert harvest.run().code == 0
        before = Path(harvest.root / "store").rename(harvest.root / "lost")
        one = marker(harvest.root / "store", uuid_of(harvest))
        one.parent.mkdir()
        assert harvest.run().code == 2
        one.touch()
        result = harvest.run()
        assert result.code == 0, result.output
    shares = [{p.relative_to(r) for p in (r / "1").rglob("*")} for r in (before, one.parent)]
    assert shares[0] == shares[1] != set()


def test_a_share_that_is_not_mounted_is_noticed(harvested: Harvest) -> None:
    """A share may be a disk of its own, below a root that is there."""
    uuid = uuid_of(harvested)
    store = harvested.root / "store"
    mounted = (store / "1").rename(harvested.root / "unmounted")
    (store / "1").mkdir()
    for command in ("run", "audit", "repair", "check-config"):
        result = harvested.command(command)
        assert result.code == 2, (command, result.output)
        assert f"share 1 has held data sets, but its folder 1/{uuid} is not there" in result.output
    assert list((store / "1").iterdir()) == []
    (store / "1").rmdir()
    mounted.rename(store / "1")
    assert harvested.command("check-config").code == 0


def test_a_share_that_is_gone_for_good_can_be_forgotten(served: Harvest) -> None:
    store = served.root / "store"
    before = (store / "1").rename(served.root / "lost")
    noted = marker(store, uuid_of(served))
    assert noted.read_text().splitlines()[1:] == ["1"]
    noted.write_text("")
    result = served.command("repair")
    assert result.code == 0, result.output
    shares = [{p.relative_to(r) for p in r.rglob("*")} for r in (before, store / "1")]
    assert shares[0] == shares[1] != set()
    assert noted.read_text().splitlines()[1:] == ["1"]


def test_a_mount_point_with_a_note_in_it_is_no_folder_of_the_file_service(
    harvested: Harvest,
) -> None:
    folder = harvested.root / "file-service"
    mounted = folder.rename(harvested.root / "unmounted")
    folder.mkdir()
    (folder / "NOT-MOUNTED.txt").write_text("mount me")
    assert harvested.run().code == 2
    assert [file.name for file in folder.iterdir()] == ["NOT-MOUNTED.txt"]
    shutil.rmtree(folder)
    mounted.rename(folder)
    assert harvested.command("check-config").code == 0


def test_a_file_service_with_hidden_folders_only_gets_its_marker(
    source: Instance, harvest: Harvest
) -> None:
    mention = {"NOTES": 'see "openbis/file-service/.eln/doc.png"'}
    source.load(some_master_data(), a_space(), a_sample(properties=mention))
    source.load(a_service_file(".eln/doc.png"))
    source.add_user()
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.init()
        for _ in range(2):
            assert harvest.run().code == 0
    assert marker(harvest.root / "file-service", uuid_of(harvest)).is_file()


def test_a_data_store_with_attachments_only_is_missed_too(
    source: Instance, harvest: Harvest
) -> None:
    attached = source.put_attachment("a.txt", b"one")
    source.load(some_master_data(), a_space(), a_project(attachments=(attached,)))
    source.add_user()
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.init()
        assert harvest.run().code == 0
        store = harvest.root / "store"
        mounted = store.rename(harvest.root / "unmounted")
        store.mkdir()
        result = harvest.run()
        assert result.code == 2
        assert "the database knows attachments, but nothing of them is there" in result.output
        assert list(store.iterdir()) == []
        store.rmdir()
        mounted.rename(store)
        assert harvest.run().code == 0


def test_two_databases_do_not_share_a_data_store(served: Harvest) -> None:
    """As after a lost database, until a person says that the other one is gone."""
    uuid = uuid_of(served)
    served.instance.engine.dispose()
    for file in served.root.glob("instance.db*"):
        file.unlink()
    assert served.command("init").code == 0
    assert uuid_of(served) == uuid  # found in the folder
    before = served.instance.content()
    for command in ("run", "check-config", "audit"):
        result = served.command(command)
        assert result.code == 2, result.output
        assert "another database keeps its files there" in result.output
    assert served.instance.content() == before
    noted = marker(served.root / "store", uuid_of(served))
    noted.write_text("1\n")
    assert served.run().code == 0
    assert len(noted.read_text().splitlines()) == 2
    served.agrees()


def test_check_config_online_writes_nothing_into_a_folder_that_is_not_mounted(
    harvested: Harvest,
) -> None:
    store = harvested.root / "store"
    store.rename(harvested.root / "unmounted")
    result = harvested.command("check-config", "--online")
    assert "FAILED   folders" in result.output
    assert "can be written to" not in "".join(
        line for line in result.output.splitlines(keepends=True) if "data store" in line
    )
    assert not store.exists()
