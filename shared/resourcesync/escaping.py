"""Escapes texts and attribute values. A plain string, as most are, is checked once."""

from __future__ import annotations

import re

# Characters that XML 1.0 cannot write, not even as references.
_FORBIDDEN = "\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufffe\\uffff"

_forbidden = re.compile(f"[{_FORBIDDEN}]")
_forbidden_in = _forbidden.search
_REPLACEMENT = "\ufffd"

# References for characters that the content of an element cannot have. ``&`` comes first, since all
# references begin with it.
REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_TEXT = str.maketrans(REFERENCES)
_ATTRIBUTE = str.maketrans(
    {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)


class UnwritableTextError(ValueError):
    """A text holds a character that XML forbids; the message names the field."""


def is_plain_text(value: str) -> bool:
    """Whether the text can be written unchanged; False if that is not certain.

    No character that XML forbids is printable. `str.isprintable` and ``in`` are much faster than a
    loop in Python or a regular expression.
    """
    return value.isprintable() and not ("&" in value or "<" in value or ">" in value)


def is_plain_attribute(value: str) -> bool:
    """Like `is_plain_text`, for a value between double quotes."""
    return value.isprintable() and not ("&" in value or "<" in value or '"' in value)


_SPECIAL = bytes(set(range(0x20)) - set(b"\t\n")) + b"&<>"
_FIRST_OF_NO_CHARACTERS = "\uffff".encode()[:1]


def is_plain_utf8(value: bytes) -> bool:
    """Like `is_plain_text`, for a text in UTF-8; it may have tabs and line breaks."""
    return _FIRST_OF_NO_CHARACTERS not in value and len(value.translate(None, _SPECIAL)) == len(
        value
    )


def escaped_text(value: str, field: str) -> str:
    """Escape the content of an element. ``field`` names it in an UnwritableTextError."""
    if is_plain_text(value):
        return value
    _refuse_forbidden(value, field)
    return value.translate(_TEXT)


def escaped_attribute(value: str, field: str) -> str:
    """Escape a value between double quotes. Line breaks become references, since parsers turn line
    breaks into blanks."""
    if is_plain_attribute(value):
        return value
    _refuse_forbidden(value, field)
    return value.translate(_ATTRIBUTE)


def attribute(name: str, value: str | None) -> str:
    """The attribute with a blank before it, or nothing for None."""
    return "" if value is None else f' {name}="{escaped_attribute(value, name)}"'


def without_forbidden(value: str) -> str:
    """The text with U+FFFD for characters that XML forbids; for texts that only people read."""
    return value if value.isprintable() else _forbidden.sub(_REPLACEMENT, value)


def script(value: str, field: str) -> str:
    """CDATA, as the original writes it; plain text where CDATA would lose a carriage return."""
    _refuse_forbidden(value, field)
    if not value or "\r" in value:
        return value.translate(_TEXT)
    return f"<![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]>"


def _refuse_forbidden(value: str, field: str) -> None:
    found = _forbidden_in(value)
    if found is not None:
        raise UnwritableTextError(
            f"{field} has the character U+{ord(found[0]):04X} at position {found.start()}, which "
            "XML 1.0 cannot hold; remove it there"
        )
