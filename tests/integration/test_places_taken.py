"""What lies in the place of a data set, and no row says what it is, is not deleted: for one, after
a database was restored from an older backup."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.model.unknown import Reason
from tests.support.faults.blind_source import BlindHarvest, digests, without_files, without_marks
from tests.support.instances.builders import a_data_set, perm_id
from tests.support.instances.full_instance import TRIAL, FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance

CUT = without_marks(without_files(Reason.BAD_NAME, shown=1))


@pytest.fixture
def restored(source: Instance, full_instance: FullInstance, either: Harvest) -> Iterator[Harvest]:
    """The files of the data sets are here, and the database is older than they are."""
    assert full_instance.everything
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        assert either.run().code == 0
        for table in ("data_set_file", "entity WHERE kind = 'DATA_SET'"):
            either.instance.execute(f"DELETE FROM {table}")  # noqa: S608
        yield either


def set_aside(harvest: Harvest) -> list[str]:
    folder = harvest.instance.store.root / "set-aside"
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_what_a_list_does_not_show_any_more_is_set_aside(restored: Harvest) -> None:
    before = digests(restored.instance)
    report = BlindHarvest(restored).run(CUT)
    assert report.failed == []
    assert any("not deleted, but set aside" in remark for remark in report.remarks)
    assert set(before.values()) <= set(digests(restored.instance).values())
    assert set_aside(restored) == ["digits + 1%.txt", "hello.txt"]


def test_nothing_is_set_aside_if_all_of_it_has_come(restored: Harvest) -> None:
    before = digests(restored.instance)
    assert restored.run().code == 0
    assert digests(restored.instance) == before
    assert set_aside(restored) == []
    restored.converges()


def test_what_a_person_has_put_there_is_set_aside(
    restored: Harvest, full_instance: FullInstance
) -> None:
    place = restored.instance.store.data_set_folder(full_instance.raw.code)
    (place / "notes").mkdir()
    (place / "notes" / "mine.txt").write_text("mine")
    result = restored.run()
    assert result.code == 0
    assert "not deleted, but set aside" in result.output + restored.log("DS1")
    assert "mine.txt" in set_aside(restored)
    restored.agrees()


@pytest.mark.parametrize("kind", ["link", "file"])
def test_what_is_no_folder_is_set_aside(
    restored: Harvest, full_instance: FullInstance, kind: str
) -> None:
    place = restored.instance.store.data_set_folder(full_instance.raw.code)
    elsewhere = restored.root / "elsewhere"
    place.rename(elsewhere)
    if kind == "link":
        place.symlink_to(elsewhere)
    else:
        place.write_text("mine")
    assert restored.run().code == 0
    (aside,) = (restored.instance.store.root / "set-aside").glob(
        f"*/DATA_SET/{full_instance.raw.code}"
    )
    assert aside.is_symlink() if kind == "link" else aside.read_text() == "mine"
    assert (elsewhere / "original" / "run" / "hello.txt").is_file()
    restored.agrees()


@pytest.mark.parametrize("shown", ["unchanged", "changed"])
def test_what_neither_row_nor_list_has_is_set_aside(
    source: Instance, full_instance: FullInstance, either: Harvest, shown: str
) -> None:
    """The database is from before two files came, and the list shows one of them."""
    assert full_instance.everything
    code = perm_id(70)
    files = {name: source.put_file(code, f"original/{name}", name.encode()) for name in "abc"}
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        source.load(a_data_set(70, experiment=TRIAL, files=tuple(files.values())))
        assert either.run().code == 0
        before = digests(either.instance)
        for name in "bc":
            either.instance.execute(
                f"DELETE FROM data_set_file WHERE path = 'original/{name}'"  # noqa: S608
            )
        if shown == "changed":
            files["b"] = source.put_file(code, "original/b", b"another")
        source.load(a_data_set(70, experiment=TRIAL, files=(files["a"], files["b"])))
        result = either.run()
        assert result.code == 0, result.output
        assert "not deleted, but set aside" in result.output + either.log()
        assert set(before.values()) <= set(digests(either.instance).values())
        assert "c" in set_aside(either)
        either.agrees()
