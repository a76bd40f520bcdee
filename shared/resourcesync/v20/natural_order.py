"""The original's order of codes: digit runs compare as numbers (wire-format.md, 4)."""

from __future__ import annotations

import re

_DIGITS = re.compile("([0-9]+)")


def natural_key(code: str) -> tuple[list[tuple[int, str]], str]:
    """``A9`` before ``A10``; where only leading zeros differ, the text decides.

    Numbers compare by length and digits, so that no length of a run is too long.
    """
    parts = _DIGITS.split(code)
    key = [(0, part) for part in parts]
    for index in range(1, len(parts), 2):
        number = parts[index].lstrip("0")
        key[index] = (len(number), number)
    return key, code
