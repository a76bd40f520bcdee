"""What was deleted lies in the trash for a while: list, restore, purge, and what comes after."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from shared.model.kinds import Kind
from shared.store.engine import connect
from shared.store.locks import section_lock
from tests.builders import a_material, a_sample, a_service_file, a_space, some_master_data
from tests.harvests import Harvest
from tests.instances import PASSWORD, USER, Instance, hashed
from tests.kitchen import Kitchen
from tests.trashed import in_trash, mismatches

DAY = 24 * 3600 * 1000


@pytest.fixture
def harvested(source: Instance, kitchen: Kitchen, either: Harvest) -> Iterator[str]:
    """The kitchen is here; the URL of the source."""
    assert kitchen.everything
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="true")
        either.init()
        assert either.run().code == 0
        yield url


def delete_all(source: Instance, kitchen: Kitchen, harvest: Harvest) -> None:
    """Everything of the kitchen is gone here; the harvest's first deletion."""
    source.delete(*kitchen.everything)
    assert harvest.run("--allow-deletions").code == 0
    assert harvest.instance.entities() == {}


def age(harvest: Harvest, days: int) -> None:
    """As if everything in the trash had been deleted so many days earlier."""
    harvest.instance.execute(f"UPDATE deletion SET deleted = deleted - {days * DAY}")  # noqa: S608


def ids(harvest: Harvest) -> list[int]:
    listed = harvest.command("trash", "list", "--json")
    assert listed.code == 0, listed.output
    return [one["number"] for one in json.loads(listed.output)]


@pytest.mark.usefixtures("harvested")
def test_everything_can_be_restored_as_it_was_and_stays_in_the_next_run(
    source: Instance, kitchen: Kitchen, either: Harvest
) -> None:
    before, contents = either.instance.tables(), either.instance.bytes_held()
    delete_all(source, kitchen, either)
    assert either.instance.bytes_held() == {}
    assert mismatches(either.instance) == []
    (number,) = ids(either)
    restored = either.command("trash", "restore", str(number))
    assert restored.code == 0, restored.output
    assert "4 DATA_SET restored" in restored.output
    assert "'harvester trash follow' ends that" in restored.output
    assert either.instance.tables() == before
    assert either.instance.bytes_held() == contents
    assert mismatches(either.instance) == []
    assert ids(either) == []
    result = either.run()
    assert result.code == 0, result.output
    assert "not on the data source, but stays, because it was restored from the trash" in (
        result.output
    )
    assert either.instance.tables() == before
    either.agrees()  # what the operator restored is no difference
    listed = either.command("trash", "list", "--restored")
    assert len(listed.output.splitlines()) == len(kitchen.everything) + 1


@pytest.mark.usefixtures("harvested")
def test_a_mark_ends_when_the_source_has_it_again(
    source: Instance, kitchen: Kitchen, either: Harvest
) -> None:
    delete_all(source, kitchen, either)
    assert either.command("trash", "restore", *map(str, ids(either))).code == 0
    source.load(*kitchen.everything)
    for code, path, content in (
        (kitchen.raw.code, "original/digits + 1%.txt", b"123456789"),
        (kitchen.raw.code, "original/run/hello.txt", b"hello world"),
    ):
        source.put_file(code, path, content)
    either.converges()
    assert either.instance.rows("SELECT * FROM restored") == []
    assert either.instance.entities() == source.entities()
    source.delete(kitchen.flour)
    either.converges()
    assert (Kind.MATERIAL, kitchen.flour.perm_id) not in either.instance.entities()


