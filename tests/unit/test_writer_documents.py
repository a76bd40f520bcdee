"""The three documents, byte for byte (wire-format.md, 1.3 and 1.4)."""

from __future__ import annotations

from shared.resourcesync.addresses import Addresses
from shared.resourcesync.terms import Document
from shared.resourcesync.writer import (
    RESOURCE_LIST_TAIL,
    resource_list_head,
    write_about,
    write_capability_list,
)
from tests.support.instances.resource_lists import ADDRESSES, AT, DOWNLOADS

HEAD = (
    "<?xml version='1.0' encoding='UTF-8'?>"
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    ' xmlns:rs="http://www.openarchives.org/rs/terms/"'
    ' xmlns:xmd="https://sis.id.ethz.ch/software/#openbis/xmdterms/"'
    ' xmlns:x="https://sis.id.ethz.ch/software/#openbis/xdterms/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xsi:schemaLocation="https://sis.id.ethz.ch/software/#openbis/xdterms/ ./xml/xdterms.xsd'
    ' https://sis.id.ethz.ch/software/#openbis/xmdterms/">'
)


def test_the_about_document_names_itself_and_the_capability_list() -> None:
    assert write_about(ADDRESSES, [Document.CAPABILITY_LIST]).decode() == (
        f'{HEAD}<rs:ln href="{DOWNLOADS}/re-sync/?verb=about.xml" rel="describedby"/>'
        '<rs:md capability="description"/>'
        f"<url><loc>{DOWNLOADS}/re-sync/?verb=capabilitylist.xml</loc>"
        '<rs:md capability="capabilitylist"/></url></urlset>'
    )


def test_the_capability_list_names_the_resource_list_and_carries_the_constant_from() -> None:
    assert write_capability_list(ADDRESSES, [Document.RESOURCE_LIST]).decode() == (
        f'{HEAD}<rs:ln href="{DOWNLOADS}/re-sync/?verb=about.xml" rel="up"/>'
        '<rs:md capability="capabilitylist" from="2013-02-07T22:39:00"/>'
        f"<url><loc>{DOWNLOADS}/re-sync/?verb=resourcelist.xml</loc>"
        '<rs:md capability="resourcelist"/></url></urlset>'
    )


def test_the_head_of_a_resource_list_carries_at_before_capability() -> None:
    assert resource_list_head(ADDRESSES, AT) + RESOURCE_LIST_TAIL == (
        f'{HEAD}<rs:ln href="{DOWNLOADS}/re-sync/?verb=capabilitylist.xml" rel="up"/>'
        '<rs:md at="2024-03-05T09:14:07Z" capability="resourcelist"/></urlset>'
    )


def test_addresses_lose_blanks_and_slashes_at_their_ends() -> None:
    untidy = Addresses(server_url=" https://h:8443/openbis/ ", download_url="https://h:8444// ")
    assert untidy == ADDRESSES
