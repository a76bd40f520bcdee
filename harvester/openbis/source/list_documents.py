"""The address of a resource list, and the parts of a list that is an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from harvester.openbis.roots import Root
from harvester.openbis.section import SectionConfig
from harvester.openbis.source.growing_file import GrowingFile
from harvester.openbis.source.items import BegunAnewError
from shared.errors import FormatError
from shared.resourcesync.items import ListIndex
from shared.resourcesync.reader import read_resource_list
from shared.resourcesync.terms import Document
from shared.resourcesync.v20.version import V20

# Characters of a URL; a longer one is sent as a form.
_LONGEST_URL = 2000


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A request for a list; ``form`` is the body of a POST, None for a GET."""

    url: str
    form: bytes | None = None


def list_url(config: SectionConfig, document: Document = Document.RESOURCE_LIST) -> str:
    """The URL with one parameter per item, black list first, as the original harvester asks. The
    values are encoded, so that a regular expression arrives as it was written."""
    query = [
        ("verb", document.value),
        *(("black_list", pattern) for pattern in config.space_black_list),
        *(("white_list", pattern) for pattern in config.space_white_list),
    ]
    return _with_query(config, urlencode(query, quote_via=quote))


def rooted_list(config: SectionConfig, roots: Sequence[Root], *, below: bool) -> ListRequest:
    """The request for what the roots select at an openBIS 7 (openbis-7-sync.md, 2.2). All flags are
    sent, since its defaults are not those of its manual."""
    flags = {
        "with_levels_above": True,
        "with_levels_below": below,
        "with_objects_and_data_sets_parents": config.with_objects_and_data_sets_parents,
        "with_objects_and_data_sets_children": config.with_objects_and_data_sets_children,
        "with_objects_and_data_sets_other_spaces": config.with_objects_and_data_sets_other_spaces,
    }
    query = [
        ("verb", Document.RESOURCE_LIST.value),
        *(("exportable_perm_id", str(root)) for root in roots),
        *((name, str(wanted).lower()) for name, wanted in flags.items()),
    ]
    encoded = urlencode(query, quote_via=quote)
    url = _with_query(config, encoded)
    if len(url) > _LONGEST_URL:
        return ListRequest(config.resource_list_url, encoded.encode())
    return ListRequest(url)


def _with_query(config: SectionConfig, query: str) -> str:
    joint = "&" if "?" in config.resource_list_url else "?"
    return f"{config.resource_list_url}{joint}{query}"


def parts_of(document: GrowingFile) -> tuple[str, ...] | None:
    """The addresses in an index, which is the same in every wire format; None for a list, and for
    what only its reader can judge."""
    while True:
        try:
            item = next(iter(read_resource_list(document.blocks(), V20)), None)
        except BegunAnewError:
            continue
        except FormatError:
            return None
        return item.parts if isinstance(item, ListIndex) else None
