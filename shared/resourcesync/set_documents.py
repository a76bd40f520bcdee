"""Writes documents that are plain ResourceSync 1.1, without anything of openBIS.

The order of elements is that of the sitemap schema. Sections are those of ResourceSync 1.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shared.resourcesync.escaping import attribute, escaped_text
from shared.resourcesync.terms import RS, SITEMAP, SITEMAP_INDEX, URL_SET
from shared.resourcesync.timestamps import format_timestamp

_NAMESPACES = f'xmlns="{SITEMAP}" xmlns:rs="{RS}"'
_DECLARATION = "<?xml version='1.0' encoding='UTF-8'?>\n"
_URL_SET = f"{_DECLARATION}<{URL_SET} {_NAMESPACES}>"
_INDEX = f"{_DECLARATION}<{SITEMAP_INDEX} {_NAMESPACES}>"
URL_SET_TAIL = f"</{URL_SET}>\n".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A document that another one names: its ``capability`` and where it is."""

    capability: str
    address: str


def write_description(described_by: str, capability_lists: Iterable[str]) -> bytes:
    """A source description (section 8): one capability list for each set of resources."""
    named = (Named(capability="capabilitylist", address=address) for address in capability_lists)
    head = f'{_link("describedby", described_by)}<rs:md capability="description"/>'
    return _document(head, named)


def write_capabilities(described_by: str, up: str, capabilities: Iterable[Named]) -> bytes:
    """A capability list (section 9): what is offered for one set of resources."""
    links = _link("describedby", described_by) + _link("up", up)
    return _document(f'{links}<rs:md capability="capabilitylist"/>', capabilities)


def file_list_head(up: str, at: datetime, index: str | None = None) -> bytes:
    """The head of a resource list (section 10.1), or of a part of one that has an index."""
    links = _link("up", up) + ("" if index is None else _link("index", index))
    return f"{_URL_SET}{links}{_resource_list(at)}\n".encode()


def file_entry(address: str, modified: datetime, length: int | None, digest: str | None) -> bytes:
    """An entry of a resource list. ``digest`` is ``sha-256:<hex>`` or ``md5:<hex>``."""
    facts = "" if digest is None else f' hash="{digest}"'
    facts += "" if length is None else f' length="{length}"'
    about = f"<rs:md{facts}/>" if facts else ""
    lastmod = format_timestamp(modified)
    return f"<url>{_loc(address)}<lastmod>{lastmod}</lastmod>{about}</url>\n".encode()


def write_list_index(up: str, at: datetime, parts: Iterable[str]) -> bytes:
    """A resource list index (section 10.2)."""
    moment = format_timestamp(at)
    entries = "".join(
        f'<sitemap>{_loc(part)}<rs:md at="{moment}" capability="resourcelist"/></sitemap>\n'
        for part in parts
    )
    head = f"{_INDEX}{_link('up', up)}{_resource_list(at)}\n"
    return f"{head}{entries}</{SITEMAP_INDEX}>\n".encode()


def _document(head: str, named: Iterable[Named]) -> bytes:
    entries = "".join(
        f"<url>{_loc(each.address)}<rs:md{attribute('capability', each.capability)}/></url>\n"
        for each in named
    )
    return f"{_URL_SET}{head}\n{entries}".encode() + URL_SET_TAIL


def _resource_list(at: datetime) -> str:
    return f'<rs:md at="{format_timestamp(at)}" capability="resourcelist"/>'


def _loc(address: str) -> str:
    return f"<loc>{escaped_text(address, 'loc')}</loc>"


def _link(relation: str, address: str) -> str:
    return f'<rs:ln rel="{relation}"{attribute("href", address)}/>'
