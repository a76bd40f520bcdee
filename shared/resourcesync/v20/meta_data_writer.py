"""Writes meta data: of definitions as openBIS 7 does, of entities as openbis-sync does."""

from __future__ import annotations

from collections.abc import Mapping

from shared.errors import ItemError
from shared.resourcesync.escaping import UnwritableTextError, attribute, escaped_text
from shared.resourcesync.v20.elements import closed

_NONE = b"<x:metaData/>"
_OF_ENTITIES = "x:entry"


def meta_data_block(meta_data: Mapping[str, str] | None, kind: str, code: str) -> str:
    """``xmd:metaData``, sorted by key; nothing for None, an empty element for none. ItemError, with
    the kind and code of the definition, if a text holds what XML cannot."""
    if meta_data is None:
        return ""
    try:
        entries = "".join(_entry("xmd:entry", *each) for each in sorted(meta_data.items()))
    except UnwritableTextError as error:
        raise ItemError(kind, code, str(error)) from error
    return closed("<xmd:metaData", "metaData", entries)


def meta_data_of_entity(meta_data: Mapping[str, str]) -> bytes:
    """The element ``x:metaData``, in UTF-8: an empty one says that there are none, which is not the
    same as no element. `UnwritableTextError` if XML cannot hold a text."""
    if not meta_data:
        return _NONE
    entries = "".join([_entry(_OF_ENTITIES, *each) for each in sorted(meta_data.items())])
    return f"<x:metaData>{entries}</x:metaData>".encode()


def _entry(element: str, key: str, text: str) -> str:
    opening = f"<{element}{attribute('key', key)}"
    if not text and element == _OF_ENTITIES:
        return f"{opening}/>"
    return f"{opening}>{escaped_text(text, f'the meta data {key!r}')}</{element}>"
