"""Sections side by side that share a content: while one is bringing it, the other drops it, or
brings it too. A gate before a source keeps a section exactly there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.instances.builders import (
    a_data_set,
    a_sample,
    a_service_file,
    a_space,
    some_master_data,
)
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.processes.programs import Gate, started
from tests.support.worlds.passing_days import disorder

KEYS = {"deletion_allowed": "true", "trash_retention_days": "0"}
TEXT = {"NOTES": '<img src="/openbis/openbis/file-service/a.txt">'}
PARTIAL = 7
# Bytes; a smaller file of the file service comes with the list.
LARGE = 5_000_001


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Instance]:
    """Another source."""
    instance = Instance.create(tmp_path / "second")
    yield instance
    instance.engine.dispose()


@pytest.fixture
def two(source: Instance, second: Instance, either: Harvest) -> Harvest:
    """A destination of two sections; each has a space of its own."""
    for instance, code in ((source, "ONE"), (second, "TWO")):
        instance.load(some_master_data(), a_space(code))
        instance.add_user()
    either.init()
    return either


def is_in_order(harvest: Harvest) -> None:
    assert list(disorder(harvest.instance)) == []
    for table in ("file_removal", "file_move", "arrival"):
        assert harvest.instance.rows(f"SELECT * FROM {table}") == []  # noqa: S608 - our own names
    harvest.agrees()


def owners(harvest: Harvest) -> list[tuple[object, ...]]:
    return harvest.instance.rows("SELECT path, source FROM service_file")


def test_a_content_that_one_section_drops_stays_for_another_that_has_found_it_here(
    source: Instance, second: Instance, two: Harvest
) -> None:
    shared = source.put_attachment("a.txt", b"shared")
    source.load(a_sample(4, space="ONE", attachments=(shared,)))
    more = second.put_attachment("b.txt", b"more")
    second.put_attachment("a.txt", b"shared")
    second.load(a_sample(5, space="TWO", attachments=(shared, more)))
    gate = Gate(f"/datastore_server/attachments/SAMPLE/{a_sample(5).perm_id}/b.txt")
    with source.served() as one, second.served(gate) as other:
        two.section("ONE", one, **KEYS)
        two.section("TWO", other, **KEYS)
        assert two.run("--section", "ONE").code == 0
        source.drop_attachments(a_sample(4))
        with started(two, "run", "--section", "TWO") as program:
            gate.wait()  # it has looked: the first content is here
            result = two.run("--section", "ONE")
            assert result.code == 0, result.output
            gate.open()
            assert program.ends() == 0, program.output
        is_in_order(two)


def test_a_content_that_one_section_drops_goes_when_another_was_killed_while_bringing_it(
    source: Instance, second: Instance, two: Harvest
) -> None:
    shared = source.put_attachment("a.txt", b"shared")
    source.load(a_sample(4, space="ONE", attachments=(shared,)))
    more = second.put_attachment("b.txt", b"more")
    second.put_attachment("a.txt", b"shared")
    second.load(a_sample(5, space="TWO", attachments=(shared, more)))
    gate = Gate(f"/datastore_server/attachments/SAMPLE/{a_sample(5).perm_id}/b.txt")
    with source.served() as one, second.served(gate) as other:
        two.section("ONE", one, **KEYS)
        two.section("TWO", other, **KEYS)
        assert two.run("--section", "ONE").code == 0
        source.drop_attachments(a_sample(4))
        with started(two, "run", "--section", "TWO") as program:
            gate.wait()
            assert two.run("--section", "ONE").code == 0
            program.process.kill()
        gate.open()
        second.drop_attachments(a_sample(5))
        assert two.instance.store.attachment(str(shared.versions[0].sha256)).is_file()
        assert two.run("--section", "TWO").code == 0
        assert not two.instance.store.attachment(str(shared.versions[0].sha256)).exists()
        is_in_order(two)


def test_two_sections_that_bring_the_same_content_at_once_do_not_meet(
    source: Instance, second: Instance, two: Harvest
) -> None:
    """Each writes aside, under a name of its own."""
    for instance, number, space in ((source, 4, "ONE"), (second, 5, "TWO")):
        shared = instance.put_attachment("a.txt", b"shared")
        instance.load(a_sample(number, space=space, attachments=(shared,)))
    gate = Gate(f"/datastore_server/attachments/SAMPLE/{a_sample(5).perm_id}")
    with source.served() as one, second.served(gate) as other:
        two.section("ONE", one, **KEYS)
        two.section("TWO", other, **KEYS)
        with started(two, "run", "--section", "TWO") as program:
            gate.wait()
            assert two.run("--section", "ONE").code == 0
            gate.open()
            assert program.ends() == 0, program.output
        is_in_order(two)


def test_the_same_file_of_the_file_service_may_come_from_two_sections_at_once(
    source: Instance, second: Instance, two: Harvest
) -> None:
    for instance, number, space in ((source, 4, "ONE"), (second, 5, "TWO")):
        file = a_service_file("a.txt", b"a" * LARGE)
        instance.load(a_sample(number, space=space, properties=TEXT), file)
    gate = Gate("/datastore_server/file-service/a.txt")
    with source.served() as one, second.served(gate) as other:
        two.section("ONE", one, **KEYS)
        two.section("TWO", other, **KEYS)
        with started(two, "run", "--section", "TWO") as program:
            gate.wait()
            result = two.run("--section", "ONE")
            assert result.code == 0, result.output
            assert owners(two) == [("a.txt", "ONE")]
            gate.open()
            assert program.ends() == 0, program.output
        assert owners(two) == [("a.txt", "ONE")]
        is_in_order(two)


def test_another_file_of_the_same_path_is_refused_while_the_first_is_on_its_way(
    source: Instance, second: Instance, two: Harvest
) -> None:
    for instance, number, space in ((source, 4, "ONE"), (second, 5, "TWO")):
        file = a_service_file("a.txt", space[:1].encode() * LARGE)
        instance.load(a_sample(number, space=space, properties=TEXT), file)
    gate = Gate("/datastore_server/file-service/a.txt")
    with source.served() as one, second.served(gate) as other:
        two.section("ONE", one, **KEYS)
        two.section("TWO", other, **KEYS)
        with started(two, "run", "--section", "TWO") as program:
            gate.wait()
            assert two.run("--section", "ONE").code == PARTIAL
            assert "another content is on its way here, or was, by section TWO" in two.log("ONE")
            gate.open()
            assert program.ends() == 0, program.output
        assert owners(two) == [("a.txt", "TWO")]
        assert (two.root / "file-service/a.txt").read_bytes() == b"T" * LARGE
        assert list(disorder(two.instance)) == []


def test_files_that_were_here_before_a_killed_run_wanted_them_are_not_its_to_remove(
    source: Instance, two: Harvest
) -> None:
    """As those of a data store that was taken over from an original harvester."""
    files = tuple(source.put_file(a_data_set(6).code, path, b"x") for path in ("a", "b"))
    sample = a_sample(4, space="ONE")
    source.load(sample, a_data_set(6, sample=sample.identifier, files=files))
    kept = two.instance.put_file(a_data_set(6).code, "a", b"x")
    gate = Gate(f"/datastore_server/{a_data_set(6).code}/b")
    with source.served(gate) as one:
        two.section("ONE", one, **KEYS)
        with started(two, "run", "--section", "ONE") as program:
            gate.wait()
            program.process.kill()
        gate.open()
        source.delete(a_data_set(6))
        assert two.run("--section", "ONE").code == 0
    assert two.instance.store.data_set_file(a_data_set(6).code, kept.path).read_bytes() == b"x"
