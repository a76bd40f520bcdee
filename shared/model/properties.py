"""Values of properties, and properties that are parsed when they are first read.

A property has one value, a text, or several (openBIS from schema 193 on), which are a sequence of
at least two texts. Their order counts, and a value may occur twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeGuard

import orjson

PropertyValue = str | Sequence[str]

_TEXTS_ALONE = frozenset({str})
# Behind a code and before the first text of an array. Any other text with these characters is only
# read with more care.
_ARRAY = '":["'


def values_of(value: PropertyValue) -> Sequence[str]:
    """All values of a property, in their order."""
    return (value,) if isinstance(value, str) else value


def value_from(values: Sequence[str]) -> PropertyValue:
    """The opposite of `values_of`; there must be at least one value."""
    return values[0] if len(values) == 1 else tuple(values)


def texts_among(values: Iterable[PropertyValue]) -> Iterator[str]:
    """All texts of the values of several properties."""
    for value in values:
        yield from values_of(value)


def are_texts(values: Collection[PropertyValue]) -> TypeGuard[Collection[str]]:
    """Whether no property has several values, as is usual: then what follows can be quick. It may
    say no for subclasses of ``str``."""
    return _TEXTS_ALONE.issuperset(map(type, values))


def may_have_arrays(text: str) -> bool:
    """Whether a property in the text of a JSON object, written without blanks, may have several
    values."""
    return _ARRAY in text


def read_properties(text: str) -> dict[str, PropertyValue]:
    """Codes and values in the text of a JSON object whose values are texts, or arrays of texts."""
    read: dict[str, PropertyValue] = orjson.loads(text)
    if may_have_arrays(text):
        return {code: value_from(values_of(value)) for code, value in read.items()}
    return read


class JsonProperties(Mapping[str, PropertyValue]):
    """Codes and values in the text of a JSON object, parsed on first access.

    While a list is written they are mostly not parsed: the text itself is converted.
    """

    __slots__ = ("_read", "text")

    def __init__(self, text: str) -> None:
        """``text`` is an object as `read_properties` reads it, written without blanks."""
        self.text = text
        self._read: dict[str, PropertyValue] | None = None

    def _values(self) -> dict[str, PropertyValue]:
        if self._read is None:
            self._read = read_properties(self.text)
        return self._read

    def __getitem__(self, code: str) -> PropertyValue:
        return self._values()[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values())

    def __len__(self) -> int:
        return len(self._values())

    def __bool__(self) -> bool:
        return self.text != "{}"

    def __repr__(self) -> str:
        return f"JsonProperties({self.text!r})"
