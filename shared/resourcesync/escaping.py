"""Escaping of text and attribute values; plain strings pass with one look at them."""

from __future__ import annotations

import re

_FORBIDDEN = "\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufffe\\uffff"
"""What XML 1.0 has no way to write, not even as a reference."""

_forbidden = re.compile(f"[{_FORBIDDEN}]")
_forbidden_in = _forbidden.search
_REPLACEMENT = "\ufffd"

REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
"""For what the content of an element cannot have as it is. The character that all references begin
with comes first."""
_TEXT = str.maketrans(REFERENCES)
_ATTRIBUTE = str.maketrans(
    {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)


class UnwritableTextError(ValueError):
    """A text holds a character that XML forbids; the message names the field."""


def is_plain_text(value: str) -> bool:
    """True if the text can be written as it is; False if it must be looked at more closely.

    `str.isprintable` knows nothing of XML, but all that XML forbids is not printable, and neither
    it nor ``in`` looks at characters one by one in Python or in a regular expression.
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
    """For the content of an element. ``field`` is for the message of UnwritableTextError."""
    if is_plain_text(value):
        return value
    _refuse_forbidden(value, field)
    return value.translate(_TEXT)


def escaped_attribute(value: str, field: str) -> str:
    """For a value between double quotes. Parsers turn line breaks to blanks, but not references."""
    if is_plain_attribute(value):
        return value
    _refuse_forbidden(value, field)
    return value.translate(_ATTRIBUTE)


def attribute(name: str, value: str | None) -> str:
    """The attribute with a blank before it, or nothing for None."""
    return "" if value is None else f' {name}="{escaped_attribute(value, name)}"'


def without_forbidden(value: str) -> str:
    """The text with U+FFFD for what XML forbids: for texts that only people read."""
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
