"""Writes the block of an entity's properties, most of the bytes of a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from shared.model.properties import JsonProperties
from shared.resourcesync.escaping import REFERENCES, escaped_text, is_plain_utf8


def properties_block(properties: Mapping[str, str]) -> bytes:
    """The ``properties`` element, in UTF-8. `UnwritableTextError` if XML cannot hold a text."""
    if isinstance(properties, JsonProperties):
        block = _from_json(properties.text)
        if block is not None:
            return block
    return _from_values(properties)


# Placeholder for a quote within a text. JSON has no such character.
_QUOTE = "\0"
_UNESCAPED = (('\\"', _QUOTE), ("\\n", "\n"), ("\\t", "\t"), ("\\r", REFERENCES["\r"]))


def _from_json(text: str) -> bytes | None:
    """The block, from the text of a JSON object as a whole; None if it must be read value by value.

    Without backslashes each quote begins or ends a text, and these are codes and values by turns.
    An escaped backslash is two: of those, one at least is still there in the end.
    """
    if "\ufffe" in text or "\uffff" in text:
        return None
    for character, reference in REFERENCES.items():
        if character in text:
            text = text.replace(character, reference)
    quoted = "\\" in text
    if quoted:
        for escape, character in _UNESCAPED:
            text = text.replace(escape, character)
    if '""' in text or "\\" in text:
        return None
    parts = text.encode().split(b'"')
    block = _TEMPLATES[tuple(parts[1::4])] % tuple(parts[3::4])
    return block.replace(_QUOTE.encode(), b'"') if quoted else block


def _from_values(properties: Mapping[str, str]) -> bytes:
    """Check all values together, since most entities need no escaping. They are checked as UTF-8:
    Python is much faster with bytes than with texts of many scripts."""
    try:
        values = [value.encode() for value in properties.values()]
        plain = is_plain_utf8(b"".join(values))
    except UnicodeEncodeError:
        plain = False
    if not plain:
        values = [
            escaped_text(value, f"property {code}").encode() for code, value in properties.items()
        ]
    codes = tuple([_escaped_code(code) for code in properties])
    if b"" in values:
        return _block(map(_property, codes, values))
    return _TEMPLATES[codes] % tuple(values)


@lru_cache(maxsize=4096)
def _escaped_code(code: str) -> bytes:
    return escaped_text(code, "a property's code").encode()


class _Templates(dict[tuple[bytes, ...], bytes]):
    """Blocks with places for the values, by the escaped codes. Entities of a type mostly have the
    same properties, in the same order."""

    _MOST = 10_000

    def __missing__(self, codes: tuple[bytes, ...]) -> bytes:
        if len(self) >= self._MOST:
            self.clear()
        openings = [code.replace(b"%", b"%%") for code in codes]
        template = self[codes] = _block([_property(opening, b"%b") for opening in openings])
        return template


_TEMPLATES = _Templates()


def _block(properties: Iterable[bytes]) -> bytes:
    return b"<x:properties>%b</x:properties>" % b"".join(properties)


def _property(code: bytes, value: bytes) -> bytes:
    """Both texts must be escaped."""
    written = b"<x:value>%b</x:value>" % value if value else b"<x:value/>"
    return b"<x:property><x:code>%b</x:code>%b</x:property>" % (code, written)
