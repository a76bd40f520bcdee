"""What must always hold (harvester-semantics.md, 5): 2, that a killed harvester loses nothing."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.model.kinds import NOT_FROZEN
from tests.support.faults.faulty_source import slow
from tests.support.instances.builders import (
    a_data_set,
    a_material,
    a_sample,
    a_service_file,
    a_space,
    perm_id,
    some_master_data,
)
from tests.support.instances.files_and_rows import mismatches
from tests.support.instances.full_instance import BIG, TRIAL, FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.processes.dies_after_n import DyingCommands, commands_that_die

KEYS = {"deletion_allowed": "true", "max_threads": "2"}
# More than a run has in which something can be half done.
MOMENTS = 300
# Every thirteenth of them; with 1 the test takes minutes, and passes too.
STEP = 13


@pytest.fixture(scope="module")
def dying_commands() -> Iterator[DyingCommands]:
    with commands_that_die() as processes:
        yield processes


def change_everything(source: Instance, full_instance: FullInstance) -> None:
    """New things, other contents, lost attachments, deletions."""
    raw, brew = full_instance.raw, full_instance.brew
    files = (*raw.files, source.put_file(raw.code, "original/more.txt", b"more digits"))
    plan = source.put_attachment("plan.txt", b"first plan", b"another plan", b"third plan")
    text = '"openbis/file-service/new.txt" is new'
    source.load(
        replace(raw, files=files, frozen=NOT_FROZEN),
        replace(brew, attachments=(plan,), properties={"NOTES": text}, connections=()),
        a_service_file(full_instance.picture.path, b"another picture"),
        a_service_file("new.txt", b"new"),
        a_material(8, properties={"NOTES": "new"}),
        a_sample(81, registrator="newcomer"),
        a_data_set(82, experiment=TRIAL, files=(source.put_file(perm_id(82), "a", b"new"),)),
    )
    source.drop_attachments(full_instance.project)
    source.delete(
        full_instance.of_well, full_instance.container, full_instance.child, full_instance.wells[0]
    )


def run_of(harvest: Harvest) -> list[str]:
    return ["run", "--config", str(harvest.root / "harvester.properties")]


def left_over(harvest: Harvest) -> list[str]:
    """Files that no row knows of, rows whose file is not there, and what is still to be done."""
    undone = "SELECT name FROM file_removal UNION ALL SELECT name FROM file_move"
    return mismatches(harvest.instance) + [str(name) for (name,) in harvest.instance.rows(undone)]


@pytest.mark.parametrize("first", [True, False], ids=["the first run", "a run that changes all"])
def test_2_killing_the_process_at_any_moment_loses_nothing_and_needs_no_repair(
    source: Instance,
    full_instance: FullInstance,
    harvest: Harvest,
    dying_commands: DyingCommands,
    *,
    first: bool,
) -> None:
    with source.served() as url:
        harvest.section("DS1", url, **KEYS)
        harvest.init()
        if not first:
            assert harvest.run().code == 0
            change_everything(source, full_instance)
        harvest.instance.engine.dispose()
        for after in range(0, MOMENTS, STEP):
            copy = Harvest(harvest.root.parent / f"copy-{after}")
            shutil.copytree(harvest.root, copy.root, dirs_exist_ok=True)
            came_to_its_end = dying_commands.run(run_of(copy), after=after)
            copy.converges()
            assert copy.instance.entities() == source.entities()
            assert left_over(copy) == [], after
            copy.instance.engine.dispose()
            if came_to_its_end:
                break
    assert 30 < after < MOMENTS - STEP


def test_2_a_harvester_that_is_killed_again_and_again_comes_to_its_end(
    source: Instance, full_instance: FullInstance, either: Harvest, dying_commands: DyingCommands
) -> None:
    with source.served() as url:
        either.section("DS1", url, **KEYS)
        either.init()
        assert _deaths(dying_commands, either) > 2
        change_everything(source, full_instance)
        assert _deaths(dying_commands, either) > 2
        either.agrees()
    assert either.instance.entities() == source.entities()
    assert left_over(either) == []


def _deaths(dying_commands: DyingCommands, harvest: Harvest) -> int:
    """How often a run died before one came to its end."""
    moments = range(STEP, MOMENTS, STEP)
    return next(
        n for n, after in enumerate(moments) if dying_commands.run(run_of(harvest), after=after)
    )


def test_2_a_file_that_a_killed_run_wrote_may_change_before_the_next_one(
    source: Instance, harvest: Harvest, dying_commands: DyingCommands
) -> None:
    """The moment between a file and its row: the file must not be taken for somebody else's."""
    mention = {"NOTES": '"openbis/file-service/a.txt"'}
    source.load(some_master_data(), a_space(), a_sample(1, properties=mention))
    source.load(a_service_file("a.txt", b"before"))
    source.add_user()
    with source.served() as url:
        harvest.section("DS1", url, deletion_allowed="true")
        harvest.init()
        written = harvest.root / "file-service" / "a.txt"
        at = "a file of the file service is in place"
        assert not dying_commands.run(run_of(harvest), at=at)
        assert written.exists()
        source.load(a_service_file("a.txt", b"after"))
        harvest.converges()
    assert written.read_bytes() == b"after"


def _whole(folder: Path, name: str, length: int) -> list[Path]:
    return [path for path in folder.glob(name) if path.stat().st_size == length]


def test_2_what_a_killed_run_had_brought_is_not_brought_again(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    """The source is slow with the second data set; the harvester dies while it waits."""
    with source.served(slow(60, f"/datastore_server/{full_instance.raw.code}")) as url:
        either.section("DS1", url)
        either.init()
        process = either.start("run")
        aside = either.root / "store" / "temp" / "DS1"
        name = f"{full_instance.of_well.code}.*/original/big.bin"
        deadline = time.monotonic() + 60
        while not _whole(aside, name, len(BIG)) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
        process.communicate()
    (file,) = _whole(aside, name, len(BIG))  # it waits for its row
    brought = file.stat()
    assert not (either.root / "last-sync-timestamp-file_DS1.txt").exists()
    with source.served() as url:
        either.section("DS1", url, **KEYS)
        either.converges()
    here = either.instance.store.data_set_file(
        full_instance.of_well.code, "original/big.bin"
    ).stat()
    assert (here.st_ino, here.st_mtime_ns) == (brought.st_ino, brought.st_mtime_ns)
    assert either.instance.entities() == source.entities()
    assert left_over(either) == []


def test_2_a_list_that_was_being_read_when_the_process_died_does_not_stay(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    temp = harvest.root / "store" / "temp"
    with source.served(slow(60, "/datastore_server/re-sync")) as url:
        harvest.section("DS1", url)
        harvest.init()
        process = harvest.start("run")
        deadline = time.monotonic() + 60
        while not list(temp.glob("list-*/*.xml")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
        process.communicate()
    assert list(temp.glob("list-*/*.xml"))
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.converges()
    assert not list(temp.glob("list-*"))
    assert full_instance.everything
