"""What a list said is kept, and entries that come again are not read; in doubt, all are."""

from __future__ import annotations

import errno
import json
import re
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.store import kept_list
from tests.support.faults.faulty_source import edited
from tests.support.instances.builders import a_project, a_sample, a_space, some_master_data
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance

SAMPLES = tuple(a_sample(number) for number in range(3, 8))
ENTITIES = (a_space(), a_project(2), *SAMPLES)


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Instance]:
    instance = Instance.create(tmp_path / "source")
    instance.load(some_master_data(), *ENTITIES)
    instance.add_user()
    yield instance
    instance.engine.dispose()


@pytest.fixture
def url(source: Instance) -> Iterator[str]:
    with source.served() as served:
        yield served


@pytest.fixture
def harvest(tmp_path: Path, url: str) -> Iterator[Harvest]:
    harvest = Harvest(tmp_path / "destination")
    harvest.init()
    harvest.section("DS1", url, deletion_allowed="true")
    assert harvest.run().code == 0
    yield harvest
    harvest.instance.engine.dispose()


def kept_in(harvest: Harvest) -> tuple[Path, Path]:
    """The file, and its mark."""
    mark = next(harvest.root.glob("instance.db.list-*.whole"))
    return mark.with_name(mark.name.removesuffix(".whole")), mark


def unchanged(harvest: Harvest) -> int:
    """How many entries the next run does not read again."""
    before = len(harvest.log())
    run = harvest.run()
    assert run.code == 0, run.output
    harvest.agrees()
    (line,) = re.findall(r"The list shows .*", harvest.log()[before:])
    found = re.search(r"; ([\d,]+) of them are as they were in the last list", line)
    return int(found[1].replace(",", "")) if found else 0


def test_what_has_not_changed_is_not_read_again(source: Instance, harvest: Harvest) -> None:
    assert unchanged(harvest) == len(ENTITIES)
    source.load(replace(SAMPLES[0], properties={"NOTES": "other"}), a_sample(9))
    assert unchanged(harvest) == len(ENTITIES) - 1
    assert harvest.instance.entities().keys() == source.entities().keys()
    assert unchanged(harvest) == len(ENTITIES) + 1


def test_what_is_gone_is_deleted(source: Instance, harvest: Harvest) -> None:
    source.execute(f"DELETE FROM entity WHERE perm_id = '{SAMPLES[1].perm_id}'")  # noqa: S608
    run = harvest.run("--allow-deletions")
    assert run.code == 0, run.output
    assert harvest.instance.entities().keys() == source.entities().keys()
    assert unchanged(harvest) == len(ENTITIES) - 1


def test_what_was_changed_here_is_put_right_although_the_list_has_not_changed(
    source: Instance, harvest: Harvest
) -> None:
    harvest.instance.execute(
        "UPDATE entity SET properties = '{}', content_hash = 'other' WHERE kind = 'SAMPLE'"
    )
    harvest.instance.execute(f"DELETE FROM entity WHERE perm_id = '{SAMPLES[2].perm_id}'")  # noqa: S608
    assert unchanged(harvest) == len(ENTITIES)
    here, there = harvest.instance.entities(), source.entities()
    assert {key: one.properties for key, one in here.items()} == {
        key: one.properties for key, one in there.items()
    }


def test_the_list_is_read_in_full_without_the_mark(harvest: Harvest) -> None:
    _, mark = kept_in(harvest)
    mark.unlink()
    assert unchanged(harvest) == 0
    assert unchanged(harvest) == len(ENTITIES)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"size": 1}'])
def test_a_damaged_mark_counts_for_nothing(harvest: Harvest, damage: bytes) -> None:
    _, mark = kept_in(harvest)
    mark.write_bytes(damage)
    assert unchanged(harvest) == 0


def test_a_damaged_file_counts_for_nothing(harvest: Harvest) -> None:
    file, _ = kept_in(harvest)
    file.write_bytes(b"\0" * file.stat().st_size)
    assert unchanged(harvest) == 0
    assert unchanged(harvest) == len(ENTITIES)


def test_a_file_of_another_time_counts_for_nothing(source: Instance, harvest: Harvest) -> None:
    file, _ = kept_in(harvest)
    earlier = file.read_bytes()
    source.load(*(a_sample(number) for number in range(20, 90)))
    assert harvest.run().code == 0
    file, _ = kept_in(harvest)
    file.write_bytes(earlier)
    assert unchanged(harvest) == 0
    assert harvest.instance.entities().keys() == source.entities().keys()


