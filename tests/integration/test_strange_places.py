"""Links and files where the data store has folders: named by item, never followed, no hindrance."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.store.files import DataStore
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance


def as_link(place: Path, elsewhere: Path) -> None:
    shutil.move(place, elsewhere)
    place.symlink_to(elsewhere)


def as_dangling_link(place: Path, elsewhere: Path) -> None:
    shutil.move(place, elsewhere)
    place.symlink_to(elsewhere / "nowhere")


def as_file(place: Path, elsewhere: Path) -> None:
    shutil.move(place, elsewhere)
    place.write_text("a note")


@pytest.mark.parametrize("spoil", [as_link, as_dangling_link, as_file])
def test_what_lies_in_the_place_of_a_data_set_is_told_and_set_aside(
    source: Instance,
    full_instance: FullInstance,
    harvest: Harvest,
    tmp_path: Path,
    spoil: Callable[[Path, Path], None],
) -> None:
    code = full_instance.raw.code
    with source.served() as url:
        harvest.section("DS1", url, full_sync="true", full_sync_interval="0")
        harvest.init()
        harvest.converges()
        place = harvest.instance.store.data_set_folder(code)
        spoil(place, tmp_path / "elsewhere")
        (tmp_path / "elsewhere" / "original" / "run" / "hello.txt").unlink()
        audit = harvest.audit()
        run = harvest.run()
    assert audit.code == 9
    assert f"DATA_SET {code}: file original/run/hello.txt" in audit.output
    assert run.code == 0
    (folder,) = (harvest.instance.store.root / "set-aside").iterdir()
    aside = folder / "DATA_SET" / code
    assert aside.is_symlink() or aside.read_text() == "a note"
    assert (tmp_path / "elsewhere" / "original").is_dir()
    assert place.is_dir()
    assert not place.is_symlink()
    assert (place / "original" / "run" / "hello.txt").is_file()


def test_a_link_that_leads_out_of_a_data_set_is_told_by_item(
    source: Instance, full_instance: FullInstance, harvest: Harvest, tmp_path: Path
) -> None:
    code = full_instance.raw.code
    with source.served() as url:
        harvest.section("DS1", url, full_sync="true", full_sync_interval="0")
        harvest.init()
        harvest.converges()
        folder = harvest.instance.store.data_set_folder(code) / "original"
        as_link(folder, tmp_path / "elsewhere")
        audit = harvest.audit()
        assert audit.code == 9
        assert f"DATA_SET {code}: file original/run/hello.txt cannot be read" in audit.output
        harvest.converges()
    assert not folder.is_symlink()
    assert (tmp_path / "elsewhere" / "run" / "hello.txt").is_file()


def test_a_folder_of_the_file_service_that_leads_out_is_told_by_item(
    source: Instance, full_instance: FullInstance, harvest: Harvest, tmp_path: Path
) -> None:
    with source.served() as url:
        harvest.section("DS1", url, full_sync="true", full_sync_interval="0")
        harvest.init()
        harvest.converges()
        folder = harvest.instance.store.service_file(full_instance.picture.path).parent
        as_link(folder, tmp_path / "elsewhere")
        audit = harvest.audit()
    assert audit.code == 9
    assert f"FILE {full_instance.picture.path}: cannot be read in the data store" in audit.output


def a_store(folder: Path) -> DataStore:
    return DataStore(folder / "store", "UUID", folder / "service", folder / "store" / "temp")


def test_a_link_in_the_place_of_a_data_set_is_removed_and_not_followed(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    place = store.data_set_folder("D1")
    place.parent.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.txt").write_text("kept")
    place.symlink_to(tmp_path / "elsewhere")
    store.remove_data_set("D1")
    assert not place.is_symlink()
    assert (tmp_path / "elsewhere" / "a.txt").read_text() == "kept"


def test_a_file_in_the_place_of_a_data_set_or_of_its_folder_is_no_data_set(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    place = store.data_set_folder("D1")
    place.parent.mkdir(parents=True)
    place.write_text("a note")
    store.remove_data_set("D1")
    assert place.read_text() == "a note"
    place.unlink()
    place.parent.rmdir()
    place.parent.write_text("another note")
    store.remove_data_set("D1")
    assert place.parent.read_text() == "another note"


def test_a_temporary_folder_may_be_a_link_and_nothing_else_goes_there(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    store.root.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.txt").write_text("kept")
    store.temporary.symlink_to(tmp_path / "elsewhere")
    store.clear_temporary()
    assert (tmp_path / "elsewhere" / "a.txt").read_text() == "kept"
