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
_ENDLESS = re.compile("&#[xX]?[0-9a-fA-F]{100,};?")
_ROUNDS = 4
"""Texts that went back and forth between old installations are encoded several times."""


def plain(text: str) -> str:
    """Decoded, without tags and control characters, white space single and none at the ends.

    A ``<`` that begins no tag stays, as in ``up <-> down``.
    """
    for _ in range(_ROUNDS):
        decoded = unescaped(text)
        if decoded == text:
            break
        text = decoded
    without = _without_tags(text)
    shown = "".join(" " if _is_control(character) else character for character in without)
    return " ".join(shown.split())


def unescaped(text: str) -> str:
    """With characters for their references, but for those whose numbers are too long to be any."""
    return html.unescape(_ENDLESS.sub("", text))


def _without_tags(text: str) -> str:
    """What was around a tag may be one afterwards; in a text of tags within tags, which no person
    writes, all their beginnings go at last."""
    for _ in range(_ROUNDS):
        without = _TAG.sub("", text)
        if without == text:
            return text
        text = without
    return text.replace("<", "") if _TAG.search(text) else text


def encoded(text: str) -> str:
    """As the original stores texts: harmless within HTML, wherever it is put."""
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", text)


def folded(name: str) -> str:
    """Names that give the same are the same name: ignoring case, and nothing else."""
    return unicodedata.normalize("NFC", plain(name)).casefold()


def _is_control(character: str) -> bool:
    """Surrogates too: no database stores half a character."""
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
