"""The fields of an ``x:xd``, whether it was read with or without the parser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Protocol

from lxml.etree import _Element

from shared.model.properties import PropertyValue, value_from
from shared.resourcesync.attributes import BLANKS, UnreadableError, attributes_of
from shared.resourcesync.names import name_of
from shared.resourcesync.terms import X

_PROPERTY_TAGS = [f"{{{X}}}{name}" for name in ("property", "code", "value")]
_CONTENT = "x:binaryData"
# Number of elements of a block from which on the quick way takes too much memory.
_USUAL = 3_000


class EntryFields(Protocol):
    """The fields of an ``x:xd``. Each is checked when it is asked for, so a fault in a field that a
    kind does not have does no harm."""

    @property
    def attributes(self) -> Mapping[str, str]:
        """The values as they are written, not trimmed."""
        ...

    @property
    def text(self) -> str: ...

    def properties(self) -> Mapping[str, PropertyValue]:
        """Values by the codes of their types. Raises `UnreadableError`."""
        ...

    def connections(self) -> Iterable[tuple[str, str]]:
        """``to`` and ``type`` of each, trimmed; empty where they are missing."""
        ...

    def contents(self) -> Iterable[_Element]:
        """All ``x:binaryData``."""
        ...


class FieldsOfElement:
    """The fields in the tree of the parser. The original sends each block once; several are read as
    one."""

    __slots__ = ("_blocks", "_element", "attributes")

    def __init__(self, element: _Element) -> None:
        self._element = element
        self.attributes = attributes_of(element)
        self._blocks: dict[str, list[_Element]] = {}
        for child in element:
            self._blocks.setdefault(name_of(child), []).append(child)

    @property
    def text(self) -> str:
        return self._element.text or ""

    def properties(self) -> Mapping[str, PropertyValue]:
        properties: dict[str, PropertyValue] = {}
        for block in self._blocks.get("x:properties", ()):
            properties.update(_usual_properties(block) or _unusual_properties(block))
        return properties

    def connections(self) -> Iterator[tuple[str, str]]:
        for block in self._blocks.get("x:connections", ()):
            for element in block:
                if name_of(element) == "x:connection":
                    yield (
                        (element.get("to") or "").strip(BLANKS),
                        (element.get("type") or "").strip(BLANKS),
                    )

    def contents(self) -> Iterable[_Element]:
        return self._blocks.get(_CONTENT, ())


def _usual_properties(block: _Element) -> dict[str, str] | None:
    """Read a block in the form that the original writes, quickly; None for any other."""
    elements = list(islice(block.iter(), _USUAL))
    if len(elements) == _USUAL or [element.tag for element in elements] != _usual_tags(
        len(elements)
    ):
        return None
    codes = [(element.text or "").strip(BLANKS) for element in elements[2::3]]
    if not all(codes):
        return None
    return dict(zip(codes, [element.text or "" for element in elements[3::3]], strict=True))


@lru_cache(maxsize=256)
def _usual_tags(count: int) -> list[str]:
    return [f"{{{X}}}properties", *_PROPERTY_TAGS * (count // 3)]


def _unusual_properties(block: _Element) -> dict[str, PropertyValue]:
    return dict(_property(element) for element in block if name_of(element) == "x:property")


def _property(element: _Element) -> tuple[str, PropertyValue]:
    """The value is that of ``x:value``, unless there are ``x:each``."""
    code = value = None
    several: list[str] = []
    for child in element:
        match name_of(child):
            case "x:code":
                code = (child.text or "").strip(BLANKS)
            case "x:value":
                value = _text_of(child, code)
            case "x:each":
                several.append(_text_of(child, code))
    if not code:
        raise UnreadableError("a property has no code")
    if value is None:
        raise UnreadableError(f"the property {code} has no value")
    return code, value_from(several or (value,))


def _text_of(element: _Element, code: str | None) -> str:
    if len(element):
        raise UnreadableError(f"the value of property {code} has elements in it")
    return element.text or ""
