"""Plain ResourceSync documents and addresses: the rules of the specification and of sitemaps."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

import pytest

from shared.model.kinds import Kind
from shared.resourcesync.addresses import Addresses
from shared.resourcesync.set_addresses import SetAddresses
from shared.resourcesync.set_documents import (
    URL_SET_TAIL,
    file_entry,
    file_list_head,
    write_list_index,
)
from source_server.publication.resource_sets import ENTITIES, SETS, ResourceSet, description
from tests.support.stock_clients.rules import checked

ADDRESSES = Addresses(server_url="https://as.org/openbis", download_url="https://data.org:8444/x")
PLACES = SetAddresses(download_url="https://data.org:8444")
AT = datetime(2024, 3, 5, 9, 14, 7, 999_999, tzinfo=UTC)
UP = "https://data.org/up.xml"


def test_the_description_names_a_capability_list_for_each_set() -> None:
    document = checked(description(ADDRESSES, *SETS))

    assert document.md == {"capability": "description"}
    assert document.links == {"describedby": "https://data.org:8444/x/resourcesync/about.txt"}
    assert document.locs == [
        "https://data.org:8444/x/resourcesync/capabilitylist.xml",
        "https://data.org:8444/x/resourcesync/files/capabilitylist.xml",
    ]
    assert all(entry.md == {"capability": "capabilitylist"} for entry in document.entries)


def test_the_resource_list_that_openbis_harvesters_know_is_the_one_of_the_entities() -> None:
    document = checked(ENTITIES.described(ADDRESSES))

    assert document.md == {"capability": "capabilitylist"}
    assert document.links["up"] == "https://data.org:8444/x/.well-known/resourcesync"
    assert document.locs == [
        "https://data.org:8444/x/datastore_server/re-sync/?verb=resourcelist.xml"
    ]


@pytest.mark.parametrize("each", SETS)
def test_a_capability_list_names_each_capability_once(each: ResourceSet) -> None:
    names = [entry.md["capability"] for entry in checked(each.described(ADDRESSES)).entries]
    assert len(names) == len(set(names)) >= 1


def test_a_list_with_all_sorts_of_entries_keeps_the_rules() -> None:
    entries = [
        file_entry("https://data.org/a%20b'c(1)", AT, 0, f"sha-256:{'a' * 64}"),
        file_entry("https://data.org/b", AT, None, None),
        file_entry("https://data.org/c?a=1&b=2", AT, 5, f"md5:{'0' * 32}"),
    ]
    document = checked(file_list_head(UP, AT) + b"".join(entries) + URL_SET_TAIL)

    assert document.md == {"capability": "resourcelist", "at": "2024-03-05T09:14:07Z"}
    assert document.links == {"up": UP}
    assert [entry.lastmod for entry in document.entries] == ["2024-03-05T09:14:07Z"] * 3
    assert [entry.md for entry in document.entries] == [
        {"hash": f"sha-256:{'a' * 64}", "length": "0"},
        {},
        {"hash": f"md5:{'0' * 32}", "length": "5"},
    ]


def test_a_list_without_entries_is_one() -> None:
    assert checked(file_list_head(UP, AT) + URL_SET_TAIL).entries == ()


def test_an_index_names_its_parts_and_a_part_its_index() -> None:
    parts = [PLACES.part("abc", number) for number in (1, 2, 10_000)]
    index = checked(write_list_index(UP, AT, parts))
    part = checked(file_list_head(UP, AT, "https://data.org/index.xml") + URL_SET_TAIL)

    assert index.is_index
    assert index.locs == parts == sorted(parts)
    assert part.links == {"up": UP, "index": "https://data.org/index.xml"}


@pytest.mark.parametrize(
    "path",
    [
        "original/a.txt",
        "a b+c%41.txt",
        "q?u#oté.bin",
        "x&y=z;1.dat",
        "<>\"'`{}|\\^[]:*",
        "line\nbreak\ttab\x7f",
        "..a/b../...",
        "%2e%2e/%2F",
        "日本",
    ],
)
def test_an_address_is_below_its_prefix_and_says_the_whole_name(path: str) -> None:
    prefix = "/resourcesync/files/data-sets/1-2/"
    address = PLACES.data_set_file("1-2", path, is_afs=False)

    assert address is not None
    parts = urlsplit(address)
    assert (parts.query, parts.fragment) == ("", "")
    assert parts.path.startswith(prefix)
    assert unquote(parts.path.removeprefix(prefix)) == path
    checked(file_list_head(UP, AT) + file_entry(address, AT, 1, None) + URL_SET_TAIL)


@pytest.mark.parametrize("path", ["..", "../a", "a/..", "a/../b", ".", "a/./b", "", "/a", "a//b"])
def test_a_name_that_leads_elsewhere_has_no_address(path: str) -> None:
    assert PLACES.data_set_file("1-2", path, is_afs=False) is None
    assert PLACES.data_set_file("1-2", path, is_afs=True) is None
    assert PLACES.attachment(Kind.SAMPLE, "1-2", 1, path) is None
    assert PLACES.service_file(path) is None


def test_files_of_each_sort_have_a_folder_of_their_own() -> None:
    below = "https://data.org:8444/resourcesync/files"

    assert PLACES.data_set_file("1-2", "a/b", is_afs=False) == f"{below}/data-sets/1-2/a/b"
    assert PLACES.data_set_file("1-2", "a/b", is_afs=True) == f"{below}/afs/1-2/a/b"
    assert PLACES.service_file("a/b") == f"{below}/file-service/a/b"
    attachment = PLACES.attachment(Kind.SAMPLE, "1-2", 3, "a/b c")
    assert attachment == f"{below}/attachments/SAMPLE/1-2/3/a%2Fb%20c"