@pytest.mark.usefixtures("harvested")
def test_what_follows_its_source_again_goes_with_the_next_run(
    source: Instance, kitchen: Kitchen, either: Harvest
) -> None:
    source.delete(kitchen.flour, kitchen.of_well)
    either.converges()
    (number,) = ids(either)
    assert either.command("trash", "restore", str(number)).code == 0
    assert either.command("trash", "follow").code == 2
    assert either.command("trash", "follow", "--kind", "SPACE").code == 2
    followed = either.command("trash", "follow", "--perm-id", kitchen.of_well.code)
    assert f"DATA_SET {kitchen.of_well.code}" in followed.output
    either.converges()
    assert kitchen.of_well.code not in either.instance.codes(Kind.DATA_SET)
    assert kitchen.flour.perm_id in either.instance.codes(Kind.MATERIAL)
    assert len(ids(either)) == 1
    assert mismatches(either.instance) == []


def test_what_was_restored_is_published_again_with_its_files(
    source: Instance, kitchen: Kitchen, harvest: Harvest, tmp_path: Path
) -> None:
    """Another harvester brings it from the destination."""
    harvest.add_properties()
    with source.served() as url:
        harvest.section("DS1", url, deletion_allowed="true")
        harvest.init()
        assert harvest.run().code == 0
        delete_all(source, kitchen, harvest)
        assert harvest.command("trash", "restore", "1").code == 0
    with harvest.instance.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM person WHERE user_id = 'harvest'")
    harvest.instance.add_user(USER, PASSWORD)
    third = Harvest(tmp_path / "third")
    with harvest.instance.served() as url:
        third.section("DS1", url)
        third.init()
        result = third.run()
        assert result.code == 0, result.output
    assert third.instance.entities() == harvest.instance.entities()
    assert third.instance.bytes_held() == harvest.instance.bytes_held()
    assert len(third.instance.entities()) == len(kitchen.everything)
    assert hashed()
    third.instance.engine.dispose()


@pytest.mark.usefixtures("harvested")
def test_the_trash_is_listed_for_people_and_programs(
    source: Instance, kitchen: Kitchen, either: Harvest
) -> None:
    source.delete(kitchen.of_well, kitchen.flour)
    either.converges()
    (one,) = json.loads(either.command("trash", "list", "--json").output)
    assert one["section"] == "DS1"
    assert one["run"] == 2
    assert one["counts"] == {"DATA_SET": 1, "MATERIAL": 1}
    assert one["bytes"] == kitchen.of_well.files[0].length
    assert one["purged_on"][:10] > one["deleted"][:10]
    table = either.command("trash", "list", "--section", "DS1")
    assert "1 DATA_SET, 1 MATERIAL" in table.output
    assert either.command("trash", "list", "--section", "OTHER").code == 2
    items = either.command("trash", "list", str(one["number"]))
    assert items.output.splitlines() == [
        f"DATA_SET {kitchen.of_well.code} {kitchen.of_well.code}",
        f"MATERIAL {kitchen.flour.perm_id} {kitchen.flour.perm_id}",
    ]
    assert json.loads(either.command("trash", "list", str(one["number"]), "--json").output)[0] == {
        "kind": "DATA_SET",
        "perm_id": kitchen.of_well.code,
        "identifier": kitchen.of_well.code,
    }
    unknown = either.command("trash", "list", "99")
    assert (unknown.code, "there is no deletion 99" in unknown.output) == (2, True)


@pytest.mark.usefixtures("harvested")
def test_a_part_is_restored_with_what_it_needs(
    source: Instance, kitchen: Kitchen, either: Harvest
) -> None:
    delete_all(source, kitchen, either)
    number, code = str(ids(either)[0]), kitchen.of_well.code
    alone = either.command("trash", "restore", number, "--perm-id", code)
    assert alone.code == 7
    assert f"not restored: DATA_SET {code}: lies in SAMPLE /ALPHA/PLATE-A:A01" in alone.output
    assert "--with-containers" in alone.output
    assert either.instance.entities() == {}
    both = either.command("trash", "restore", number, "--perm-id", code, "--with-containers")
    assert both.code == 0, both.output
    assert "1 SAMPLE restored" in both.output
    assert {kind for kind, _ in either.instance.entities()} == {
        *(Kind.SPACE, Kind.SAMPLE, Kind.DATA_SET)
    }
    assert mismatches(either.instance) == []
    either.agrees()
    for wrong, text in (
        (["--perm-id", "NONE"], "does not have NONE"),
        (["--kind", "FILE", "--perm-id", code], f"does not have FILE {code}"),
        (["--kind", "DATA_SET", "--perm-id", code], f"does not have DATA_SET {code}"),
    ):
        result = either.command("trash", "restore", number, *wrong)
        assert (result.code, text in result.output) == (2, True), result.output


