"""The benchmarks at a small size: their own checks of what was written, read and fetched. How long
it took is not looked at."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import which

import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.measures import Measure
from tests.benchmarks.record import recorded
from tests.benchmarks.table import line


@pytest.mark.skipif(which("curl") is None, reason="the floor of downloads is curl")
def test_every_benchmark_finds_right_results_and_the_document_names_none_else(
    tmp_path: Path,
) -> None:
    out = tmp_path / "bench.json"
    assert main(["--small", "--json", str(out)]) == 0
    found = json.loads(out.read_text())
    assert {one["key"] for one in found} >= set(recorded())
    assert all(one["value"] > 0 for one in found)


def test_a_mark_that_is_missed_is_said() -> None:
    measure = Measure(key="a", title="A", value=3.0, unit="s", floor=2.0, mark=1.4)
    assert line(measure) == "| `a` | A | 3.0 s | 2.0 s | 1.50 | 1.4 | **missed** |"
    assert not measure.met
