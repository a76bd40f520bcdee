"""The folder of a list that is being read: nobody else's is touched, and nothing stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harvester.openbis.section import SectionConfig
from harvester.openbis.source.spool import spool
from tests.support.instances.settings_files import section_of


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
    abandoned = config.harvester_tmp_dir / "list-abandone"
    others = config.harvester_tmp_dir / "DS1"
    files = abandoned / "list-0abc_def.xml", others / "file"
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text("...")
    with spool(config) as first:
        assert not abandoned.exists()
        (first / "list.xml").write_text("...")
        with spool(config) as second:
            assert first != second
            assert (first / "list.xml").exists()
        assert not second.exists()
    assert (others / "file").exists()


def test_a_folder_that_only_looks_like_an_abandoned_list_stays(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    same_name, longer_name = "list-abandone/data.bin", "list-of-things/list-0abc_def.xml"
    for name in (same_name, longer_name):
        file = config.harvester_tmp_dir / name
        file.parent.mkdir(parents=True)
        file.write_text("...")
    with spool(config):
        pass
    assert (config.harvester_tmp_dir / same_name).exists()
    assert (config.harvester_tmp_dir / longer_name).exists()


def test_sections_that_share_a_folder_do_not_take_each_others_lists(tmp_path: Path) -> None:
    config = config_in(tmp_path)

    def use(_: int) -> str:
        with spool(config) as folder:
            (folder / "list.xml").write_text("a list")
            return (folder / "list.xml").read_text()

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(use, range(600))) == {"a list"}
    assert not list(config.harvester_tmp_dir.glob("list-*"))
