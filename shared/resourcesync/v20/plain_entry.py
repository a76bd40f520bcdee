"""Reads entries of the usual form without the parser, since they can mean only one thing.

These are most entries of a list that openBIS or openbis-sync has written: elements in the usual
order, no comments, no CDATA, no references but the five that every XML document has, no content of
data sets or attachments. An entry that differs in a single byte is left to the parser, so that the
parser alone says what is wrong with a document.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml.etree import _Element

from shared.model.properties import PropertyValue, value_from
from shared.resourcesync.attributes import BLANKS
from shared.resourcesync.v20.entry_fields import named_once

_REFERENCE = "&(?:amp|lt|gt|quot|apos);"
_IN_TEXT = "[^<>&\\x00-\\x08\\x0b-\\x1f\\ufffe\\uffff]*"
# Line breaks in attributes and carriage returns in texts are left to the parser: it changes them.
# So are all characters that XML forbids, and ``>`` in a text, where it may be a part of ``]]>``.
_IN_VALUE = '[^<"&\\x00-\\x1f\\ufffe\\uffff]*'
_TEXT = f"{_IN_TEXT}(?:{_REFERENCE}{_IN_TEXT})*"
_VALUE = f"{_IN_VALUE}(?:{_REFERENCE}{_IN_VALUE})*"
_ATTRIBUTE = f' (?!xmlns)[a-zA-Z][a-zA-Z-]*="{_VALUE}"'
_CODE = "[^<>&\\s\\x00-\\x1f\\ufffe\\uffff]+"
_PROPERTY = (
    f"<x:property><x:code>{_CODE}</x:code>(?:<x:value>{_TEXT}</x:value>|<x:value/>)"
    f"(<x:each(?:/>|>{_TEXT}</x:each>))*</x:property>"
)
_META_DATA = f'<x:entry key="{_VALUE}"(?:/>|>{_TEXT}</x:entry>)'
_CONNECTION = f'<x:connection to="{_VALUE}" type="{_VALUE}"/>'

_entry = re.compile(
    f"<url><loc>({_TEXT})</loc><lastmod>({_TEXT})</lastmod>"
    f'(?:<rs:ln href="{_VALUE}" rel="{_VALUE}"/>)?'
    f"<x:xd((?:{_ATTRIBUTE})*)(?:/>|>"
    f"(<x:metaData(?:/>|>(?:{_META_DATA})*</x:metaData>))?"
    f"(?:<x:properties>((?:{_PROPERTY})*)</x:properties>)?"
    f"(?:<x:connections>((?:{_CONNECTION})*)</x:connections>)?"
    "</x:xd>)</url>"
).fullmatch
_attributes = re.compile(' ([^=]+)="([^"]*)"').findall
_properties = re.compile(
    "<x:property><x:code>([^<]*)</x:code><x:value(?:/>|>([^<]*)</x:value>)</x:property>"
).findall
_several = re.compile(
    "<x:property><x:code>([^<]*)</x:code><x:value(?:/>|>([^<]*)</x:value>)"
    "((?:<x:each(?:/>|>[^<]*</x:each>))*)</x:property>"
).findall
_each = re.compile("<x:each(?:/>|>([^<]*)</x:each>)").findall
_meta_data = re.compile('<x:entry key="([^"]*)"(?:/>|>([^<]*)</x:entry>)').findall
_connections = re.compile('<x:connection to="([^"]*)" type="([^"]*)"/>').findall


def read_plain_entry(entry: bytes) -> tuple[str, str, PlainFields] | None:
    """``loc``, ``lastmod`` and fields of an entry; None if it is not plain enough. The prefixes
    ``x`` and ``rs``, and no prefix, must have their usual namespaces."""
    try:
        found = _entry(entry.decode())
    except UnicodeDecodeError:
        return None
    if found is None:
        return None
    loc, lastmod, attributes, meta_data, properties, last_each, connections = found.groups("")
    pairs = _attributes(attributes)
    named = dict(pairs)
    if "&" in attributes:
        named = {name: _meant(value) for name, value in pairs}
    if len(named) < len(pairs):  # which no document may have
        return None
    fields = PlainFields(named, meta_data, properties, connections, has_several=bool(last_each))
    return _meant(loc).strip(BLANKS), _meant(lastmod).strip(BLANKS), fields


class PlainFields:
    """A `shared.resourcesync.v20.entry_fields.EntryFields`."""

    __slots__ = ("_connections", "_has_several", "_meta_data", "_properties", "attributes")
    text = ""

    def __init__(
        self,
        attributes: Mapping[str, str],
        meta_data: str,
        properties: str,
        connections: str,
        *,
        has_several: bool = False,
    ) -> None:
        """The texts of these elements; that of missing meta data is empty. ``has_several``: whether
        there are ``x:each``."""
        self.attributes = attributes
        self._meta_data = meta_data
        self._has_several = has_several
        self._properties = properties
        self._connections = connections

    def properties(self) -> Mapping[str, PropertyValue]:
        if self._has_several:
            return self._with_several()
        properties: dict[str, str] = dict(_properties(self._properties))
        if "&" in self._properties:
            return {code: _meant(value) for code, value in properties.items()}
        return properties

    def _with_several(self) -> dict[str, PropertyValue]:
        return {
            code: value_from([_meant(text) for text in _each(several) or (value,)])
            for code, value, several in _several(self._properties)
        }

    def meta_data(self) -> dict[str, str] | None:
        if not self._meta_data:
            return None
        entries = _meta_data(self._meta_data)
        return named_once([(_meant(name), _meant(text)) for name, text in entries])

    def connections(self) -> list[tuple[str, str]]:
        return [
            (_meant(to).strip(BLANKS), _meant(name).strip(BLANKS))
            for to, name in _connections(self._connections)
        ]

    def contents(self) -> tuple[_Element, ...]:
        return ()


def _meant(text: str) -> str:
    if "&" not in text:
        return text
    text = text.replace("&lt;", "<").replace("&gt;", ">")
    return text.replace("&quot;", '"').replace("&apos;", "'").replace("&amp;", "&")
