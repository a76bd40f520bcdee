"""Writes the meta data of definitions, as openBIS 7 does."""

from __future__ import annotations

from collections.abc import Mapping

from shared.errors import ItemError
from shared.resourcesync.escaping import UnwritableTextError, attribute, escaped_text
from shared.resourcesync.v20.elements import closed


def meta_data_block(meta_data: Mapping[str, str] | None, kind: str, code: str) -> str:
    """``xmd:metaData``, sorted by key; nothing for None, an empty element for none. ItemError, with
    the kind and code of the definition, if a text holds what XML cannot."""
    if meta_data is None:
        return ""
    try:
        entries = "".join(_entry(*each) for each in sorted(meta_data.items()))
    except UnwritableTextError as error:
        raise ItemError(kind, code, str(error)) from error
    return closed("<xmd:metaData", "metaData", entries)


def _entry(key: str, text: str) -> str:
    content = escaped_text(text, f"the meta data {key!r}")
    return f"<xmd:entry{attribute('key', key)}>{content}</xmd:entry>"