@pytest.mark.usefixtures("harvested")
def test_what_is_here_again_or_lost_its_files_is_refused_by_name(
    source: Instance, kitchen: Kitchen, either: Harvest
) -> None:
    source.delete(kitchen.raw, kitchen.of_well, kitchen.flour)
    either.converges()
    number = str(ids(either)[0])
    source.load(kitchen.flour)
    either.converges()
    shutil.rmtree(either.instance.store.trashed_data_set(int(number), kitchen.raw.code))
    result = either.command("trash", "restore", number)
    assert result.code == 7
    assert f"MATERIAL {kitchen.flour.perm_id}: is here again, from section DS1" in result.output
    assert f"DATA_SET {kitchen.raw.code}: its files are not in the trash" in result.output
    assert "1 DATA_SET restored" in result.output
    assert either.command("trash", "purge", number).code == 0
    assert mismatches(either.instance) == []


@pytest.mark.usefixtures("harvested")
def test_a_file_that_lies_where_one_would_be_restored_is_not_overwritten(
    source: Instance, kitchen: Kitchen, either: Harvest
) -> None:
    delete_all(source, kitchen, either)
    place = either.root / "file-service" / kitchen.picture.path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"somebody's own")
    result = either.command("trash", "restore", str(ids(either)[0]))
    assert result.code == 7
    assert f"{place} is there already, and no section knows of it" in result.output
    assert place.read_bytes() == b"somebody's own"


@pytest.mark.usefixtures("harvested")
def test_what_is_older_than_the_retention_is_purged_by_the_next_run(
    source: Instance, kitchen: Kitchen, either: Harvest
) -> None:
    source.delete(kitchen.of_well)
    either.converges()
    age(either, 20)
    source.delete(kitchen.flour, kitchen.raw)
    either.converges()
    older, younger = sorted(ids(either))
    assert len(in_trash(either.instance)) == 3
    age(either, 9)
    either.converges()
    assert sorted(ids(either)) == [older, younger]
    age(either, 2)
    assert either.run("--dry-run").code == 0
    assert sorted(ids(either)) == [older, younger]
    either.converges()
    assert ids(either) == [younger]
    assert not either.instance.store.trash(older).exists()
    assert mismatches(either.instance) == []


def test_without_retention_nothing_is_kept_and_what_was_kept_goes(
    source: Instance, kitchen: Kitchen, harvested: str, either: Harvest
) -> None:
    source.delete(kitchen.of_well)
    either.converges()
    assert len(ids(either)) == 1
    either.section("DS1", harvested, deletion_allowed="true", trash_retention_days="0")
    delete_all(source, kitchen, either)
    assert ids(either) == []
    assert in_trash(either.instance) == {}
    assert either.instance.bytes_held() == {}
    assert mismatches(either.instance) == []
    undone = "SELECT name FROM file_removal UNION ALL SELECT name FROM file_move"
    assert either.instance.rows(undone) == []


