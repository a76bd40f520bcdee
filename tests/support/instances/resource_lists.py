"""Resource lists for tests: written by our writer, read by our reader, or changed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from shared.model.entities import Entity, ServiceFile
from shared.model.ids import Code
from shared.model.master_data import MasterData
from shared.model.unknown import Unknown
from shared.resourcesync.addresses import Addresses
from shared.resourcesync.items import ListItem
from shared.resourcesync.reader import read_resource_list
from shared.resourcesync.v20.entity_writer import entity_entry, service_file_entry
from shared.resourcesync.v20.master_data_writer import master_data_entry
from shared.resourcesync.v20.version import V20
from shared.resourcesync.writer import RESOURCE_LIST_TAIL, resource_list_head, unknown_at_the_end

ADDRESSES = Addresses(server_url="https://h:8443/openbis", download_url="https://h:8444")
SERVER = "https://h:8443/openbis"
DOWNLOADS = "https://h:8444/datastore_server"
AT = datetime(2024, 3, 5, 9, 14, 7, tzinfo=UTC)

_EXAMPLE = Path(__file__).parents[2] / "golden" / "whole_list.xml"


@cache
def the_example() -> bytes:
    """A list with every kind, as the original would send it but for its line breaks."""
    return _EXAMPLE.read_bytes()


def entry_of(entity: Entity, data_sets: Sequence[Code] = ()) -> str:
    """The entry of an entity."""
    return entity_entry(ADDRESSES, entity, data_sets).decode()


def a_list(
    items: Sequence[MasterData | Entity | ServiceFile | str],
    at: datetime = AT,
    unknown: Sequence[Unknown] = (),
    at_the_end: Sequence[Unknown] = (),
) -> bytes:
    """A whole document with these items in this order; a text is taken as an entry. ``unknown``
    and ``at_the_end`` are what the list says of itself at its beginning and at its end."""
    parts = [resource_list_head(ADDRESSES, at, unknown)]
    for item in items:
        match item:
            case MasterData():
                parts.append(master_data_entry(ADDRESSES, item, at))
            case Entity():
                parts.append(entry_of(item))
            case ServiceFile():
                parts.append(service_file_entry(ADDRESSES, item).decode())
            case str():
                parts.append(item)
    return "".join([*parts, unknown_at_the_end(at_the_end), RESOURCE_LIST_TAIL]).encode()


def read(document: bytes, size: int = 1 << 16) -> list[ListItem]:
    """All items of the document, which comes in chunks of that size."""
    chunks = (document[start : start + size] for start in range(0, len(document), size))
    return list(read_resource_list(chunks, V20))


def opening(kind: str, perm_id: str) -> str:
    """All that stands before the ``x:xd`` of what the builders make, as openBIS names things."""
    return (
        f"<url><loc>{SERVER}/{kind}/{perm_id}/M</loc><lastmod>2024-02-03T12:00:00Z</lastmod>"
        f'<rs:ln href="{SERVER}?viewMode=SIMPLE&amp;anonymous=true#entity={kind}'
        f'&amp;permId={perm_id}" rel="describes"/>'
    )


def content(entry: str, kind: str, perm_id: str) -> str:
    """The ``x:xd`` of an entry whose beginning and end are as they must be."""
    assert entry.startswith(opening(kind, perm_id))
    assert entry.endswith("</url>")
    return entry.removeprefix(opening(kind, perm_id)).removesuffix("</url>")
