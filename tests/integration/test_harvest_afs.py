"""AFS data are harvested, follow their owner into the trash and back, and are published again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from shared.file_times import file_time, set_file_time
from shared.model.entities import Entity
from shared.model.kinds import Kind
from shared.store.rows import milliseconds
from tests.support.faults.faulty_source import answering, replaced
from tests.support.instances.afs import AFS_TYPE, edited, put_afs
from tests.support.instances.builders import a_sample, a_space, some_master_data
from tests.support.instances.harvests import Harvest, Result
from tests.support.instances.instance import Instance
from tests.support.worlds.losing_source import deletion_numbers
from tests.support.worlds.passing_days import disorder

OWNER = a_sample(4)
CODE = OWNER.perm_id
NOTES, TABLE = "notes.txt", "run 1/größe & 1%.csv"
FIRST = {NOTES: (b"first notes", 0), TABLE: (b"1,2,3", 1)}
FOLDERS = ("later", "run 1/empty")


@dataclass(slots=True)
class Site:
    """A source with a sample that has AFS data, and a harvester; what was fetched is noted."""

    source: Instance
    harvest: Harvest
    fetched: list[str] = field(default_factory=list)

    def noting(self, app: Any) -> Any:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            _, here, path = scope.get("path", "").partition(f"/datastore_server/{CODE}/")
            if here:
                self.fetched.append(path)
            await app(scope, receive, send)

        return application

    def has(self, contents: dict[str, tuple[bytes, int]], *folders: str) -> Entity:
        """The source has this now."""
        return put_afs(self.source, OWNER, contents, folders)

    def runs(self, code: int = 0, *options: str) -> Result:
        self.fetched.clear()
        result = self.harvest.run(*options)
        assert result.code == code, result.output
        assert list(disorder(self.harvest.instance)) == []
        return result

    @property
    def folder(self) -> Path:
        return self.harvest.instance.store.data_set_folder(CODE)

    def is_here(self, contents: dict[str, tuple[bytes, int]], *folders: str) -> bool:
        """Files with their bytes and times, and all folders without files."""
        below = list(self.folder.rglob("*"))
        files = {
            str(path.relative_to(self.folder)): (path.read_bytes(), file_time(path))
            for path in below
            if path.is_file()
        }
        empty = [path for path in below if path.is_dir() and not any(path.iterdir())]
        wanted = {p: (b, milliseconds(edited(minutes))) for p, (b, minutes) in contents.items()}
        assert files == wanted
        assert sorted(str(path.relative_to(self.folder)) for path in empty) == sorted(folders)
        return True

    def stored(self) -> Entity | None:
        return self.harvest.instance.entities().get((Kind.DATA_SET, CODE))


@pytest.fixture
def site(source: Instance, harvest: Harvest) -> Site:
    plain = some_master_data()
    source.load(replace(plain, entity_types=(*plain.entity_types, AFS_TYPE)), a_space(), OWNER)
    source.add_user()
    return Site(source, harvest)


@contextmanager
def harvested(site: Site, **keys: str) -> Iterator[Entity]:
    """The source is served; all that it has is here."""
    with site.source.served(site.noting) as url:
        site.harvest.section("DS1", url, **({"deletion_allowed": "true"} | keys))
        site.harvest.init()
        data = site.has(FIRST, *FOLDERS)
        site.runs()
        yield data


def test_a_life_of_afs_data(site: Site) -> None:
    with harvested(site) as data:
        assert site.is_here(FIRST, *FOLDERS)
        assert site.stored() == data
        assert "AFS data sets ADDED" in site.harvest.log()
        site.harvest.agrees()

        # nothing changes
        result = site.runs()
        assert result.output.count(": nothing to do") == 3
        assert site.fetched == []
        assert "perm id" not in result.output

        # a file changes, in length or only in its time, and another one comes: the others stay
        second = FIRST | {NOTES: (b"other notes", 5), "new.txt": (b"new", 6)}
        site.has(second, *FOLDERS)
        site.runs()
        assert sorted(site.fetched) == ["new.txt", NOTES]
        assert site.is_here(second, *FOLDERS)
        site.harvest.agrees()
        (number,) = deletion_numbers(site.harvest)
        trash = site.harvest.instance.store.trashed_data_set(number, CODE)
        assert (trash / NOTES).read_bytes() == b"first notes"

        # a folder is emptied: its file stays until that is released
        third = {path: second[path] for path in (NOTES, "new.txt")}
        site.has(third, "run 1")
        assert "though people remove AFS data" in site.runs(8).output
        assert site.is_here(second)
        site.runs(0, "--allow-deletions")
        assert site.is_here(third, "run 1")
        site.harvest.agrees()

        # only its empty folders change
        site.has(third, "later")
        site.runs()
        assert site.fetched == []
        assert site.is_here(third, "later")

        # the owner is deleted, and comes back from the trash
        before = site.stored()
        site.source.delete(OWNER, data)
        site.runs(0, "--allow-deletions")
        assert site.stored() is None
        assert not site.folder.exists()
        number = deletion_numbers(site.harvest)[0]
        result = site.harvest.command("trash", "restore", str(number))
        assert result.code == 0, result.output
        assert site.stored() == before
        assert site.is_here(third, "later")


def test_what_an_edit_replaced_can_be_had_back(site: Site) -> None:
    with harvested(site):
        site.has({NOTES: (b"other notes", 5)} | {TABLE: FIRST[TABLE]}, "later", "run 1/empty")
        site.runs()
        (number,) = deletion_numbers(site.harvest)
        assert site.harvest.command("trash", "restore", str(number)).code == 0
        assert site.is_here(FIRST, *FOLDERS)
        assert list(disorder(site.harvest.instance)) == []


def test_what_is_a_folder_by_now_stays_in_the_trash(site: Site) -> None:
    with harvested(site):
        site.has({TABLE: FIRST[TABLE]}, NOTES)
        site.runs(0, "--allow-deletions")
        assert site.is_here({TABLE: FIRST[TABLE]}, NOTES)
        (number,) = deletion_numbers(site.harvest)
        result = site.harvest.command("trash", "restore", str(number))
        assert "is a file here and a folder in the trash, or the other way round" in result.output
        site.runs()


def test_where_deletions_are_forbidden_new_files_come_and_old_contents_stay(site: Site) -> None:
    with harvested(site, deletion_allowed="false"):
        site.has({NOTES: (b"other notes", 5), "new.txt": (b"new", 6)})
        assert "deletion-allowed is false" in site.runs().output
        assert site.fetched == ["new.txt"]
        assert site.is_here(FIRST | {"new.txt": (b"new", 6)})


def test_a_path_that_leads_out_is_refused_with_its_data_set(site: Site) -> None:
    data = site.has(FIRST, "out")
    with site.source.served(replaced('folder path="out"', 'folder path="../out"')) as url:
        site.harvest.section("DS1", url)
        site.harvest.init()
        result = site.runs(7)
        assert f"DATA_SET {CODE}" in result.output
        assert "'..'" in result.output
        assert site.stored() is None
        assert (Kind.SAMPLE, CODE) in site.harvest.instance.entities()
    assert data.is_afs


def test_a_file_and_a_folder_of_one_name_are_refused(site: Site) -> None:
    site.has(FIRST, "out")
    with site.source.served(replaced('folder path="out"', f'folder path="{NOTES}/x"')) as url:
        site.harvest.section("DS1", url)
        site.harvest.init()
        assert "is a file and a folder at once" in site.runs(7).output


def test_damage_is_found_and_repaired(site: Site) -> None:
    with harvested(site):
        (site.folder / "later").rmdir()
        (site.folder / NOTES).write_bytes(b"FIRST NOTES")  # of the same length
        audit = site.harvest.audit()
        assert audit.code == 9
        assert f"DATA_SET {CODE}: empty folder later is missing in the data store" in audit.output
        assert f"file {NOTES} has another modification time in the data store" in audit.output
        site.fetched.clear()
        result = site.harvest.command("repair", "--contents")
        assert result.code == 0, result.output
        assert site.is_here(FIRST, *FOLDERS)
        assert site.fetched == [NOTES]
        site.harvest.agrees()


def test_what_a_run_could_not_finish_is_not_fetched_again(site: Site) -> None:
    """Without checksums, length and time tell that a file has come whole."""
    site.has(FIRST, *FOLDERS)
    broken = answering(404, f"/datastore_server/{CODE}/{TABLE}")
    with site.source.served(lambda app: site.noting(broken(app))) as url:
        site.harvest.section("DS1", url, max_threads="1")
        site.harvest.init()
        assert site.harvest.run().code == 7
        assert site.fetched == [NOTES, TABLE]
        site.fetched.clear()
    with site.source.served(site.noting) as url:
        site.harvest.section("DS1", url)
        assert site.harvest.command("retry").code == 0
        assert site.harvest.run().code == 0
        assert site.fetched == [TABLE]
        assert site.is_here(FIRST, *FOLDERS)


@pytest.mark.parametrize("status", [404, 503])
def test_however_long_a_file_changes_it_comes_with_the_next_run_after_that(
    site: Site, status: int
) -> None:
    """The source server refuses a file that changes while it is sent (503), or that is gone."""
    site.has(FIRST, *FOLDERS)
    changing = answering(status, f"/datastore_server/{CODE}/{NOTES}")
    with site.source.served(lambda app: site.noting(changing(app))) as url:
        site.harvest.section("DS1", url, retry_pauses=",")
        site.harvest.init()
        for _ in range(3):
            site.fetched.clear()
            assert site.harvest.run().code == 7
            assert NOTES in site.fetched
    with site.source.served(site.noting) as url:
        site.harvest.section("DS1", url)
        site.runs()
        assert site.is_here(FIRST, *FOLDERS)


def test_a_file_that_grows_beyond_what_is_listed_is_tried_in_each_run(site: Site) -> None:
    site.has(FIRST, *FOLDERS)
    with site.source.served(replaced('length="11"', 'length="10"')) as url:
        site.harvest.section("DS1", url)
        site.harvest.init()
        for _ in range(3):
            output = site.harvest.run().output
            assert "more than the 10 bytes of the list came" in output
            assert "not tried again before" not in output
    with site.source.served(site.noting) as url:
        site.harvest.section("DS1", url)
        site.runs()
        assert site.is_here(FIRST, *FOLDERS)


@pytest.mark.parametrize("prefix", ["", "DS1_"])
def test_a_chain_of_three_passes_them_on(site: Site, tmp_path: Path, prefix: str) -> None:
    last = Site(site.harvest.instance, Harvest(tmp_path / "last"))
    translated = {"translate_using_data_source_alias": "true"} if prefix else {}
    with harvested(site, **translated) as data:
        site.harvest.instance.add_user()
        with site.harvest.instance.served(last.noting) as url:
            last.harvest.section("DS2", url, deletion_allowed="true")
            last.harvest.init()
            last.runs()
            assert last.is_here(FIRST, *FOLDERS)
            found = last.stored()
            assert found is not None
            assert found.type == f"{prefix}AFS_DATA"
            assert replace(found, type=data.type, sample=data.sample) == data

            # a file that was spoiled in the middle still has the time of its source
            spoiled = site.folder / NOTES
            set_file_time(spoiled, edited(99))
            assert last.runs().output.count(": nothing to do") == 3

            # what changes at the beginning arrives at the end
            second = FIRST | {NOTES: (b"other notes", 5)}
            site.has(second, "later")
            site.runs()
            last.runs()
            assert last.fetched == [NOTES]
            assert last.is_here(second, "later")

            # the files are missing in the middle: they stay at the end
            site.folder.rename(tmp_path / "away")
            assert "the data source cannot show now" in last.runs().output
            assert last.is_here(second, "later")
            (tmp_path / "away").rename(site.folder)
            last.harvest.agrees()
    last.harvest.instance.engine.dispose()


def test_a_check_of_the_settings_says_how_many_there_are(site: Site) -> None:
    site.has(FIRST, *FOLDERS)
    with site.source.served() as url:
        site.harvest.section("DS1", url)
        site.harvest.init()
        result = site.harvest.command("check-config", "--online")
        assert "1 data set (2 files, 16 B; AFS data of 1 owner)" in result.output
