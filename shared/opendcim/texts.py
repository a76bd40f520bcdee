"""Names and labels: as people write them, and as they travel.

openDCIM and its repository store texts with ``& < > " '`` as numbers (``&#38;``) and without tags.
Here texts are plain; they are decoded where they are read and encoded where they are written, so
that nothing is encoded twice and a name compares equal however it came.
"""

from __future__ import annotations

import html
import re
import unicodedata

_TAG = re.compile(r"<(?:/?[A-Za-z][^<>]*|![^<>]*|\?[^<>]*)>")
_SPECIAL = re.compile("""[&<>"']""")
_ROUNDS = 4
"""Texts that went back and forth between old installations are encoded several times."""


def plain(text: str) -> str:
    """Decoded, without tags and control characters, white space single and none at the ends.

    A ``<`` that begins no tag stays, as in ``up <-> down``.
    """
    for _ in range(_ROUNDS):
        decoded = html.unescape(text)
        if decoded == text:
            break
        text = decoded
    without = _TAG.sub("", text)
    while without != text:  # what was around a tag may be one now
        text, without = without, _TAG.sub("", without)
    shown = "".join(" " if _is_control(character) else character for character in without)
    return " ".join(shown.split())


def encoded(text: str) -> str:
    """As the original stores texts: harmless within HTML, wherever it is put."""
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", text)


def folded(name: str) -> str:
    """Names that give the same are the same name: ignoring case, and nothing else."""
    return unicodedata.normalize("NFC", plain(name)).casefold()


def _is_control(character: str) -> bool:
    """Surrogates too: no database stores half a character."""
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
