"""Names and labels: decoded when read, encoded when written.

openDCIM and its repository store ``& < > " '`` as numeric references (``&#38;``) and drop tags. In
this program texts are plain, so that nothing is encoded twice and equal names compare equal.
"""

from __future__ import annotations

import html
import re
import unicodedata

_TAG = re.compile(r"<(?:/?[A-Za-z][^<>]*|![^<>]*|\?[^<>]*)>")
_SPECIAL = re.compile("""[&<>"']""")
# `html.unescape` fails at decimal numbers of more than 4,300 digits, the limit of `int`.
_ENDLESS = re.compile("&#[xX]?[0-9a-fA-F]{100,};?")
# Texts that passed between old installations are encoded several times.
_ROUNDS = 4


def plain(text: str) -> str:
    """Decoded, without tags and control characters, with single blanks, stripped.

    A ``<`` that begins no tag stays, as in ``up <-> down``.
    """
    # References come before tags: a decoded `&lt;b&gt;` is a tag that has to go.
    for _ in range(_ROUNDS):
        decoded = unescaped(text)
        if decoded == text:
            break
        text = decoded
    without = _without_tags(text)
    shown = "".join(" " if _is_control(character) else character for character in without)
    return " ".join(shown.split())


def unescaped(text: str) -> str:
    """Numeric references decoded, except numbers that are too long."""
    return html.unescape(_ENDLESS.sub("", text))


def _without_tags(text: str) -> str:
    """The text around a removed tag may form a new one, so this repeats a few times; then each
    remaining beginning of a tag is removed."""
    for _ in range(_ROUNDS):
        without = _TAG.sub("", text)
        if without == text:
            return text
        text = without
    return text.replace("<", "") if _TAG.search(text) else text


def encoded(text: str) -> str:
    """Encoded as the original stores texts: safe within HTML."""
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", text)


def folded(name: str) -> str:
    """Key for comparing names: equal for names that differ by case only."""
    # A letter with an accent may be one character or two; NFC makes it one.
    return unicodedata.normalize("NFC", plain(name)).casefold()


def _is_control(character: str) -> bool:
    """Whether it is a control character, or half of a surrogate pair, which no database stores."""
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
