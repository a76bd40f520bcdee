"""Writes documents, with attributes and elements in openBIS's own order.

A resource list is its head, the entries of a `WireFormat` (master data, then the kinds in their
order), and its tail. The caller joins them, encoded as UTF-8, without white space between elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shared.model.unknown import Unknown
from shared.resourcesync.addresses import Addresses
from shared.resourcesync.escaping import attribute
from shared.resourcesync.terms import (
    AFS_SERVICE,
    CAPABILITY_LIST_FROM,
    RS,
    SCHEMA_LOCATION,
    SITEMAP,
    URL_SET,
    XMD,
    XSI,
    Document,
    X,
)
from shared.resourcesync.timestamps import format_timestamp
from shared.resourcesync.unknown_parts import unknown_attribute

_OPENING = (
    f"<?xml version='1.0' encoding='UTF-8'?>"
    f'<{URL_SET} xmlns="{SITEMAP}" xmlns:rs="{RS}" xmlns:xmd="{XMD}" xmlns:x="{X}"'
    f' xmlns:xsi="{XSI}" xsi:schemaLocation="{SCHEMA_LOCATION}">'
)
RESOURCE_LIST_TAIL = f"</{URL_SET}>"


def write_about(addresses: Addresses, named: Sequence[Document]) -> bytes:
    """The source description, which names these documents. It has no parent and so links to itself,
    as openBIS's does."""
    link = _links(addresses, Document.ABOUT, "describedby")
    head = f'{link}<rs:md capability="description"/>'
    return _short_document(head, addresses, named)


def write_capability_list(addresses: Addresses, named: Sequence[Document]) -> bytes:
    """The capability list, which names the lists that can be asked for."""
    head = (
        f"{_links(addresses, Document.ABOUT, 'up')}"
        f'<rs:md capability="capabilitylist" from="{CAPABILITY_LIST_FROM}"/>'
    )
    return _short_document(head, addresses, named)


def resource_list_head(addresses: Addresses, at: datetime, unknown: Sequence[Unknown] = ()) -> str:
    """The head of a resource list. ``at``: everything that was modified before is in the list
    (wire-format.md, 1.6).

    ``unknown``: parts of the whole list of which this is known when it begins.
    """
    link = _links(addresses, Document.CAPABILITY_LIST, "up")
    marks = unknown_attribute(unknown) if unknown else ""
    return f'{_OPENING}{link}<rs:md at="{format_timestamp(at)}" capability="resourcelist"{marks}/>'


def unknown_at_the_end(unknown: Sequence[Unknown]) -> str:
    """The element before the tail, for parts that turned out to be unknown while the list was
    written. It is no second ``rs:md``, since programs for ResourceSync refuse one behind an
    entry."""
    return f"<x:unknown{unknown_attribute(unknown)}/>" if unknown else ""


def _short_document(head: str, addresses: Addresses, named: Sequence[Document]) -> bytes:
    """A document whose entries are other documents."""
    entries = "".join([_document_entry(addresses, document) for document in named])
    return f"{_OPENING}{head}{entries}{RESOURCE_LIST_TAIL}".encode()


def _document_entry(addresses: Addresses, document: Document) -> str:
    location = addresses.document(document).replace("&", "&amp;")
    return f'<url><loc>{location}</loc><rs:md capability="{document.stem}"/></url>'


def _links(addresses: Addresses, target: Document, relation: str) -> str:
    """The link to another document, and that to the application file service if it is named."""
    link = _link(addresses.document(target), relation)
    return link if addresses.afs_url is None else link + _link(addresses.afs_url, AFS_SERVICE)


def _link(address: str, relation: str) -> str:
    return f'<rs:ln{attribute("href", address)} rel="{relation}"/>'
