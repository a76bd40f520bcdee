"""Makes texts from outside (names of entities, answers of servers) fit to be sent on."""

from __future__ import annotations

import re

# No mail and no JSON should contain them; a lone surrogate comes from an undecodable file name.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def plain(text: str) -> str:
    """Without control characters; line ends and tabs stay."""
    return _CONTROLS.sub("?", text.replace("\r\n", "\n"))


def plain_line(text: str, longest: int = 500) -> str:
    """The same on one line, fit for a header."""
    line = plain(" ".join(text.split()))
    return line if len(line) <= longest else f"{line[:longest]}..."
