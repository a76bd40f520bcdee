"""Commands that are only named are there, and none is loaded before it is run."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator

import pytest

from harvester.__main__ import _parser as harvester_parser
from harvester.__main__ import main as harvester
from shared.command_line import Command, loaded
from source_server.__main__ import _parser as source_server_parser
from tests.support.instances.instance import PROJECT


def commands(
    parser: argparse.ArgumentParser, words: str = ""
) -> Iterator[tuple[str, Command | str]]:
    """The words that name a command, and what it is."""
    if command := parser.get_default("command"):
        yield words.strip(), command
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from commands(below, f"{words} {name}")


SERVER = dict(commands(source_server_parser()))
HARVESTER = dict(commands(harvester_parser()))


def test_there_are_commands_on_every_level() -> None:
    assert {"serve", "user add", "opendcim tidy", "opendcim template history"} <= SERVER.keys()
    assert {"run", "init", "audit", "repair", "ignore", "trash", "opendcim"} <= HARVESTER.keys()


@pytest.mark.parametrize("words", SERVER)
def test_each_command_can_be_loaded(words: str) -> None:
    command = loaded(SERVER[words])
    assert callable(command)
    assert command.__module__.startswith(("source_server.", "opendcim."))


@pytest.mark.parametrize("words", HARVESTER)
def test_each_command_of_the_harvester_can_be_loaded(words: str) -> None:
    command = loaded(HARVESTER[words])
    assert callable(command)
    assert command.__module__.startswith(("harvester.", "opendcim."))


def test_the_harvester_loads_no_kind_of_section_to_read_its_command_line() -> None:
    script = "import sys; from harvester.__main__ import _parser; _parser(); print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    modules = set(ended.stdout.split())
    assert "harvester.openbis.kind" in modules
    assert not modules & {"harvester.openbis.sync", "harvester.openbis.commands.audit"}


def test_a_server_loads_nothing_that_it_does_not_need() -> None:
    """Memory that every server would have to have."""
    script = "import sys, source_server.__main__, source_server.commands.serve; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    modules = set(ended.stdout.split())
    assert "fastapi" in modules
    assert not modules & {
        "PIL",
        "httpx",
        "lxml",
        "psycopg",
        "opendcim.repository.part",
    }


@pytest.mark.parametrize("option", ["--a", "--allow", "--allow-deletion"])
def test_an_option_is_written_in_full(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        harvester(["run", option])
    assert f"unrecognized arguments: {option}" in capsys.readouterr().err