@pytest.mark.usefixtures("harvested")
def test_the_operator_purges_what_is_named_or_old(
    source: Instance, kitchen: Kitchen, either: Harvest
) -> None:
    for gone in (kitchen.of_well, kitchen.flour, kitchen.raw):
        source.delete(gone)
        either.converges()
    first, second, third = sorted(ids(either))
    either.instance.execute(f"UPDATE deletion SET deleted = deleted - {8 * DAY} WHERE id = {third}")  # noqa: S608
    assert either.command("trash", "purge").code == 2
    assert either.command("trash", "purge", str(first), "99").code == 2
    assert sorted(ids(either)) == [first, second, third]
    assert f"deletion {first} is purged" in either.command("trash", "purge", str(first)).output
    purged = either.command("trash", "purge", "--older-than", "7 d")
    assert f"deletion {third} is purged" in purged.output
    assert ids(either) == [second]
    assert "nothing to purge" in either.command("trash", "purge", "--older-than", "7 d").output
    assert in_trash(either.instance) == {}
    assert mismatches(either.instance) == []


def test_an_age_that_is_none_is_refused(harvest: Harvest) -> None:
    with pytest.raises(SystemExit) as ended:
        harvest.command("trash", "purge", "--older-than", "soon")
    assert ended.value.code == 2


@contextmanager
def busy(harvest: Harvest, url: str | None = None) -> Iterator[None]:
    engine = connect(url or f"sqlite:///{harvest.root}/instance.db")
    with engine.connect() as connection, section_lock(connection, "DS1") as held:
        assert held
        yield
    engine.dispose()


def test_while_somebody_is_at_work_the_trash_is_left_alone(
    source: Instance, kitchen: Kitchen, harvest: Harvest
) -> None:
    with source.served() as url:
        harvest.section("DS1", url, deletion_allowed="true")
        harvest.init()
        assert harvest.run().code == 0
        source.delete(kitchen.flour)
        assert harvest.run().code == 0
    harvest.instance.execute(
        "INSERT INTO run (source, section, dry_run, baseline, started, worker, bytes)"
        " VALUES ('DS1', 'DS1', FALSE, FALSE, 1, 'process 7 on moon', 0)"
    )
    before = harvest.instance.content()
    with busy(harvest):
        for command in (["restore", "1"], ["purge", "1"]):
            result = harvest.command("trash", *command)
            assert result.code == 11
            assert "process 7 on moon (run 3) is at work on this section" in result.output
    assert harvest.instance.content() == before
    assert harvest.command("trash", "restore", "1").code == 0


def test_what_a_section_brought_that_is_no_more_can_be_restored_and_purged(
    source: Instance, kitchen: Kitchen, harvest: Harvest
) -> None:
    with source.served() as url:
        harvest.section("DS1", url, deletion_allowed="true")
        harvest.init()
        assert harvest.run().code == 0
        source.delete(kitchen.of_well, kitchen.raw)
        assert harvest.run().code == 0
        del harvest.sections["DS1"]
        harvest.section("OTHER", url)
    (listed,) = json.loads(harvest.command("trash", "list", "--json").output)
    assert (listed["section"], listed["purged_on"]) == ("DS1", None)
    code = kitchen.of_well.code
    assert harvest.command("trash", "restore", "1", "--perm-id", code).code == 0
    assert harvest.command("trash", "purge", "1").code == 0
    assert mismatches(harvest.instance) == []


def test_a_section_whose_settings_are_wrong_keeps_its_trash(
    source: Instance, kitchen: Kitchen, harvest: Harvest
) -> None:
    with source.served() as url:
        harvest.section("DS1", url, deletion_allowed="true")
        harvest.init()
        assert harvest.run().code == 0
        source.delete(kitchen.of_well)
        assert harvest.run().code == 0
        harvest.section("OTHER", url)
        harvest.section("DS1", url, deletion_allowed="perhaps")
    result = harvest.command("trash", "restore", "1")
    assert result.code == 2
    assert "the settings of section [DS1] cannot be read; correct them first" in result.output


