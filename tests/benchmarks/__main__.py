"""All benchmarks: a table, and JSON. ``make bench`` runs them; docs/performance.md explains them.

    python -m tests.benchmarks [--small] [--only reading] [--json FILE] [--record]

It never fails for time: what is slower than the mark, or than the ratio that docs/performance.md
records by more than a fifth, is said. It fails if a benchmark finds a wrong result.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks import files, harvesting, openbis_source, serving
from tests.benchmarks.measures import FULL, SMALL, Measure, Sizes
from tests.benchmarks.record import recorded, written
from tests.benchmarks.table import HEAD, line

Benchmark = Callable[[Path, Sizes], Iterator[Measure]]

_BENCHMARKS: Mapping[str, Benchmark] = {
    "serving": serving.measures,
    "harvesting": harvesting.measures,
    "files": files.measures,
    "openbis": openbis_source.measures,
}
# A ratio that is so many times the recorded one is told.
_WORSE = 1.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Always 0: how long something takes is a fact about a machine, too."""
    options = _options(arguments)
    sizes, before = (SMALL, {}) if options.small else (FULL, recorded())
    found: list[Measure] = []
    _say(HEAD)
    for name, benchmark in _BENCHMARKS.items():
        if options.only and name not in options.only:
            continue
        with tempfile.TemporaryDirectory(prefix=f"bench-{name}-") as folder:
            for measure in benchmark(Path(folder), sizes):
                found.append(measure)
                _say(line(measure))
    for measure in found:
        if measure.key in before and measure.ratio > before[measure.key] * _WORSE:
            _say(f"WORSE: {measure.title}: {measure.ratio:.2f}, recorded {before[measure.key]:.2f}")
    if options.json:
        values = [asdict(one) | {"ratio": one.ratio, "met": one.met} for one in found]
        options.json.write_text(json.dumps(values, indent=2, default=str) + "\n")
    if options.record:
        written(found)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--small", action="store_true", help="see that it works, quickly")
    parser.add_argument("--only", nargs="*", choices=list(_BENCHMARKS), help="some of them")
    parser.add_argument("--json", type=Path, help="write the numbers there, too")
    parser.add_argument("--record", action="store_true", help="renew the table of the document")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
