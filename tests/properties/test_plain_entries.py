"""What is read without the parser is what the parser would have read, however a list is spoiled."""

from __future__ import annotations

from functools import cache

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.errors import FormatError
from shared.model.entities import Entity
from shared.resourcesync.items import ListItem
from shared.resourcesync.v20.entry_reader import READER
from tests.properties import strategies as values
from tests.support.instances.builders import a_data_set, a_sample, some_master_data
from tests.support.instances.resource_lists import a_list, entry_of, read

# Before the first entry: then nobody can know any more what is open.
FOR_THE_PARSER = b"<!---->"

SPOILERS = [
    *(b"<", b">", b"&", b'"', b"'", b"=", b"/", b" ", b"\t", b"\n", b"\r", b"\x01", b"\x7f"),
    *(b"\xff", b"\xed\xa0\x80", b"\xef\xbf\xbf", "ü\u2028😀".encode()),
    *(b"&amp;", b"&#65;", b"&#13;", b"&#1;", b"&uuml;", b"]]>", b"<![CDATA[</url>]]>"),
    *(b"<!-- </url> -->", b"<!--", b"<?p </url>?>", b"<!DOCTYPE a>"),
    *(b"<url>", b"</url>", b"<url/>", b"</url >", b"<url></url>", b"</urlset>", b"</x:xd>"),
    *(b"<x:xd>", b"<x:value/>", b"<x:value>", b"</x:value>", b"<x:code>a</x:code>"),
    *(b"<x:each/>", b"<x:each>a</x:each>", b"<x:each>", b"</x:each>", b"<x:each >a</x:each>"),
    *(b"<x:properties>", b"<b>", b"<b/>", b"<y:b/>"),
    *(b' code="A"', b' xmlns="a"', b' xmlns:x="a"', b' x:kind="SAMPLE"', b' new="1"'),
]


@cache
def a_document() -> tuple[bytes, bytes]:
    """Cut before its first entry."""
    samples = [
        a_sample(properties={"NOTES": "grün & <b>bold</b>", "EMPTY": ""}),
        a_sample(properties={"NOTES": "two\nlines", "TAGS": ("a", "", "a & b")}),
        a_sample(properties={"TAGS": ("a", "b")}, description="5\" > 4'"),
    ]
    document = a_list([samples[0], some_master_data(), *samples[1:], a_data_set()])
    head, opening, rest = document.partition(b"<url>")
    return head, opening + rest


def _both(head: bytes, rest: bytes) -> tuple[list[ListItem] | None, list[ListItem] | None]:
    return _items(head + rest), _items(head + FOR_THE_PARSER + rest)


def _items(document: bytes) -> list[ListItem] | None:
    try:
        return read(document)
    except FormatError:
        return None


@settings(max_examples=600)
@given(where=st.integers(0), cut=st.integers(0, 12), spoiler=st.sampled_from([b"", *SPOILERS]))
@example(where=0, cut=0, spoiler=b"<url/><!-- ")
@example(where=0, cut=0, spoiler=b"</url ><!-- ")
def test_the_parser_agrees_wherever_a_list_is_spoiled(where: int, cut: int, spoiler: bytes) -> None:
    head, rest = a_document()
    place = where % len(rest)
    plainly, parsed = _both(head, rest[:place] + spoiler + rest[place + cut :])
    assert plainly == parsed


@given(written=st.lists(values.entities(), max_size=5))
def test_the_parser_agrees_on_all_that_is_written(written: list[Entity]) -> None:
    head, opening, rest = a_list(written).partition(b"<url>")
    plainly, parsed = _both(head, opening + rest)
    assert plainly == parsed
    assert plainly is not None


def test_most_entries_are_plain() -> None:
    several = {"TAGS": ("<a>", "", "<a>"), "MARKS": ("1", "2")}
    sample = a_sample(properties={"NOTES": 'grün & <b>"bold"</b>\n', "EMPTY": "", **several})
    assert READER.plain(entry_of(sample).encode()) == values.as_read_entity(sample)
    assert READER.plain(entry_of(a_data_set()).encode()) is None  # it has files
