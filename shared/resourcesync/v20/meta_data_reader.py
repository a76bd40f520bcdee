"""Reads the meta data of definitions, as strictly as openBIS 7 (openbis-7-sync.md, 3.4): nothing of
it is passed over."""

from __future__ import annotations

from lxml.etree import _Element

from shared.resourcesync.attributes import UnreadableError
from shared.resourcesync.names import name_of


def read_meta_data(definition: _Element) -> dict[str, str] | None:
    """The meta data of a definition, from the one ``xmd:metaData`` among its children; None if it
    has no such child: the source does not know of meta data."""
    blocks = [child for child in definition if name_of(child) == "xmd:metaData"]
    if len(blocks) > 1:
        raise UnreadableError("it has xmd:metaData twice")
    return _entries(blocks[0]) if blocks else None


def _entries(block: _Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in block:
        if name_of(entry) != "xmd:entry":
            raise UnreadableError(f"its xmd:metaData has an element {name_of(entry)}")
        key = entry.get("key")
        if key is None:
            raise UnreadableError("an xmd:entry of its xmd:metaData has no key")
        if key in found:
            raise UnreadableError(f"its xmd:metaData has the key {key!r} twice")
        if len(entry):
            raise UnreadableError(f"its xmd:metaData has elements within the entry {key!r}")
        found[key] = entry.text or ""
    return found
