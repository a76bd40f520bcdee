"""What is too large for the parser: an entry fails alone if it can, else the list is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.errors import FormatError
from shared.model.entities import Entity, ServiceFile
from shared.model.limits import ATTRIBUTES, ENTRY_ELEMENTS, PARTS, TEXT_BYTES
from shared.resourcesync.entry_cutter import TooLong, cut
from shared.resourcesync.excess import Growth, excess_of, fault_of
from shared.resourcesync.items import ListItem, RecordFault
from shared.resourcesync.reader import read_resource_list
from shared.resourcesync.terms import SITEMAP
from shared.resourcesync.v20.entry_reader import READER
from shared.resourcesync.v20.version import V20
from tests.support.instances.builders import (
    a_data_set,
    a_sample,
    a_service_file,
    a_space,
    some_master_data,
)
from tests.support.instances.resource_lists import a_list, entry_of, read

SPACE = entry_of(a_space()).encode()


def chunks(document: bytes, size: int) -> Iterator[bytes]:
    return (document[start : start + size] for start in range(0, len(document), size))


@pytest.mark.parametrize("size", [1, 7, 1_000, 1_000_000])
@pytest.mark.parametrize("before", [0, 1, 3])
def test_an_entry_that_is_too_long_is_cut_out(size: int, before: int) -> None:
    long = b"<url><loc>http://h/SPACE/A/M</loc>" + b"x" * 5_000_000 + b"</url>"
    document = b"<urlset>" + SPACE * before + long + SPACE + b"</urlset>"
    if size < 1_000:  # it comes in small pieces only where that matters
        pieces = [document[:200], *chunks(document[200:400], size), document[400:-300]]
        given: Iterator[bytes] = iter([*pieces, *chunks(document[-300:], size)])
    else:
        given = chunks(document, size)
    found = list(cut(given, most=4_500_000))
    assert found[0] == b"<urlset>"
    assert found[1 : before + 1] == [SPACE] * before
    one = found[before + 1]
    assert isinstance(one, TooLong)
    assert one.length == len(long)
    assert long.startswith(one.beginning)
    assert found[before + 2 :] == [SPACE, b"</urlset>"]


def test_an_entry_without_an_end_takes_no_more_than_its_beginning() -> None:
    endless = (b"y" * 1_000_000 for _ in range(100))

    def given() -> Iterator[bytes]:
        yield b"<urlset><url><loc>"
        yield from endless

    *_, rest = cut(given(), most=4_500_000)
    assert isinstance(rest, bytes)
    assert len(rest) < 1 << 15


def test_an_entry_that_is_too_long_is_a_fault_of_its_own() -> None:
    loc = b"<url><loc>http://h/DATA_SET/20240101-1/M</loc><lastmod>"
    fault = fault_of(
        TooLong(beginning=loc, length=300),
        excess_of(TooLong(beginning=loc, length=3)),
        READER.named,
    )
    assert (fault.kind, fault.perm_id) == ("DATA_SET", "20240101-1")
    assert "the entry has 3 bytes, over" in fault.reason


@pytest.mark.parametrize(
    "beginning", [b"<url><x>", b"<url><loc>http://h/MASTER_DATA/MASTER_DATA/M</loc>", b"<url><loc>"]
)
def test_one_that_does_not_say_what_it_is_refuses_the_list(beginning: bytes) -> None:
    with pytest.raises(FormatError):
        fault_of(TooLong(beginning=beginning, length=300), "it is too long", READER.named)


def test_a_file_that_is_too_large_to_come_within_the_list_fails_alone() -> None:
    document = a_list([some_master_data(), a_service_file("a.png", b"x"), a_space()])
    before, _, after = document.partition(b"eA==</x:xd>")
    assert after

    def given() -> Iterator[bytes]:
        yield before
        for _ in range(TEXT_BYTES // (1 << 20) + 1):
            yield b"A" * (1 << 20)
        yield b"</x:xd>" + after

    *_, fault, space = read_resource_list(given(), V20)
    assert isinstance(fault, RecordFault)
    assert (fault.kind, fault.perm_id) == ("FILE", "a.png")
    assert fault.reason == f"a text in the entry has over {TEXT_BYTES:,} bytes"
    assert isinstance(space, Entity)


def test_an_entry_of_too_many_elements_fails_alone() -> None:
    head, _, tail = entry_of(a_data_set()).encode().rpartition(b"</x:xd>")
    entry = head + b"<a/>" * (2 * ENTRY_ELEMENTS) + b"</x:xd>" + tail
    document = a_list([some_master_data(), "HERE", a_space()]).replace(b"HERE", entry)
    *_, fault, space = read_resource_list([document], V20)
    assert isinstance(fault, RecordFault)
    assert fault.kind == "DATA_SET"
    assert f"elements, over {ENTRY_ELEMENTS:,}" in fault.reason
    assert isinstance(space, Entity)


@pytest.mark.parametrize(
    ("bite", "told"),
    [
        (b"<a/>" * 8_000, "tags"),
        (b"x" * 32_000, "bytes of text"),
        (b"<a>" + b"x" * 30_000, "bytes"),
    ],
)
def test_where_nothing_is_known_of_entries_the_list_is_refused(bite: bytes, told: str) -> None:
    with pytest.raises(FormatError, match=rf"no entry ends within [\d,]+ {told}; "):
        feed(Growth(), bite)


def feed(growth: Growth, bite: bytes) -> None:
    for _ in range(20_000):
        growth.check(bite)


def test_an_entry_that_ends_counts_no_more() -> None:
    growth = Growth()
    for _ in range(20_000):
        growth.check(b"<a>" + b"x" * 30_000)
        growth.entry_ended()


def with_attributes(entry: str, count: int) -> str:
    more = " ".join(f'a{number}="1"' for number in range(count))
    return entry.replace("<x:xd ", f"<x:xd {more} ", 1)


@pytest.mark.parametrize("kept", [False, True])
def test_an_element_of_too_many_attributes_fails_alone(kept: bool) -> None:  # noqa: FBT001
    count = ATTRIBUTES - 100 if kept else ATTRIBUTES
    entry = with_attributes(entry_of(a_space("WIDE")), count)
    items: list[ListItem] = read(a_list([some_master_data(), entry, a_space()]))
    wide, space = items[-2:]
    assert isinstance(wide, Entity if kept else RecordFault)
    assert isinstance(space, Entity)
    if isinstance(wide, RecordFault):
        assert (wide.kind, wide.perm_id) == ("SPACE", "WIDE")
        assert f"attributes, over {ATTRIBUTES:,}" in wide.reason


def test_parts_are_no_more_than_a_sitemap_may_have() -> None:
    part = b"<sitemap><loc>http://h/</loc></sitemap>"
    begin = f"<?xml version='1.0'?><sitemapindex xmlns='{SITEMAP}'>".encode()
    assert len(read(begin + part * 2_000 + b"</sitemapindex>")) == 1
    with pytest.raises(FormatError, match=f"in over {PARTS:,} parts"):
        read(begin + part * (PARTS + 1) + b"</sitemapindex>")


def test_elements_within_elements_without_end_refuse_the_list() -> None:
    entry = entry_of(a_sample(properties={"A": "1"})).replace(
        "</x:xd>", "<a>" * 5_000 + "</a>" * 5_000 + "</x:xd>"
    )
    with pytest.raises(FormatError, match="Excessive depth"):
        read(a_list([some_master_data(), entry]))


def test_a_reason_is_short_however_long_the_value() -> None:
    entry = entry_of(a_space("A")).replace('kind="SPACE"', f'kind="{"K" * 1_000_000}"')
    *_, fault = read(a_list([some_master_data(), entry]))
    assert isinstance(fault, RecordFault)
    assert len(fault.reason) < 1_000
    assert not isinstance(fault, ServiceFile)
