"""Output of commands: tables for people, JSON for programs, times in UTC."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table

from shared.masking import masked
from shared.plain_lines import one_line

# Characters of a line if the output is no terminal.
_WIDE = 250


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print columns, cut to the width of the terminal if there is one. A ``#`` before a heading
    aligns its column to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        right = heading.startswith("#")
        table.add_column(heading.removeprefix("#"), justify="right" if right else "left")
    for row in rows:
        table.add_row(*(_cell_text(cell) for cell in row))
    # Rich assumes 80 columns where there is no terminal, and would cut texts to them. It would also
    # take what stands in brackets for markup.
    width = None if sys.stdout.isatty() else _WIDE
    Console(width=width, markup=False, highlight=False, emoji=False).print(table)


def print_json(value: object) -> None:
    """Print data classes as objects, times as ISO 8601 in UTC, durations as seconds."""
    print(json.dumps(_plain(value), ensure_ascii=False, indent=2))


def _cell_text(cell: object) -> str:
    match cell:
        case None:
            return "-"
        case datetime():
            return f"{cell.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        case timedelta():
            return in_words(cell)
        case int():
            return f"{cell:,}"
    return one_line(masked(str(cell)))


def in_words(duration: timedelta) -> str:
    """A duration in its two largest units: ``2 d 3 h``."""
    seconds = max(0, round(duration.total_seconds()))
    parts: list[tuple[int, str]] = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        number, seconds = divmod(seconds, length)
        if number or parts:
            parts.append((number, unit))
    return " ".join(f"{number} {unit}" for number, unit in parts[:2] if number) or "0 s"


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case timedelta():
            return value.total_seconds()
        case dict():
            return {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    return value