def test_a_data_set_goes_to_another_file_system_and_comes_back(
    source: Instance, kitchen: Kitchen, harvest: Harvest, tmp_path: Path
) -> None:
    """The share lies elsewhere: there is no renaming then."""
    elsewhere = Path("/dev/shm") / f"openbis-sync-{os.getpid()}-{tmp_path.name}"  # noqa: S108
    if not elsewhere.parent.is_dir() or elsewhere.parent.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system")
    try:
        for name in ("share", "file-service"):
            (elsewhere / name).mkdir(parents=True)
        harvest.root.joinpath("store").mkdir()
        harvest.root.joinpath("file-service").symlink_to(elsewhere / "file-service")
        with source.served() as url:
            harvest.section("DS1", url, deletion_allowed="true")
            harvest.init()
            assert harvest.run().code == 0
            contents = harvest.instance.bytes_held()
            share = harvest.root / "store" / "1"
            shutil.copytree(share, elsewhere / "share", dirs_exist_ok=True)
            shutil.rmtree(share)
            share.symlink_to(elsewhere / "share")
            delete_all(source, kitchen, harvest)
            assert [p for p in elsewhere.rglob("*") if p.is_file()] == []
            assert len(in_trash(harvest.instance)) == 4
            assert harvest.command("trash", "restore", "1").code == 0
            assert harvest.instance.bytes_held() == contents
            assert in_trash(harvest.instance) == {}
            harvest.agrees()
    finally:
        shutil.rmtree(elsewhere)


def test_two_deletions_of_the_same_thing_lie_side_by_side(
    source: Instance, kitchen: Kitchen, harvest: Harvest
) -> None:
    with source.served() as url:
        harvest.section("DS1", url, deletion_allowed="true")
        harvest.init()
        assert harvest.run().code == 0
        original = kitchen.of_well
        for content in (b"second", b"third"):
            source.delete(original)
            harvest.converges()
            source.load(replace(original, files=(source.put_file(original.code, "a", content),)))
            harvest.converges()
        source.delete(original)
        harvest.converges()
        latest, middle, first = ids(harvest)
        assert {path: len(content) for path, content in in_trash(harvest.instance).items()} == {
            f"{first}/{original.code}/original/big.bin": 65536,
            f"{middle}/{original.code}/a": 6,
            f"{latest}/{original.code}/a": 5,
        }
        assert harvest.command("trash", "restore", str(middle)).code == 0
        assert harvest.instance.bytes_held()[f"{original.code}/a"] == b"second"
        harvest.agrees()
        assert harvest.command("trash", "restore", str(latest)).code == 7
    assert mismatches(harvest.instance) == []


def test_a_file_that_another_section_brings_meanwhile_is_not_taken_away(
    source: Instance, harvest: Harvest, tmp_path: Path
) -> None:
    """Between the commit of a deletion and its files' way to the trash, two sections may meet."""
    mention = {"NOTES": '"openbis/file-service/a.txt"'}
    source.load(some_master_data(), a_space(), a_material(8), a_material(9))
    source.load(a_sample(1, properties=mention), a_sample(2), a_service_file("a.txt"))
    source.add_user()
    with source.served() as url:
        harvest.section("DS1", url, deletion_allowed="true")
        harvest.init()
        assert harvest.run().code == 0
        source.delete(a_sample(1))
        harvest.converges()
        assert "1/files/a.txt" in in_trash(harvest.instance)
        harvest.instance.execute("INSERT INTO service_file VALUES ('a.txt', 'DS2', 1, 11, 'x')")
        place = harvest.root / "file-service" / "a.txt"
        place.write_bytes(b"hello world")
        harvest.instance.execute(
            "INSERT INTO file_move (source, area, name, goal, deletion)"
            " VALUES ('DS1', 'FILE', 'a.txt', 'TRASH', 1)"
        )
        (harvest.instance.store.trashed_service_file(1, "a.txt")).unlink()
        harvest.converges()
    assert place.read_bytes() == b"hello world"
    assert in_trash(harvest.instance)["1/files/a.txt"] == b"hello world"
    assert tmp_path.exists()
