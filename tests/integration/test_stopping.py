"""SIGTERM, Ctrl-C and somebody else at work, with real processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.instances.builders import (
    a_data_set,
    a_project,
    a_space,
    an_experiment,
    some_master_data,
)
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.processes.programs import Gate, Program, started

STOPS = [("daemon", signal.SIGTERM, 0), ("run", signal.SIGTERM, 10), ("run", signal.SIGINT, 130)]


def verdicts(harvest: Harvest) -> list[tuple[object, ...]]:
    return harvest.instance.rows("SELECT verdict, exit_code FROM run ORDER BY id")


def before_the_files_of(code: str) -> Gate:
    return Gate(f"/datastore_server/{code}")


@contextmanager
def at_work(harvest: Harvest, url: str, command: str) -> Iterator[Program]:
    harvest.section("DS1", url)
    with started(harvest, command) as program:
        yield program


@pytest.mark.parametrize(("command", "number", "expected"), STOPS)
def test_the_first_signal_lets_the_item_at_hand_be_finished(
    source: Instance,
    full_instance: FullInstance,
    either: Harvest,
    command: str,
    number: signal.Signals,
    expected: int,
) -> None:
    either.init()
    gate = before_the_files_of(full_instance.of_well.code)
    with source.served(gate) as url, at_work(either, url, command) as program:
        gate.wait()
        program.tell(number)
        program.says(f"{number.name}: what is at hand is finished")
        gate.open()
        code = program.ends()
    assert code == expected, program.output
    assert f"STOPPED: told to stop by {number.name}; the next run goes on" in program.output
    assert (either.instance.store.data_set_folder(full_instance.of_well.code) / "original").is_dir()
    assert full_instance.of_well.perm_id in either.instance.codes(full_instance.of_well.kind)
    assert verdicts(either) == [("stopped", 10)]
    with source.served() as url:
        either.section("DS1", url)
        either.converges()


@pytest.mark.parametrize(
    ("command", "number"), [("daemon", signal.SIGTERM), ("run", signal.SIGINT)]
)
def test_the_second_signal_ends_at_once_and_nothing_is_lost(
    source: Instance,
    full_instance: FullInstance,
    either: Harvest,
    command: str,
    number: signal.Signals,
) -> None:
    either.init()
    gate = before_the_files_of(full_instance.raw.code)
    with source.served(gate) as url, at_work(either, url, command) as program:
        gate.wait()
        program.tell(number)
        program.says("what is at hand is finished")
        assert program.stops(number) == 128 + number
    assert "leaving at once" in program.output
    assert verdicts(either) == [(None, None)]
    with source.served() as url:
        either.section("DS1", url)
        either.converges()
    assert verdicts(either) == [("killed", None), ("done", 0)]


def test_a_stop_reaches_all_sections_and_begins_no_other(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    either.init()
    either.add_properties("parallel-sections = 2")
    second, code = Instance.create(either.root.parent / "second"), a_data_set(94).code
    second.add_user()
    trial, file = an_experiment(93), second.put_file(code, "original/a", b"a")
    bench = a_data_set(94, experiment=trial.identifier, files=(file,))
    second.load(some_master_data(), a_space(), a_project(92), trial, bench)
    gates = [before_the_files_of(full_instance.raw.code), before_the_files_of(code)]
    keys = {"translate_using_data_source_alias": "true"}
    with source.served(gates[0]) as one, second.served(gates[1]) as two:
        for name, url in (("DS1", one), ("DS2", two), ("DS3", one)):
            either.section(name, url, **keys)
        with started(either, "run") as program:
            for gate in gates:
                gate.wait()
            program.tell(signal.SIGTERM)
            program.says("what is at hand is finished")
            for gate in gates:
                gate.open()
            assert program.ends() == 10, program.output
    stopped = [line for line in program.lines if "STOPPED" in line]
    assert sorted(line.partition("]")[0] for line in stopped) == ["[DS1", "[DS2", "[DS3"]
    assert verdicts(either) == [("stopped", 10)] * 2
    second.engine.dispose()


def test_a_run_beside_another_says_who_is_at_work_and_leaves(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    either.init()
    gate = before_the_files_of(full_instance.raw.code)
    with source.served(gate) as url, at_work(either, url, "daemon") as daemon:
        gate.wait()
        result = either.run()
        assert result.code == 11
        assert f"BUSY: [DS1] process {daemon.process.pid} on " in result.output
        assert "wait for it with --wait" in result.output
        assert either.run("--wait", "1 s").code == 11
        with started(either, "run", "--wait") as other:
            gate.open()
            daemon.says("OK: everything is done")
            assert other.ends() == 0, other.output
        assert "nothing to do" in other.output
        assert daemon.stops() == 0
    assert verdicts(either) == [("done", 0), ("nothing to do", 0)]


def test_a_second_daemon_finds_the_section_busy_and_goes_on_next_time(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    either.init()
    either.add_properties("interval = 1 s")
    gate = before_the_files_of(full_instance.raw.code)
    with source.served(gate) as url, at_work(either, url, "daemon") as first:
        gate.wait()
        with started(either, "daemon") as second:
            second.says("BUSY")
            second.says("execution ended with code 11")
            second.says("BUSY")
            gate.open()
            second.says("nothing to do")
            assert second.stops() == 0
        assert first.stops() == 0


def test_a_wait_for_somebody_else_can_be_stopped(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    harvest.init()
    gate = before_the_files_of(full_instance.raw.code)
    with source.served(gate) as url, at_work(harvest, url, "run") as first:
        gate.wait()
        with started(harvest, "run", "--wait") as second:
            assert told_while_it_waits(second) == 10
        gate.open()
        assert first.ends() == 0, first.output


def told_while_it_waits(program: Program) -> int:
    program.says("waits")
    return program.stops()


def test_a_duration_to_wait_that_is_none_is_refused(harvest: Harvest) -> None:
    with pytest.raises(SystemExit) as caught:
        harvest.run("--wait", "soon")
    assert caught.value.code == 2