def test_other_definitions_let_all_be_read(source: Instance, harvest: Harvest, url: str) -> None:
    harvest.section("DS1", url, master_data_update_allowed="true")
    defined = some_master_data()
    first, *others = defined.property_types
    other = replace(first, description="another description")
    source.load(replace(defined, property_types=(other, *others)))
    assert unchanged(harvest) == 0
    assert unchanged(harvest) == len(ENTITIES)


def test_all_is_read_when_a_full_reading_is_due(harvest: Harvest, url: str) -> None:
    harvest.section("DS1", url, deletion_allowed="true", full_sync_interval="0")
    assert unchanged(harvest) == 0
    harvest.section("DS1", url, deletion_allowed="true")
    assert unchanged(harvest) == len(ENTITIES)


@pytest.mark.parametrize("time", ["2999-01-01T00:00:00+00:00", "2999-01-01T00:00:00", "soon"])
def test_a_reading_of_an_impossible_time_does_not_count(harvest: Harvest, time: str) -> None:
    _, mark = kept_in(harvest)
    values = json.loads(mark.read_text())
    mark.write_text(json.dumps({**values, "read_in_full": time}))
    assert unchanged(harvest) == 0
    assert unchanged(harvest) == len(ENTITIES)


def test_nothing_is_kept_if_that_is_not_wanted(harvest: Harvest, url: str) -> None:
    harvest.section("DS1", url, deletion_allowed="true", skip_unchanged_entries="false")
    assert unchanged(harvest) == 0
    assert list(harvest.root.glob("instance.db.list-*")) == []


def test_a_dry_run_keeps_the_list_too(source: Instance, harvest: Harvest) -> None:
    source.load(a_sample(9))
    assert harvest.run("--dry-run").code == 0
    assert unchanged(harvest) == len(ENTITIES) + 1
    assert harvest.instance.entities().keys() == source.entities().keys()


def test_what_a_list_has_twice_is_never_taken_as_gone(source: Instance, tmp_path: Path) -> None:
    """Such entries have no rows, so nothing may be taken from them when they come again."""
    double = re.compile(
        f"<url>(?:(?!</url>).)*{SAMPLES[-1].perm_id}(?:(?!</url>).)*</url>".encode()
    )

    def doubled(body: bytes) -> bytes:
        entry = double.search(body)
        assert entry
        other = entry[0].replace(b'code="SAMPLE-7"', b'code="OTHER"')
        assert other != entry[0]
        return body.replace(b"</urlset>", other + b"</urlset>")

    harvest = Harvest(tmp_path / "destination")
    harvest.init()
    with source.served() as url:
        harvest.section("DS1", url, deletion_allowed="true")
        assert harvest.run().code == 0
    held = harvest.instance.entities().keys()
    with source.served(edited(doubled)) as url:
        harvest.section("DS1", url, deletion_allowed="true")
        for _ in range(2):
            run = harvest.run("--allow-deletions")
            assert f"SAMPLE {SAMPLES[-1].perm_id}: the list has this perm id more" in run.output
            assert run.code == 7
            assert harvest.instance.entities().keys() == held
    with source.served() as url:
        harvest.section("DS1", url, deletion_allowed="true")
        harvest.converges()
    assert harvest.instance.entities().keys() == held
    harvest.instance.engine.dispose()


@pytest.mark.parametrize("what", ["the file is removed", "the disk is full"])
def test_a_run_does_not_fail_because_the_list_cannot_be_kept(
    harvest: Harvest, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    state = harvest.root / "last-sync-timestamp-file_DS1.txt"
    state.unlink()

    def refused(path: Path, _content: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    def removed(path: Path) -> int:
        path.unlink()
        return path.stat().st_size

    if what == "the disk is full":
        monkeypatch.setattr(kept_list, "write_atomically", refused)
    else:
        monkeypatch.setattr(kept_list, "_synced", removed)
    run = harvest.run()
    assert run.code == 0, run.output
    assert state.exists()
    assert list(harvest.root.glob("instance.db.list-*")) == []
    monkeypatch.undo()
    assert unchanged(harvest) == 0
    assert unchanged(harvest) == len(ENTITIES)


def test_who_may_not_read_the_database_may_not_read_what_is_kept(harvest: Harvest) -> None:
    (harvest.root / "instance.db").chmod(0o600)
    assert unchanged(harvest) == len(ENTITIES)
    file, _ = kept_in(harvest)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
