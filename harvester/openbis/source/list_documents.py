"""The address of a resource list, and the parts of a list that is an index."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from harvester.openbis.section import SectionConfig
from harvester.openbis.source.growing_file import GrowingFile
from harvester.openbis.source.items import BegunAnewError
from shared.errors import FormatError
from shared.resourcesync.items import ListIndex
from shared.resourcesync.reader import read_resource_list
from shared.resourcesync.terms import Document
from shared.resourcesync.v20.version import V20


def list_url(config: SectionConfig, document: Document = Document.RESOURCE_LIST) -> str:
    """The URL with one parameter per item, black list first, as the original harvester asks. The
    values are encoded, so that a regular expression arrives as it was written."""
    query = [
        ("verb", document.value),
        *(("black_list", pattern) for pattern in config.space_black_list),
        *(("white_list", pattern) for pattern in config.space_white_list),
    ]
    joint = "&" if "?" in config.resource_list_url else "?"
    return f"{config.resource_list_url}{joint}{urlencode(query, quote_via=quote)}"


def parts_of(document: GrowingFile) -> tuple[str, ...] | None:
    """The addresses in an index; None for a list, and for what only its reader can judge."""
    while True:
        try:
            item = next(iter(read_resource_list(document.blocks(), V20)), None)
        except BegunAnewError:
            continue
        except FormatError:
            return None
        return item.parts if isinstance(item, ListIndex) else None
