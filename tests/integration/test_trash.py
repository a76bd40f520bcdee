"""What was deleted can be seen in the trash, and comes back as it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.model.kinds import Kind
from tests.support.instances.files_and_rows import mismatches
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import PASSWORD, USER, Instance
from tests.support.worlds.losing_source import delete_all, deletion_numbers, harvested_from


@pytest.fixture
def harvested(source: Instance, full_instance: FullInstance, either: Harvest) -> Iterator[str]:
    """The full instance is here; the URL of the source."""
    assert full_instance.everything
    with harvested_from(source, either) as url:
        yield url


@pytest.mark.usefixtures("harvested")
def test_everything_can_be_restored_as_it_was_and_stays_in_the_next_run(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    before, contents = either.instance.tables(), either.instance.bytes_held()
    delete_all(source, full_instance, either)
    assert either.instance.bytes_held() == {}
    assert mismatches(either.instance) == []
    (number,) = deletion_numbers(either)
    restored = either.command("trash", "restore", str(number))
    assert restored.code == 0, restored.output
    assert "4 DATA_SET restored" in restored.output
    assert "'harvester trash follow' ends that" in restored.output
    assert either.instance.tables() == before
    assert either.instance.bytes_held() == contents
    assert mismatches(either.instance) == []
    assert deletion_numbers(either) == []
    result = either.run()
    assert result.code == 0, result.output
    assert "not on the data source, but stays, because it was restored from the trash" in (
        result.output
    )
    assert either.instance.tables() == before
    either.agrees()  # what the operator restored is no difference
    listed = either.command("trash", "list", "--restored")
    assert len(listed.output.splitlines()) == len(full_instance.everything) + 1


@pytest.mark.usefixtures("harvested")
def test_a_mark_ends_when_the_source_has_it_again(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    delete_all(source, full_instance, either)
    assert either.command("trash", "restore", *map(str, deletion_numbers(either))).code == 0
    source.load(*full_instance.everything)
    for code, path, content in (
        (full_instance.raw.code, "original/digits + 1%.txt", b"123456789"),
        (full_instance.raw.code, "original/run/hello.txt", b"hello world"),
    ):
        source.put_file(code, path, content)
    either.converges()
    assert either.instance.rows("SELECT * FROM restored") == []
    assert either.instance.entities() == source.entities()
    source.delete(full_instance.flour)
    either.converges()
    assert (Kind.MATERIAL, full_instance.flour.perm_id) not in either.instance.entities()


@pytest.mark.usefixtures("harvested")
def test_what_follows_its_source_again_goes_with_the_next_run(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    source.delete(full_instance.flour, full_instance.of_well)
    either.converges()
    (number,) = deletion_numbers(either)
    assert either.command("trash", "restore", str(number)).code == 0
    assert either.command("trash", "follow").code == 2
    assert either.command("trash", "follow", "--kind", "SPACE").code == 2
    followed = either.command("trash", "follow", "--perm-id", full_instance.of_well.code)
    assert f"DATA_SET {full_instance.of_well.code}" in followed.output
    either.converges()
    assert full_instance.of_well.code not in either.instance.codes(Kind.DATA_SET)
    assert full_instance.flour.perm_id in either.instance.codes(Kind.MATERIAL)
    assert len(deletion_numbers(either)) == 1
    assert mismatches(either.instance) == []


def test_what_was_restored_is_published_again_with_its_files(
    source: Instance, full_instance: FullInstance, harvest: Harvest, tmp_path: Path
) -> None:
    """Another harvester brings it from the destination."""
    with harvested_from(source, harvest) as url:
        delete_all(source, full_instance, harvest)
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
    assert len(third.instance.entities()) == len(full_instance.everything)
    third.instance.engine.dispose()


@pytest.mark.usefixtures("harvested")
def test_the_trash_is_listed_for_people_and_programs(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    source.delete(full_instance.of_well, full_instance.flour)
    either.converges()
    (one,) = json.loads(either.command("trash", "list", "--json").output)
    assert one["section"] == "DS1"
    assert one["run"] == 2
    assert one["counts"] == {"DATA_SET": 1, "MATERIAL": 1}
    assert one["bytes"] == full_instance.of_well.files[0].length
    assert one["purged_on"][:10] > one["deleted"][:10]
    table = either.command("trash", "list", "--section", "DS1")
    assert "1 DATA_SET, 1 MATERIAL" in table.output
    assert either.command("trash", "list", "--section", "OTHER").code == 2
    items = either.command("trash", "list", str(one["number"]))
    assert items.output.splitlines() == [
        f"DATA_SET {full_instance.of_well.code} {full_instance.of_well.code}",
        f"MATERIAL {full_instance.flour.perm_id} {full_instance.flour.perm_id}",
    ]
    assert json.loads(either.command("trash", "list", str(one["number"]), "--json").output)[0] == {
        "kind": "DATA_SET",
        "perm_id": full_instance.of_well.code,
        "identifier": full_instance.of_well.code,
    }
    unknown = either.command("trash", "list", "99")
    assert (unknown.code, "there is no deletion 99" in unknown.output) == (2, True)


@pytest.mark.usefixtures("harvested")
def test_a_part_is_restored_with_what_it_needs(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    delete_all(source, full_instance, either)
    number, code = str(deletion_numbers(either)[0]), full_instance.of_well.code
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
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    source.delete(full_instance.raw, full_instance.of_well, full_instance.flour)
    either.converges()
    number = str(deletion_numbers(either)[0])
    source.load(full_instance.flour)
    either.converges()
    shutil.rmtree(either.instance.store.trashed_data_set(int(number), full_instance.raw.code))
    result = either.command("trash", "restore", number)
    assert result.code == 7
    assert (
        f"MATERIAL {full_instance.flour.perm_id}: is here again, from section DS1" in result.output
    )
    assert f"DATA_SET {full_instance.raw.code}: its files are not in the trash" in result.output
    assert "1 DATA_SET restored" in result.output
    assert either.command("trash", "purge", number).code == 0
    assert mismatches(either.instance) == []


@pytest.mark.usefixtures("harvested")
def test_a_file_that_lies_where_one_would_be_restored_is_not_overwritten(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    delete_all(source, full_instance, either)
    place = either.root / "file-service" / full_instance.picture.path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"somebody's own")
    result = either.command("trash", "restore", str(deletion_numbers(either)[0]))
    assert result.code == 7
    assert f"{place} is there already, and no section knows of it" in result.output
    assert place.read_bytes() == b"somebody's own"


@pytest.mark.usefixtures("harvested")
def test_a_folder_that_lies_where_a_data_set_would_be_restored_is_not_replaced(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    delete_all(source, full_instance, either)
    place = either.instance.store.data_set_folder(full_instance.raw.code)
    place.mkdir(parents=True)
    place.joinpath("mine").write_bytes(b"somebody's own")
    number = str(deletion_numbers(either)[0])
    result = either.command("trash", "restore", number)
    assert result.code == 7
    assert f"DATA_SET {full_instance.raw.code}: {place} is there already" in result.output
    assert place.joinpath("mine").read_bytes() == b"somebody's own"
    place.rename(either.root / "away")
    assert either.command("trash", "restore", number).code == 0
    assert mismatches(either.instance) == []
