"""A harvester that is killed on the way to the trash or back: no file without its row, no row
without its file, whatever the moment."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.support.instances.files_and_rows import in_trash, mismatches
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.processes.dies_after_n import DyingCommands, commands_that_die

# More than any of these commands has.
MOMENTS = 300
# Every eighth of them where they are many; with 1 the tests pass too, and take minutes.
STEP = 8
UNDONE = "SELECT name FROM file_removal UNION ALL SELECT name FROM file_move"


@pytest.fixture(scope="module")
def dying_commands() -> Iterator[DyingCommands]:
    with commands_that_die() as processes:
        yield processes


@pytest.fixture
def harvested(source: Instance, full_instance: FullInstance, harvest: Harvest) -> Iterator[Harvest]:
    """The full instance is here; the source goes on to be served."""
    assert full_instance.everything
    with source.served() as url:
        harvest.section("DS1", url, deletion_allowed="true")
        harvest.init()
        assert harvest.run().code == 0
        yield harvest


def dying(
    dying_commands: DyingCommands, harvest: Harvest, command: Sequence[str], step: int = 1
) -> Iterator[Harvest]:
    """Copies in which the command was killed, one moment later each time."""
    harvest.instance.engine.dispose()
    for after in range(0, MOMENTS, step):
        copy = Harvest(harvest.root.parent / f"copy-{after}")
        shutil.copytree(harvest.root, copy.root, dirs_exist_ok=True)
        config = str(copy.root / "harvester.properties")
        came_to_its_end = dying_commands.run([*command, "--config", config], after=after)
        copy.sections = harvest.sections
        yield copy
        assert mismatches(copy.instance) == [], after
        assert copy.instance.rows(UNDONE) == [], after
        copy.instance.engine.dispose()
        if came_to_its_end:
            assert after > 4
            return
    raise AssertionError("the command never came to its end")


def moments(copies: Iterator[Harvest], check: Callable[[Harvest], None]) -> None:
    for copy in copies:
        check(copy)


def test_on_the_way_to_the_trash(
    source: Instance, full_instance: FullInstance, harvested: Harvest, dying_commands: DyingCommands
) -> None:
    before, contents = harvested.instance.tables(), harvested.instance.bytes_held()
    source.delete(*full_instance.everything)

    def check(copy: Harvest) -> None:
        assert copy.run("--allow-deletions").code == 0
        assert copy.instance.entities() == {}
        assert copy.command("trash", "restore", "1").code == 0
        assert copy.instance.tables() == before
        assert copy.instance.bytes_held() == contents

    moments(dying(dying_commands, harvested, ["run", "--allow-deletions"], STEP), check)


def test_between_the_commit_and_the_files_a_restore_may_come_first(
    source: Instance, full_instance: FullInstance, harvested: Harvest, dying_commands: DyingCommands
) -> None:
    before, contents = harvested.instance.tables(), harvested.instance.bytes_held()
    source.delete(*full_instance.everything)
    seen = []

    def check(copy: Harvest) -> None:
        seen.append(bool(copy.instance.rows(UNDONE)))
        done = copy.instance.entities() == {}
        assert (copy.command("trash", "restore", "1").code == 0) == done
        assert copy.instance.tables() == before
        assert copy.instance.bytes_held() == contents
        assert copy.run("--allow-deletions").code == 0  # takes away the list of the killed one
        assert bool(copy.instance.entities()) == done

    moments(dying(dying_commands, harvested, ["run", "--allow-deletions"], STEP), check)
    assert any(seen)


def test_on_the_way_back(
    source: Instance, full_instance: FullInstance, harvested: Harvest, dying_commands: DyingCommands
) -> None:
    before, contents = harvested.instance.tables(), harvested.instance.bytes_held()
    source.delete(*full_instance.everything)
    assert harvested.run("--allow-deletions").code == 0

    def check(copy: Harvest) -> None:
        result = copy.run()
        assert result.code == 0, result.output
        if copy.instance.entities() == {}:
            assert copy.command("trash", "restore", "1").code == 0
        assert copy.instance.tables() == before
        assert copy.instance.bytes_held() == contents
        assert in_trash(copy.instance) == {}
        copy.agrees()

    moments(dying(dying_commands, harvested, ["trash", "restore", "1"], 2), check)


def test_on_the_way_out(
    source: Instance, full_instance: FullInstance, harvested: Harvest, dying_commands: DyingCommands
) -> None:
    source.delete(*full_instance.everything)
    assert harvested.run("--allow-deletions").code == 0

    def check(copy: Harvest) -> None:
        assert copy.run().code == 0
        if copy.instance.rows("SELECT * FROM deletion"):
            assert copy.command("trash", "purge", "1").code == 0
        assert in_trash(copy.instance) == {}
        assert copy.instance.rows("SELECT * FROM trash_attachment") == []

    moments(dying(dying_commands, harvested, ["trash", "purge", "1"]), check)
