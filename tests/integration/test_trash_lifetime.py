"""How long deleted things lie in the trash, and in which circumstances they get there and back."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Self

import pytest

from harvester.openbis.steps import deletions, suspicions
from shared.store.engine import connect
from shared.store.locks import section_lock
from tests.support.instances.builders import (
    a_material,
    a_sample,
    a_service_file,
    a_space,
    some_master_data,
)
from tests.support.instances.files_and_rows import in_trash, mismatches
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance, files_below
from tests.support.worlds.losing_source import delete_all, deletion_numbers, harvested_from

DAY = 24 * 3600 * 1000


@pytest.fixture
def harvested(source: Instance, full_instance: FullInstance, either: Harvest) -> Iterator[str]:
    """The full instance is here; the URL of the source."""
    assert full_instance.everything
    with harvested_from(source, either) as url:
        yield url


def age(harvest: Harvest, days: int) -> None:
    """As if everything in the trash had been deleted so many days earlier."""
    harvest.instance.execute(f"UPDATE deletion SET deleted = deleted - {days * DAY}")  # noqa: S608


@pytest.mark.usefixtures("harvested")
def test_what_is_older_than_the_retention_is_purged_by_the_next_run(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    source.delete(full_instance.of_well)
    either.converges()
    age(either, 20)
    source.delete(full_instance.flour, full_instance.raw)
    either.converges()
    older, younger = sorted(deletion_numbers(either))
    assert len(in_trash(either.instance)) == 3
    age(either, 9)
    either.converges()
    assert sorted(deletion_numbers(either)) == [older, younger]
    age(either, 2)
    assert either.run("--dry-run").code == 0
    assert sorted(deletion_numbers(either)) == [older, younger]
    either.converges()
    assert deletion_numbers(either) == [younger]
    assert not either.instance.store.trash(older).exists()
    assert mismatches(either.instance) == []


@pytest.mark.usefixtures("harvested")
def test_what_lies_in_the_trash_of_a_database_that_was_lost_is_never_touched(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    """A new database does not give the numbers of the old one once more."""
    source.delete(full_instance.raw)
    either.converges()
    (lost,) = deletion_numbers(either)
    before = files_below(either.instance.store.trash(lost))
    assert before
    postgresql = either.instance.engine.dialect.name == "postgresql"
    for table in ("deletion", "trash_entity", "trash_link", "trash_data_set_file"):
        either.instance.execute(f"DELETE FROM {table}")  # noqa: S608
    either.instance.execute(
        "ALTER SEQUENCE deletion_id_seq RESTART"
        if postgresql
        else "DELETE FROM sqlite_sequence WHERE name = 'deletion'"
    )
    source.delete(full_instance.flour)
    either.converges()
    (number,) = deletion_numbers(either)
    assert number > lost
    age(either, 40)
    either.converges()
    assert deletion_numbers(either) == []
    assert files_below(either.instance.store.trash(lost)) == before


class _YearsBehind:
    """Stands before a source, and lets its lists be of the year before: as if the clock of this
    machine were a year ahead."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = [one for one in scope["headers"] if one[0] != b"accept-encoding"]
            scope = {**scope, "headers": headers}
        year = datetime.now(UTC).year

        async def earlier(message: Any) -> None:
            if body := message.get("body"):
                old, new = f' at="{year}-'.encode(), f' at="{year - 1}-'.encode()
                message = {**message, "body": body.replace(old, new)}
            await send(message)

        await self._app(scope, receive, earlier)


def test_a_clock_that_is_a_year_ahead_purges_nothing(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    with harvested_from(source, either):
        source.delete(full_instance.of_well)
        either.run()
    (number,) = deletion_numbers(either)
    age(either, 40)
    with source.served(_YearsBehind) as url:
        either.section("DS1", url, deletion_allowed="true")
        result = either.run()
        assert result.code == 0, result.output
        assert "1 deletions stay in the trash although they are older than" in result.output
        assert "set the clock that is wrong" in result.output
        assert deletion_numbers(either) == [number]
        assert len(in_trash(either.instance)) == 1
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="true")
        either.converges()
    assert deletion_numbers(either) == []


