"""Writes the block of an entity's properties, most of the bytes of a list.

A property with several values has them all as ``x:each``; its ``x:value`` is for parsers that know
no ``x:each`` (format.md, "Properties").
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from shared.model.properties import JsonProperties, PropertyValue, are_texts
from shared.resourcesync.escaping import REFERENCES, escaped_text, is_plain_utf8

_BETWEEN = ", "
# Characters of values that are joined at most. Longer texts would only be there twice.
_MOST_JOINED = 1_000_000


def properties_block(
    properties: Mapping[str, PropertyValue], joined: Collection[str] = frozenset()
) -> bytes:
    """The ``properties`` element, in UTF-8. `UnwritableTextError` if XML cannot hold a text.

    ``joined`` are the codes of the properties of whose values a text can be made: a parser that
    takes one value gets them all in it, and of any other property the first one.
    """
    if isinstance(properties, JsonProperties):
        block = _from_json(properties.text)
        if block is not None:
            return block
    values = properties.values()
    if are_texts(values):
        return _from_texts(properties, values)
    return _block([_written(each, value, joined) for each, value in properties.items()])


# Placeholder for a quote within a text. JSON has no such character.
_QUOTE = "\0"
_UNESCAPED = (('\\"', _QUOTE), ("\\n", "\n"), ("\\t", "\t"), ("\\r", REFERENCES["\r"]))


def _from_json(text: str) -> bytes | None:
    """The block, from the text of a JSON object as a whole; None if it must be read value by value.

    Without backslashes each quote begins or ends a text, and these are codes and values by turns.
    An escaped backslash is two: of those, one at least is still there in the end. Behind a code
    whose value is an array stands more than a colon.
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
    codes = tuple(parts[1::4])
    if parts[2::4].count(b":") < len(codes):
        return None
    block = _TEMPLATES[codes] % tuple(parts[3::4])
    return block.replace(_QUOTE.encode(), b'"') if quoted else block


def _from_texts(codes: Collection[str], texts: Collection[str]) -> bytes:
    """Check all values together, since most entities need no escaping. They are checked as UTF-8:
    Python is much faster with bytes than with texts of many scripts."""
    try:
        values = [text.encode() for text in texts]
        plain = is_plain_utf8(b"".join(values))
    except UnicodeEncodeError:
        plain = False
    if not plain:
        values = [_escaped(code, text) for code, text in zip(codes, texts, strict=True)]
    escaped_codes = tuple([_escaped_code(code) for code in codes])
    if b"" in values:
        return _block(map(_property, escaped_codes, values))
    return _TEMPLATES[escaped_codes] % tuple(values)


def _written(code: str, value: PropertyValue, joined: Collection[str]) -> bytes:
    """The element of a property with one value, or with several."""
    if isinstance(value, str):
        return _property(_escaped_code(code), _escaped(code, value))
    values = [_escaped(code, each) for each in value]
    all_of_them = _BETWEEN.join(value) if code in joined else ""
    one = all_of_them if 0 < len(all_of_them) <= _MOST_JOINED else value[0]
    each = b"".join([b"<x:each>%b</x:each>" % text if text else b"<x:each/>" for text in values])
    return _property(_escaped_code(code), _escaped(code, one), each)


def _escaped(code: str, text: str) -> bytes:
    return escaped_text(text, f"property {code}").encode()


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


def _property(code: bytes, value: bytes, each: bytes = b"") -> bytes:
    """Both texts must be escaped; ``each`` are the elements of several values."""
    written = b"<x:value>%b</x:value>" % value if value else b"<x:value/>"
    return b"<x:property><x:code>%b</x:code>%b%b</x:property>" % (code, written, each)
