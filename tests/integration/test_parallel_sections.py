"""``parallel-sections``: several sections side by side, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.store.engine import rehearsal
from tests.support.instances.builders import (
    a_data_set,
    a_project,
    a_sample,
    a_space,
    an_experiment,
    perm_id,
)
from tests.support.instances.full_instance import FullInstance, a_full_instance, full_master_data
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.processes.programs import Gate, started


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Instance]:
    """Another source."""
    instance = Instance.create(tmp_path / "second")
    yield instance
    instance.engine.dispose()


def fill(instance: Instance) -> str:
    """A space of its own with one data set; returns its code."""
    code = perm_id(907)
    file = instance.put_file(code, "original/a.txt", b"a")
    instance.load(
        full_master_data(),
        a_space("OTHER"),
        a_project(902, space="OTHER", code="LAB"),
        an_experiment(903, space="OTHER", project="LAB"),
        a_sample(904, space="OTHER"),
        a_data_set(907, experiment="/OTHER/LAB/EXPERIMENT-903", files=(file,)),
    )
    instance.add_user()
    return code


def test_sections_are_harvested_side_by_side_and_told_one_after_the_other(
    source: Instance, second: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    either.init()
    either.add_properties("parallel-sections = 2")
    gates = [Gate(f"/datastore_server/{code}") for code in (full_instance.raw.code, fill(second))]
    with source.served(gates[0]) as one, second.served(gates[1]) as two:
        either.section("DS1", one)
        either.section("DS2", two)
        with started(either, "run") as program:
            for gate in gates:  # both are reached before one opens: they are at work together
                gate.wait()
            for gate in gates:
                gate.open()
            assert program.ends() == 0, program.output
    names = [line.partition("]")[0] for line in program.lines]
    assert names in ([*sorted(names)], [*sorted(names, reverse=True)])
    assert set(names) == {"[DS1", "[DS2"}
    assert sum("OK: everything is done" in line for line in program.lines) == 2
    with source.served() as one, second.served() as two:
        either.section("DS1", one)
        either.section("DS2", two)
        either.converges()


def test_copies_of_one_instance_side_by_side_never_harm_each_other(
    source: Instance, second: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    """Each thing has one owner, whoever came first; so often that they meet somewhere."""
    a_full_instance(second)
    either.init()
    either.add_properties("parallel-sections = 2")
    with source.served() as one, second.served() as two:
        either.section("ONE", one)
        either.section("TWO", two)
        for _ in range(3):
            either.start_anew()
            result = either.run()
            assert result.code in {0, 7}, result.output  # a data set both bring at once may fail
            assert either.instance.entities() == source.entities()
            either.converges()
    assert full_instance.everything


def test_a_section_waits_for_another_writer_and_can_be_told_to_stop(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    either.init()
    gate = Gate("/datastore_server/re-sync")
    with source.served(gate) as url:
        either.section("DS1", url)
        with started(either, "run") as program:
            gate.wait()  # it has its lock and is recorded
            with either.instance.engine.connect() as connection, rehearsal(connection):
                gate.open()
                assert program.stops() == 10, program.output
    assert full_instance.everything


def test_a_section_that_fails_leaves_the_others_alone_and_weighs_most(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    harvest.init()
    harvest.add_properties("parallel-sections = 3")
    with source.served() as url:
        harvest.section("BAD", "http://127.0.0.1:9", retry_pauses="1 ms")
        harvest.section("GOOD", url)
        harvest.section("WRONG", url, data_source_auth_pass="no")
        result = harvest.run()
    assert result.code in {3, 4}
    assert "[GOOD] OK: everything is done" in result.output
    assert "[BAD] FAILED" in result.output
    assert "[WRONG] FAILED" in result.output
    assert full_instance.everything
