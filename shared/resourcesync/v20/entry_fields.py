"""The fields of an ``x:xd``, whether it was read with or without the parser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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

    def meta_data(self) -> dict[str, str] | None:
        """Texts by their names; None if there is no element for them: then the source does not know
        of meta data. Raises `UnreadableError`."""
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

    def meta_data(self) -> dict[str, str] | None:
        blocks = self._blocks.get("x:metaData")
        if blocks is None:
            return None
        entries = (each for block in blocks for each in block if name_of(each) == "x:entry")
        return named_once([_meta_data_entry(entry) for entry in entries])

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


def named_once(entries: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Texts by their names. `UnreadableError` if two entries have one name."""
    found = dict(entries)
    if len(found) < len(entries):
        raise UnreadableError("the meta data have two entries with the same key")
    return found


def _meta_data_entry(entry: _Element) -> tuple[str, str]:
    """The name is taken as it is written, blanks included, and may be empty."""
    name = attributes_of(entry).get("key")
    if name is None:
        raise UnreadableError("an entry of the meta data has no key")
    if len(entry):
        raise UnreadableError(f"the entry {name!r} of the meta data has elements in it")
    return name, entry.text or ""


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
