"""Texts from elsewhere (names of entities, answers of servers), made fit to be sent on."""

from __future__ import annotations

import re

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""No mail and no JSON should contain them; a lone surrogate comes from an undecodable file name."""


def plain(text: str) -> str:
    """Lines and tabs stay."""
    return _CONTROLS.sub("?", text.replace("\r\n", "\n"))


def plain_line(text: str, longest: int = 500) -> str:
    """In one line, fit for a header."""
    line = plain(" ".join(text.split()))
    return line if len(line) <= longest else f"{line[:longest]}..."
