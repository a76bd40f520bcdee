"""Progress bars: a person who starts a run at a terminal sees them, and nobody else."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import certifi
import pytest

from shared.model.ids import Code, Identifier
from tests.support.faults.faulty_source import slow
from tests.support.instances.builders import (
    a_data_set,
    a_sample,
    a_space,
    perm_id,
    some_master_data,
)
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import PROJECT, Instance

PATIENCE = 120.0
HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"
BAR = "━"
RUN = """
import sys
from harvester.__main__ import main
from harvester.logs.progress_display import displayed
with displayed():
    sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def harvest(tmp_path: Path) -> Iterator[Harvest]:
    """Two sections whose data sets take a moment."""
    with (
        a_source(tmp_path / "one", "ALPHA", 50) as one,
        a_source(tmp_path / "two", "BETA", 60) as two,
    ):
        harvest = Harvest(tmp_path / "destination")
        harvest.add_properties("parallel-sections = 2")
        harvest.section("DS1", one, max_threads="1", harvester_tmp_dir="one")
        harvest.section("DS2", two, max_threads="1", harvester_tmp_dir="two")
        harvest.init()
        yield harvest
        harvest.instance.engine.dispose()


@contextmanager
def a_source(root: Path, space: str, number: int) -> Iterator[str]:
    """The URL of a source with two data sets in a space."""
    source = Instance.create(root)
    owner = a_sample(number, space=Code(space), code="BREW")
    data_sets = [
        a_data_set(
            n,
            sample=Identifier(f"/{space}/BREW"),
            files=(source.put_file(perm_id(n), "original/big.bin", bytes(32_768)),),
        )
        for n in (number + 1, number + 2)
    ]
    source.load(some_master_data(), a_space(space), owner, *data_sets)
    source.add_user()
    with source.served(slow(0.8)) as url:
        yield url
    source.engine.dispose()


class Terminal:
    """A pseudo terminal that a process writes to, and what was seen on it."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()

    def read(self) -> str:
        """All that was written, when the last writer has gone."""
        os.close(self.theirs)
        seen = b""
        with suppress(OSError):  # that is how the end of a terminal reads
            while block := os.read(self._ours, 65536):
                seen += block
        os.close(self._ours)
        return seen.decode()


@contextmanager
def started(
    harvest: Harvest,
    terminal: Terminal,
    command: list[str],
    stdout: int | None = None,
    **more: str,
) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPATH": str(PROJECT),
        "SSL_CERT_FILE": certifi.where(),
        "TERM": "xterm-256color",
        "COLUMNS": "300",
        **more,
    }
    config = str(harvest.root / "harvester.properties")
    process = subprocess.Popen(
        [sys.executable, *command, "--config", config],
        stdin=terminal.theirs,
        stdout=terminal.theirs if stdout is None else stdout,
        stderr=terminal.theirs,
        env=environment,
        cwd=harvest.root,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def seen_at_a_terminal(harvest: Harvest, **environment: str) -> str:
    terminal = Terminal()
    with started(harvest, terminal, ["-c", RUN, "run"], None, **environment) as process:
        text = terminal.read()
        assert process.wait(PATIENCE) == 0, text
    return text


def without_escapes(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_each_section_has_a_bar_and_the_summary_stands_in_lines_of_its_own(
    harvest: Harvest,
) -> None:
    text = seen_at_a_terminal(harvest)
    assert BAR in text
    bars = [line for line in without_escapes(text).splitlines() if BAR in line]
    for name in ("DS1", "DS2"):
        # so many data sets, so many bytes, rate, time that has passed, time that is left
        amounts = r"1/2  32\.0 KB/64\.0 KB  [\d.]+ [KM]?B/s"
        clocks = r"\d:\d\d:\d\d (-:--:--|\d:\d\d:\d\d)"
        wanted = rf"\[{name}\] Register data sets +[━╸╺]+ *{amounts} +{clocks}"
        assert any(re.search(wanted, bar) for bar in bars), bars
        assert any(f"[{name}] Register data sets (dry run) " in bar for bar in bars)
        lines = [line.strip() for line in without_escapes(text).splitlines()]
        assert f"[{name}] OK: everything is done, source and destination agree" in lines
    assert text.count(HIDDEN) == text.count(SHOWN) == 1
    assert text.rindex(HIDDEN) < text.rindex(SHOWN)


def test_a_warning_of_the_program_does_not_tear_the_bars(harvest: Harvest) -> None:
    log = harvest.root / "synchronization_DS1.log"
    log.symlink_to("/dev/full")
    lines = [line.strip() for line in without_escapes(seen_at_a_terminal(harvest)).splitlines()]
    (told,) = (line for line in lines if "the log cannot be written" in line)
    assert told.endswith("No space left on device")
    assert BAR not in told


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_show_bars_gets_none(harvest: Harvest, term: str) -> None:
    text = seen_at_a_terminal(harvest, TERM=term)
    assert "\x1b" not in text
    assert BAR not in text
    assert "[DS1] OK: everything is done" in text


def test_without_colours_there_are_bars_all_the_same(harvest: Harvest) -> None:
    text = seen_at_a_terminal(harvest, NO_COLOR="1")
    assert BAR in text
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", text)


def test_what_goes_to_a_file_is_in_the_file_and_the_bars_are_not(
    harvest: Harvest, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    terminal = Terminal()
    with (
        output.open("wb") as file,
        started(harvest, terminal, ["-c", RUN, "run"], file.fileno()) as process,
    ):
        text = terminal.read()
        assert process.wait(PATIENCE) == 0
    assert BAR in text
    assert "OK: " not in text
    lines = output.read_text().splitlines()
    assert "[DS2] OK: everything is done, source and destination agree" in lines
    assert not any("\x1b" in line or BAR in line for line in lines)


def test_a_program_that_nobody_watches_shows_no_bars(harvest: Harvest) -> None:
    result = subprocess.run(
        [sys.executable, "-c", RUN, "run", "--config", str(harvest.root / "harvester.properties")],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env={**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color"},
        check=True,
    )
    assert "\x1b" not in result.stdout + result.stderr
    assert BAR not in result.stdout + result.stderr
    assert "[DS1] OK: everything is done" in result.stdout


def test_who_leaves_at_once_leaves_a_cursor_behind(harvest: Harvest) -> None:
    leaving = """
import os
from harvester.runs.progress import WATCH
from harvester.logs.progress_display import displayed
with displayed():
    WATCH.leave()
    os._exit(0)
"""
    terminal = Terminal()
    with started(harvest, terminal, ["-c", leaving]) as process:
        text = terminal.read()
        assert process.wait(PATIENCE) == 0
    assert HIDDEN in text
    assert text.rindex(HIDDEN) < text.rindex(SHOWN)


def test_a_daemon_at_a_terminal_shows_no_bars(harvest: Harvest) -> None:
    harvest.add_properties("execute-only-once = true", "interval = 1 d")
    harvest._write()
    terminal = Terminal()
    with started(harvest, terminal, ["-m", "harvester", "daemon"]) as process:
        process.wait(PATIENCE)
        text = terminal.read()
    assert "OK: everything is done" in harvest.log("DS1")
    assert BAR not in text
    assert "\x1b" not in text
