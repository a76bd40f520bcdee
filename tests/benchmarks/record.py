"""The table of docs/performance.md: what was measured when somebody last looked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.measures import Measure
from tests.benchmarks.table import HEAD, line

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"
_ROW = re.compile(r"^\| `([^`]+)` \|(.*)$", re.MULTILINE)
_TABLE = re.compile(rf"{re.escape(HEAD)}\n(?:\|.*\n)*")
_VALUE, _FLOOR, _RATIO = 1, 2, 3


def recorded() -> dict[str, float]:
    """The ratios (or, where there is no floor, the values) by key."""
    found = {}
    for key, row in _ROW.findall(DOCUMENT.read_text()):
        cells = [cell.strip() for cell in row.split("|")]
        number = cells[_RATIO] or cells[_VALUE].split()[0]
        found[key] = float(number)
    return found


def written(measures: Sequence[Measure]) -> None:
    """Renew the rows of these; the others stay."""
    document = DOCUMENT.read_text()
    rows = {key: f"| `{key}` |{row}" for key, row in _ROW.findall(document)}
    rows |= {measure.key: line(measure) for measure in measures}
    table = "\n".join([HEAD, *rows.values()]) + "\n"
    DOCUMENT.write_text(_TABLE.sub(lambda _: table, document, count=1))
