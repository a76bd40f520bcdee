"""How far a step has come, in lines of the log."""

from __future__ import annotations

import threading

import pytest

from harvester.logs.step_progress import StepProgress, every
from harvester.runs.amounts import shown_size
from harvester.runs.progress import SILENT
from harvester.runs.run_log import Fields


class Lines(list[str]):
    """What was told."""

    def __init__(self) -> None:
        self.fields: list[Fields] = []

    def tell(self, line: str, fields: Fields) -> None:
        self.append(line)
        self.fields.append(fields)

    @property
    def texts(self) -> list[str]:
        return [line.rpartition("] ")[2] for line in self]


def test_a_line_has_the_original_s_form() -> None:
    lines = Lines()
    StepProgress("Register data sets", lines.tell, lambda: 0, SILENT).tell("finished")
    assert lines == ["[Register data sets] [time:     0 sec] finished"]


def test_every_10_000_items_are_told() -> None:
    lines = Lines()
    progress = StepProgress("Read the resource list", lines.tell, lambda: 0, SILENT)
    for _ in range(25):
        progress.advance(1000)
    assert lines.texts == ["10,000 items", "20,000 items"]
    progress.advance(45_000)
    assert lines.texts[2:] == ["70,000 items"]


def test_the_clock_tells_only_what_has_moved() -> None:
    lines, received = Lines(), [100]
    progress = StepProgress("Register data sets", lines.tell, lambda: received[0], SILENT)
    progress.tell_if_moved()
    assert lines.texts == []
    progress.expect(5, size=4096)
    progress.advance()
    progress.tell_if_moved()
    progress.tell_if_moved()
    received[0] += 2048
    progress.tell_if_moved()
    assert lines.texts == ["1 of 5 items", "1 of 5 items, 2.0 KB of 4.0 KB received"]
    assert lines.fields[-1]["bytes"] == 2048
    progress.tell("finished")
    assert lines.texts[-1] == "finished: 1 of 5 items, 2.0 KB of 4.0 KB received"


def test_what_is_told_is_passed_on_to_the_bar() -> None:
    lines, bar = Lines(), StepProgress("as a bar", Lines().tell, lambda: 0, SILENT)
    progress = StepProgress("Register attachments", lines.tell, lambda: 0, bar)
    progress.expect(7)
    progress.advance(3)
    bar.tell()
    assert (bar._total, bar._done) == (7, 3)


def test_the_clock_runs_while_the_step_does() -> None:
    rung = threading.Event()
    with every(0.001, rung.set):
        assert rung.wait(30)
    assert "progress" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KB"),
        (1024**2 - 1, "1.0 MB"),
        (85.3 * 1024**2, "85.3 MB"),
        (1023.9 * 1024**3, "1023.9 GB"),
        (5 * 1024**6, "5120.0 PB"),
    ],
)
def test_sizes_are_short(count: float, shown: str) -> None:
    assert shown_size(count) == shown
