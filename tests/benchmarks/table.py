"""Measures as lines of a table, the same on the screen and in docs/performance.md."""

from __future__ import annotations

from math import isinf

from tests.benchmarks.measures import Measure

HEAD = "| key | what | value | floor | ratio | mark | |\n|---|---|---|---|---|---|---|"


def line(measure: Measure) -> str:
    floor = "" if measure.floor is None else _number(measure.floor, measure.unit)
    ratio = "" if measure.floor is None else f"{measure.ratio:.2f}"
    mark = "" if isinf(measure.mark) else f"{measure.mark:g}"
    verdict = "" if isinf(measure.mark) else ("met" if measure.met else "**missed**")
    note = f"{verdict}; {measure.note}" if verdict and measure.note else verdict or measure.note
    cells = (
        *(f"`{measure.key}`", measure.title, _number(measure.value, measure.unit)),
        *(floor, ratio, mark, note),
    )
    return f"| {' | '.join(cells)} |"


def _number(value: float, unit: str) -> str:
    digits = 3 if value < 1 else 1
    return f"{value:.{digits}f} {unit}"
