"""A harvester that is killed while it replaces the files of a data set: what was here before is put
back, before the next run deletes or looks at anything, or the source goes blind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.e2e.delicate import MADE_ROOM, PUTTING_BACK, SETTING_ASIDE, UNWRITTEN
from tests.support.faults.blind_source import digests
from tests.support.instances.full_instance import DIGITS, HELLO, FullInstance, a_full_instance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.instances.intact import left_over, runs_of
from tests.support.processes.killed_process import KILLED, Starter
from tests.support.processes.moments import Moment
from tests.support.worlds.losing_source import deletion_numbers


@dataclass(slots=True)
class Site:
    source: Instance
    full_instance: FullInstance
    harvest: Harvest
    starter: Starter
    url: str

    @property
    def home(self) -> Path:
        return self.harvest.instance.store.data_set_folder(self.full_instance.raw.code)

    @property
    def deletion(self) -> str:
        (number,) = deletion_numbers(self.harvest)
        return str(number)

    def contents(self) -> set[bytes]:
        return {path.read_bytes() for path in self.home.rglob("*") if path.is_file()}

    def is_killed(self, moment: Moment, *command: str) -> None:
        """While it does a command, by default a run."""
        command = command or ("run",)
        killed = self.starter.start(self.harvest, dies_at=moment, command=command)
        assert killed.ends() == KILLED, killed.output

    def changes(self, *more: str) -> None:
        """The source has other files, without one that it had."""
        raw = self.full_instance.raw
        files = tuple(self.source.put_file(raw.code, path, path.encode()) for path in more)
        self.source.load(replace(raw, files=(raw.files[0], *files)))

    def goes_blind(self) -> Path:
        """All files are away, and the source says so."""
        store = self.source.root / "store"
        away = store.rename(self.source.root / "away")
        store.mkdir()
        self.is_read_anew("blind")
        return away

    def is_read_anew(self, why: str) -> None:
        self.source.execute(f"UPDATE meta SET value = '{why}' WHERE key = 'published'")  # noqa: S608

    def command(self, *words: str, code: int = 0) -> str:
        result = self.harvest.command(*words)
        assert result.code == code, result.output
        return result.output


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path, starter: Starter) -> Iterator[Site]:
    """One that has seen everything once."""
    on_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres_url") if on_postgres else None
    harvest = Harvest(tmp_path / "destination", database_url=url)
    source = Instance.create(tmp_path / "source")
    full_instance = a_full_instance(source)
    harvest.init()
    with source.served() as address:
        harvest.section("DS1", address, deletion_allowed="true")
        assert harvest.run().code == 0
        yield Site(source, full_instance, harvest, starter, address)
    harvest.instance.engine.dispose()
    source.engine.dispose()


def released(site: Site) -> None:
    site.changes("original/new.txt")
    site.command("run", code=8)
    (held, *_) = runs_of(site.harvest)
    site.command("release", str(held["run"]))


@pytest.mark.parametrize("moment", [UNWRITTEN, MADE_ROOM], ids=str)
def test_what_was_replaced_and_not_written_stays_if_the_source_goes_blind(
    site: Site, moment: Moment
) -> None:
    released(site)
    before = site.contents()
    assert before == {DIGITS, HELLO}
    site.is_killed(moment)
    away = site.goes_blind()
    for _ in range(2):
        site.command("run")
        assert site.contents() == before
        site.harvest.agrees()
        site.harvest.instance.execute("UPDATE deletion SET deleted = deleted - 2678400000")
    (site.source.root / "store").rmdir()
    away.rename(site.source.root / "store")
    site.is_read_anew("seen")
    site.command("run", code=8)
    assert site.contents() == before
    site.command("run", "--allow-deletions")
    assert site.contents() == {DIGITS, b"original/new.txt"}
    assert list(left_over(site.harvest.instance)) == []
    site.harvest.agrees()


def test_what_was_replaced_is_replaced_by_the_next_run(site: Site) -> None:
    released(site)
    before = set(digests(site.harvest.instance).values())
    site.is_killed(UNWRITTEN)
    site.command("run", "--allow-deletions")
    assert site.contents() == {DIGITS, b"original/new.txt"}
    assert before <= set(digests(site.harvest.instance).values())
    assert list(left_over(site.harvest.instance)) == []
    site.harvest.agrees()


def test_what_was_replaced_goes_to_the_trash_if_the_source_drops_the_data_set(site: Site) -> None:
    raw = site.full_instance.raw
    more = site.source.put_file(raw.code, "original/new.txt", b"new")
    site.source.load(replace(raw, files=(*raw.files, more)))
    site.is_killed(MADE_ROOM)
    assert not site.home.exists()
    site.source.delete(raw)
    site.command("run", "--allow-deletions")
    assert not site.home.exists()
    assert "1 DATA_SET restored" in site.command("trash", "restore", site.deletion)
    assert site.contents() == {DIGITS, HELLO}
    assert list(left_over(site.harvest.instance)) == []


def test_what_is_restored_from_the_trash_does_not_hide_what_was_replaced(site: Site) -> None:
    released(site)
    before = site.contents()
    site.is_killed(MADE_ROOM)
    site.command("trash", "restore", site.deletion)
    assert site.contents() == before
    site.command("run", code=8)
    assert site.contents() == before


def test_nothing_is_put_into_a_share_that_is_away(site: Site) -> None:
    released(site)
    before = site.contents()
    site.is_killed(MADE_ROOM)
    share = site.harvest.instance.store.root / "1"
    away = share.rename(site.harvest.root / "away")
    share.mkdir()
    for _ in range(2):
        assert "not mounted?" in site.command("run", code=2)
    share.rmdir()
    away.rename(share)
    site.goes_blind()
    site.command("run")
    assert site.contents() == before
    site.harvest.agrees()


@pytest.mark.parametrize("moment", PUTTING_BACK, ids=str)
def test_a_run_that_is_killed_while_it_puts_back_what_was_replaced(
    site: Site, moment: Moment
) -> None:
    released(site)
    before = site.contents()
    site.is_killed(UNWRITTEN)
    site.is_killed(moment)
    site.goes_blind()
    site.command("run")
    assert site.contents() == before
    site.harvest.agrees()


@pytest.mark.parametrize("moment", SETTING_ASIDE, ids=str)
def test_a_repair_that_is_killed_while_it_sets_aside_what_it_found(
    site: Site, moment: Moment
) -> None:
    name = site.full_instance.picture.path
    place = site.harvest.instance.store.service_file(name)
    right = place.read_bytes()
    place.write_bytes(right[::-1])
    site.is_killed(moment, "repair", "--contents")
    site.command("repair", "--contents")
    assert place.read_bytes() == right
    folder = site.harvest.instance.store.root / "set-aside"
    assert [file.read_bytes() for file in folder.glob(f"*/FILE/{name}")] == [right[::-1]]
    assert list(left_over(site.harvest.instance)) == []
    site.harvest.agrees()
