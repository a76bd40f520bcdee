"""What clears a folder removes only what it made itself, wherever a wrong setting has put it."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from harvester.daemon.next_date import write_next_date
from harvester.http.partials import Partials
from harvester.logs.log_files import LogFileHandler
from harvester.openbis.destination.file_work import EMPTY_TRASH, StoreFiles
from harvester.openbis.not_synced import NotSynced, write_not_synced
from harvester.openbis.state import read_state
from harvester.openbis.transfers.leftovers import Leftovers
from opendcim.repository.picture_store import PictureStore
from shared.errors import ConfigError
from shared.store.files import DataStore

UUID = "0D4B1BBE-0D4A-4CDA-9F52-0B29B2E38CF7"
YEARS = timedelta(days=3650).total_seconds()
ASIDE = f"D1.{'0' * 32}"


def a_store(root: Path, temporary: Path) -> DataStore:
    return DataStore(root=root, uuid=UUID, service_root=root.parent / "files", temporary=temporary)


def a_file(path: Path, text: str = "precious") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def all_files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_clearing_a_share_loses_no_data_set(tmp_path: Path) -> None:
    root = tmp_path / "store"
    store = a_store(root, root / "1")
    kept = a_file(store.data_set_folder("D1") / "original" / "data.bin")
    lying = a_file(root / "1" / "notes.txt"), a_file(root / "1" / "D1.old" / "x")
    abandoned = a_file(root / "1" / ASIDE / "x")
    store.clear_temporary()
    assert kept.read_text() == "precious"
    assert all(file.exists() for file in lying)
    assert not abandoned.parent.exists()


def test_a_link_is_not_followed_when_the_work_folder_is_cleared(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store", tmp_path / "store" / "temp" / "DS1")
    kept = a_file(tmp_path / "elsewhere" / "data.bin")
    store.temporary.mkdir(parents=True)
    (store.temporary / ASIDE).symlink_to(kept.parent, target_is_directory=True)
    store.clear_temporary()
    assert kept.exists()


def a_replacement(tmp_path: Path, *, in_place: bool) -> DataStore:
    """It was killed on the way: before, or after it has put the new files in place."""
    store = a_store(tmp_path / "store", tmp_path / "store" / "temp" / "DS1")
    store.data_set_folder("D1").parent.mkdir(parents=True)
    a_file(store.temporary / "D1.replaced" / "data.bin", "old")
    a_file((store.data_set_folder("D1") if in_place else store.temporary / ASIDE) / "x", "new")
    return store


@pytest.mark.parametrize("unwritten", [(), ("D1",)])
def test_a_data_set_that_was_being_replaced_gets_its_files_back(
    tmp_path: Path, unwritten: tuple[str, ...]
) -> None:
    store = a_replacement(tmp_path, in_place=False)
    store.end_replacements(unwritten)
    assert (store.data_set_folder("D1") / "data.bin").read_text() == "old"
    assert all_files(store.temporary) == {f"{ASIDE}/x"}
    store.clear_temporary()
    assert all_files(store.temporary) == set()


def test_what_is_replaced_and_written_goes(tmp_path: Path) -> None:
    store = a_replacement(tmp_path, in_place=True)
    store.end_replacements(["D2"])
    assert all_files(store.data_set_folder("D1")) == {"x"}
    assert all_files(store.temporary) == set()


def test_what_is_replaced_and_not_written_comes_back_and_the_new_can_be_taken_over(
    tmp_path: Path,
) -> None:
    store = a_replacement(tmp_path, in_place=True)
    for _ in range(2):  # it may be killed, too
        store.end_replacements(["D1"])
        assert all_files(store.data_set_folder("D1")) == {"data.bin"}
    assert [path.read_text() for path in store.temporary.rglob("x")] == ["new"]
    leftovers = Leftovers(tmp_path / "kept")
    leftovers.collect(store.temporary)
    assert [path.read_text() for path in (tmp_path / "kept").rglob("x")] == ["new"]


def test_nothing_is_put_back_into_a_share_that_is_not_mounted(tmp_path: Path) -> None:
    store = a_replacement(tmp_path, in_place=False)
    shutil.rmtree(store.root / "1")
    (store.root / "1").mkdir()
    with pytest.raises(ConfigError, match="is it not mounted"):
        store.end_replacements([])
    assert (store.temporary / "D1.replaced" / "data.bin").read_text() == "old"


def test_files_come_back_to_the_share_in_which_they_were(tmp_path: Path) -> None:
    store = a_replacement(tmp_path, in_place=False)
    (store.root / "1").rename(store.root / "2")
    store.end_replacements([])
    assert store.data_set_folder("D1").parts[-7:-5] == ("store", "2")
    assert (store.data_set_folder("D1") / "data.bin").read_text() == "old"


def test_tidying_removes_only_beginnings_and_folders_aside(tmp_path: Path) -> None:
    foreign = "harvester.db", "D2/data.bin", f"{'0' * 40}.txt", "list.xml"
    own = f"{'a' * 40}", f"{'a' * 40}.validator", f"{ASIDE}/data.bin"
    for name in (*foreign, *own):
        a_file(tmp_path / name)
    for later in (Partials(tmp_path), Leftovers(tmp_path)):
        later.tidy(all_is_here=True, now=time.time() + YEARS)
    assert all_files(tmp_path) == set(foreign)


def test_a_trash_folder_that_the_database_does_not_know_keeps_its_files(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store", tmp_path / "store" / "temp")
    kept = a_file(store.trash(13) / "D1" / "data.bin")
    (store.trash(13) / "D2" / "original").mkdir(parents=True)
    store.trash(14).mkdir()
    for deletion in (13, 14):
        StoreFiles(store).remove(EMPTY_TRASH, str(deletion))
    assert kept.read_text() == "precious"
    assert [path.name for path in (store.root / "trash").iterdir()] == ["13"]
    assert [path.name for path in store.trash(13).iterdir()] == ["D1"]


def test_pictures_are_tidied_by_their_names(tmp_path: Path) -> None:
    foreign = "ab/harvester.db", "ab/" + "c" * 64, "1a/data.bin"
    own = "ab/ab" + "0" * 62, "ab/tmp0abc_def.part"
    for name in (*foreign, *own):
        a_file(tmp_path / name)
    removed = PictureStore(tmp_path, largest=1).remove_others((), older_than=time.time() + YEARS)
    assert (removed, all_files(tmp_path)) == (2, set(foreign))


def a_database(path: Path) -> bytes:
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE precious (a)")
    engine.dispose()
    return path.read_bytes()


def test_no_file_of_a_section_is_written_over_a_database(tmp_path: Path) -> None:
    file = tmp_path / "harvester.db"
    before = a_database(file)
    with pytest.raises(ConfigError, match="not-synced-entities-file names it"):
        write_not_synced(file, NotSynced())
    with pytest.raises(ConfigError, match=r"harvester\.db:1: the file has the character U\+0000"):
        read_state(file)
    with pytest.raises(OSError, match="something that is no log"):
        LogFileHandler(file)
    write_next_date(file, datetime(2026, 3, 5, tzinfo=UTC), UTC)
    assert file.read_bytes() == before


@pytest.mark.parametrize("text", ["[DS1]\nmax-threads = 3\n", "database-url = sqlite:///a.db\n"])
def test_a_settings_file_is_no_list_of_failed_items(tmp_path: Path, text: str) -> None:
    file = a_file(tmp_path / "h.txt", text)
    with pytest.raises(ConfigError, match="correct not-synced-entities-file"):
        write_not_synced(file, NotSynced())
    assert file.read_text() == text