class _Past(datetime):
    """The clock of a machine whose battery is empty."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        earlier = datetime.now(tz) - timedelta(days=6 * 365)
        return cls.fromtimestamp(earlier.timestamp(), tz)


@pytest.mark.usefixtures("harvested")
def test_what_a_clock_in_the_past_has_deleted_is_not_old_when_the_clock_is_right_again(
    source: Instance, full_instance: FullInstance, either: Harvest, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.delete(full_instance.of_well)
    with monkeypatch.context() as patch:
        for module in (deletions, suspicions):
            patch.setattr(module, "datetime", _Past)
        assert either.run().code == 0
    (number,) = deletion_numbers(either)
    (day,) = either.instance.rows("SELECT deleted FROM unconfirmed_deletion")
    assert abs(datetime.now(UTC).timestamp() * 1000 - float(str(day[0]))) < DAY
    either.converges()
    assert deletion_numbers(either) == [number]
    assert len(in_trash(either.instance)) == 1
    age(either, 31)
    either.converges()
    assert deletion_numbers(either) == []


def test_without_retention_nothing_is_kept_and_what_was_kept_goes(
    source: Instance, full_instance: FullInstance, harvested: str, either: Harvest
) -> None:
    source.delete(full_instance.of_well)
    either.converges()
    assert len(deletion_numbers(either)) == 1
    either.section("DS1", harvested, deletion_allowed="true", trash_retention_days="0")
    delete_all(source, full_instance, either)
    assert deletion_numbers(either) == []
    assert in_trash(either.instance) == {}
    assert either.instance.bytes_held() == {}
    assert mismatches(either.instance) == []
    undone = "SELECT name FROM file_removal UNION ALL SELECT name FROM file_move"
    assert either.instance.rows(undone) == []


@pytest.mark.usefixtures("harvested")
def test_the_operator_purges_what_is_named_or_old(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    for gone in (full_instance.of_well, full_instance.flour, full_instance.raw):
        source.delete(gone)
        either.converges()
    first, second, third = sorted(deletion_numbers(either))
    either.instance.execute(f"UPDATE deletion SET deleted = deleted - {8 * DAY} WHERE id = {third}")  # noqa: S608
    assert either.command("trash", "purge").code == 2
    assert either.command("trash", "purge", str(first), "99").code == 2
    assert sorted(deletion_numbers(either)) == [first, second, third]
    assert f"deletion {first} is purged" in either.command("trash", "purge", str(first)).output
    purged = either.command("trash", "purge", "--older-than", "7 d")
    assert f"deletion {third} is purged" in purged.output
    assert deletion_numbers(either) == [second]
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
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with harvested_from(source, harvest):
        source.delete(full_instance.flour)
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
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with harvested_from(source, harvest) as url:
        source.delete(full_instance.of_well, full_instance.raw)
        assert harvest.run().code == 0
        del harvest.sections["DS1"]
        harvest.section("OTHER", url)
    (listed,) = json.loads(harvest.command("trash", "list", "--json").output)
    assert (listed["section"], listed["purged_on"]) == ("DS1", None)
    code = full_instance.of_well.code
    assert harvest.command("trash", "restore", "1", "--perm-id", code).code == 0
    assert harvest.command("trash", "purge", "1").code == 0
    assert mismatches(harvest.instance) == []


def test_a_section_whose_settings_are_wrong_keeps_its_trash(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with harvested_from(source, harvest) as url:
        source.delete(full_instance.of_well)
        assert harvest.run().code == 0
        harvest.section("OTHER", url)
        harvest.section("DS1", url, deletion_allowed="perhaps")
    result = harvest.command("trash", "restore", "1")
    assert result.code == 2
    assert "the settings of section [DS1] cannot be read; correct them first" in result.output


def test_a_data_set_goes_to_another_file_system_and_comes_back(
    source: Instance, full_instance: FullInstance, harvest: Harvest, tmp_path: Path
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
            delete_all(source, full_instance, harvest)
            left = [p.name for p in elsewhere.rglob("*") if p.is_file()]
            assert [name for name in left if not name.startswith(".openbis-sync-")] == []
            assert len(in_trash(harvest.instance)) == 4
            assert harvest.command("trash", "restore", "1").code == 0
            assert harvest.instance.bytes_held() == contents
            assert in_trash(harvest.instance) == {}
            harvest.agrees()
    finally:
        shutil.rmtree(elsewhere)


def test_two_deletions_of_the_same_thing_lie_side_by_side(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with harvested_from(source, harvest):
        original = full_instance.of_well
        for content in (b"second", b"third"):
            source.delete(original)
            harvest.converges()
            source.load(replace(original, files=(source.put_file(original.code, "a", content),)))
            harvest.converges()
        source.delete(original)
        harvest.converges()
        latest, middle, first = deletion_numbers(harvest)
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
    source: Instance, harvest: Harvest
) -> None:
    """Between the commit of a deletion and its files' way to the trash, two sections may meet."""
    mention = {"NOTES": '"openbis/file-service/a.txt"'}
    source.load(some_master_data(), a_space(), a_material(8), a_material(9))
    source.load(a_sample(1, properties=mention), a_sample(2), a_service_file("a.txt"))
    source.add_user()
    with harvested_from(source, harvest):
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
