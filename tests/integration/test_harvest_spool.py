"""The folder of a list that is being read: nobody else's is touched, and nothing stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harvester.config import SectionConfig
from harvester.fetching.spool import spool
from tests.harvester_files import section_of


def config_in(folder: Path) -> SectionConfig:
    return section_of(folder).model_copy(update={"harvester_tmp_dir": folder / "store" / "temp"})


def test_folders_that_had_to_be_made_vanish_again(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    with spool(config) as folder:
        assert folder.parent == config.harvester_tmp_dir
        (folder / "list.xml").write_text("...")
    assert not (tmp_path / "store").exists()


def test_what_a_killed_program_left_goes_and_what_another_one_uses_stays(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    abandoned = config.harvester_tmp_dir / "list-abandoned"
    others = config.harvester_tmp_dir / "DS1"
    for folder in (abandoned, others):
        folder.mkdir(parents=True)
        (folder / "file").write_text("...")
    with spool(config) as first:
        assert not abandoned.exists()
        (first / "list.xml").write_text("...")
        with spool(config) as second:
            assert first != second
            assert (first / "list.xml").exists()
        assert not second.exists()
    assert (others / "file").exists()


def test_sections_that_share_a_folder_do_not_take_each_others_lists(tmp_path: Path) -> None:
    config = config_in(tmp_path)

    def use(_: int) -> str:
        with spool(config) as folder:
            (folder / "list.xml").write_text("a list")
            return (folder / "list.xml").read_text()

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(use, range(600))) == {"a list"}
    assert not list(config.harvester_tmp_dir.glob("list-*"))
