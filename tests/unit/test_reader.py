"""Whole documents: what is a resource list, what is not, and what the message says."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest

from shared.errors import FormatError
from shared.resourcesync.items import ListHead, ListIndex, RecordFault
from shared.resourcesync.reader import read_list_part, read_resource_list
from shared.resourcesync.terms import Document
from shared.resourcesync.v20.version import V20
from shared.resourcesync.writer import write_about, write_capability_list
from tests.support.instances.builders import a_sample, some_master_data
from tests.support.instances.resource_lists import ADDRESSES, AT, a_list, entry_of, opening, read

LIST = a_list([some_master_data(), a_sample(properties={"NOTES": "grün"})])
ITEMS = read(LIST)
DECLARATION = b"<?xml version='1.0' encoding='UTF-8'?>"
INDEX = (
    b'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    b' xmlns:rs="http://www.openarchives.org/rs/terms/">%s</sitemapindex>'
)


def refusal(document: bytes) -> str:
    with pytest.raises(FormatError) as caught:
        read(document)
    return str(caught.value)


def test_the_items_come_in_the_order_of_the_document() -> None:
    assert [type(item).__name__ for item in ITEMS] == ["ListHead", "MasterData", "Entity"]
    assert ITEMS[0] == ListHead(at=AT)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
def test_chunks_of_any_size_give_the_same_items(size: int) -> None:
    assert read(LIST, size) == ITEMS


def test_items_are_given_before_the_rest_has_come() -> None:
    def chunks() -> list[bytes]:
        end = LIST.index(b"</url>") + 6
        return [LIST[:end], b"never read"]

    items = read_resource_list(iter(chunks()), V20)
    assert [next(items), next(items)] == ITEMS[:2]


@pytest.mark.parametrize(
    "before", [b" ", b"\n\r\t ", b" " * 100_000, b"\xef\xbb\xbf", b" \xef\xbb\xbf"]
)
def test_blanks_and_a_byte_order_mark_before_the_document_are_accepted(before: bytes) -> None:
    assert read(before + LIST) == ITEMS
    assert read(before + LIST.removeprefix(DECLARATION)) == ITEMS


@pytest.mark.parametrize(
    "declaration",
    [
        b"",
        b'<?xml version="1.0" ?>',
        b'<?xml version="1.0" encoding="utf-8"?>\n',
        b"<?xml version='1.0'?><!-- a comment --><?sheet a='b'?>\n",
        b"<?xml version='1.0'?><!DOCTYPE urlset>",
        b"<!DOCTYPE urlset SYSTEM 'http://nowhere.example.org/[>].dtd'>",
        b'<!-- <!DOCTYPE a [ ]> --> <!DOCTYPE urlset PUBLIC "-//X//Y" "z.dtd" ><!-- > -->',
    ],
)
def test_every_harmless_prolog_is_accepted(declaration: bytes) -> None:
    document = declaration + LIST.removeprefix(DECLARATION)
    assert read(document) == ITEMS
    assert read(document, 1) == ITEMS


def test_another_encoding_is_read_by_its_declaration() -> None:
    text = LIST.decode().replace("UTF-8", "ISO-8859-1")
    assert read(text.encode("iso-8859-1")) == ITEMS


def test_comments_and_instructions_change_nothing() -> None:
    spread = LIST.replace(b"><", b"><!-- c --><?p i?>\n<")
    assert read(spread) == ITEMS
    assert read(LIST.replace("grün".encode(), "gr<!-- c -->ün".encode())) == ITEMS


def test_cdata_is_text() -> None:
    assert read(LIST.replace("grün".encode(), "<![CDATA[gr]]>ü<![CDATA[n]]>".encode())) == ITEMS


@pytest.mark.parametrize(
    "doctype",
    [
        b"<!DOCTYPE urlset [<!ENTITY a 'b'>]>",
        b"<!DOCTYPE urlset [<!ENTITY % a SYSTEM 'file:///etc/passwd'> %a;]>",
        b"<!DOCTYPE urlset SYSTEM 'x.dtd' [ <!ELEMENT urlset ANY> ]>",
        b"<!-- c --><!DOCTYPE urlset[",
    ],
)
def test_a_doctype_with_declarations_is_refused(doctype: bytes) -> None:
    document = DECLARATION + doctype + LIST.removeprefix(DECLARATION)
    assert "DOCTYPE with declarations" in refusal(document)


@pytest.mark.parametrize("doctype", [b"", b"<!DOCTYPE urlset SYSTEM 'x.dtd'>"])
def test_an_entity_is_never_expanded_and_never_dropped_in_silence(doctype: bytes) -> None:
    body = LIST.removeprefix(DECLARATION)
    for place in (b'registrator="mira"', "grün".encode()):
        spoiled = doctype + body.replace(place, place[:-1] + b"&foo;" + place[-1:])
        assert "foo" in refusal(spoiled)


def test_the_standard_entities_and_character_references_are_text() -> None:
    document = LIST.replace("grün".encode(), b"&lt;&gt;&amp;&quot;&apos;&#252;&#x1f37a;")
    item = read(document)[2]
    assert getattr(item, "properties", None) == {"NOTES": "<>&\"'ü\U0001f37a"}


def test_a_bomb_of_entities_is_refused_before_it_goes_off() -> None:
    bomb = b"<!ENTITY a 'ha'>" + b"".join(
        b"<!ENTITY %c '%s'>" % (98 + i, b"&%c;" % (97 + i) * 50) for i in range(20)
    )
    document = b"<!DOCTYPE urlset [" + bomb + b']><urlset a="&u;"/>'
    assert "DOCTYPE with declarations" in refusal(document)


@pytest.mark.parametrize("document", [b"", b" \n" * 10, b"\r\n"])
def test_an_empty_answer_is_called_empty(document: bytes) -> None:
    assert "empty" in refusal(document)


@pytest.mark.parametrize(
    "page",
    [
        b"<!doctype html><html><head><title>Log &amp; in\n here</title></head><br>",
        b"<html><title>Log &amp; in here</title></html>",
        b"<?xml version='1.0'?><!DOCTYPE html SYSTEM 'b'><html><title>Log &amp; in here</title>",
    ],
)
@pytest.mark.parametrize("size", [5, 1000])
def test_an_html_page_is_named_by_its_title(page: bytes, size: int) -> None:
    with pytest.raises(FormatError, match="an HTML page titled 'Log & in here'"):
        read(page, size)


def test_an_html_page_without_title_is_still_called_one() -> None:
    assert "an HTML page without a title" in refusal(b"<HTML><body>Download session expired.")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b'{"error": "no"}', 'it begins with \'{"error": "no"}\''),
        (gzip.compress(LIST), "no XML document"),
        (b"OK", "no XML document"),
        (b"<Error><code>5</code></Error>", "the root element of the answer is Error, not urlset"),
        (b"<urlsets/>", "the root element of the answer is urlsets"),
        (b"<ns:feed xmlns:ns='x'/>", "the root element of the answer is feed"),
        (LIST.decode().replace("UTF-8", "UTF-16").encode("utf-16"), "encoded as UTF-16"),
        (b"<?xml version='1.0' encoding='UTF-7'?>" + LIST, "encoded as UTF-7"),
        (b"<!-- " + b"x" * (1 << 20), "no XML document"),
        (b"<?xml version='1.0'?><!-- cut", "ends after 29 bytes, before its root element"),
    ],
)
def test_what_is_no_list_at_all_is_described(document: bytes, message: str) -> None:
    assert message in refusal(document)


def test_a_cut_list_says_how_many_bytes_came() -> None:
    assert "ends after 2000 bytes, before its root element is closed" in refusal(LIST[:2000])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"</url>", b"</ur>"),
        (b'registrator="mira"', b'registrator="<"'),
        (b'kind="SAMPLE"', b'kind="SAMPLE" kind="SAMPLE"'),
        ("grün".encode(), b"gr\xfcn"),
        ("grün".encode(), b"&#1;"),
        (b"x:xd", b"y:xd"),
    ],
)
def test_what_is_not_well_formed_is_refused_with_its_place(old: bytes, new: bytes) -> None:
    assert "not well-formed at line 1, column" in refusal(LIST.replace(old, new))


def test_what_is_spoiled_behind_entries_that_were_read_is_said_to_lie_there() -> None:
    entry = entry_of(a_sample(properties={"NOTES": "green"}))
    document = a_list([some_master_data(), *[entry] * 3, entry.replace("</x:xd>", "</x:xe>")])
    begin = document.rindex(b"<url>")
    end = document.rindex(b"</url>") + len(b"</url>")
    assert f"not well-formed between bytes {begin} and {end}: " in refusal(document)
    begin, end = LIST.rindex(b"</urlset>"), len(LIST) + len(b"<urlset/>")
    assert f"not well-formed between bytes {begin} and {end}: " in refusal(LIST + b"<urlset/>")


@pytest.mark.parametrize("spoiled", [b"", b'at="" ', b'at=" " '])
def test_a_list_without_at_is_refused(spoiled: bytes) -> None:
    document = LIST.replace(b'at="2024-03-05T09:14:07Z" ', spoiled)
    assert "no rs:md with the attribute at (the document is a resourcelist)" in refusal(document)


def test_a_list_without_any_head_is_refused() -> None:
    head = b'<rs:md at="2024-03-05T09:14:07Z" capability="resourcelist"/>'
    assert "no rs:md with the attribute at" in refusal(LIST.replace(head, b""))
    assert "no rs:md with the attribute at" in refusal(b"<urlset/>")


def test_an_unreadable_at_is_named() -> None:
    assert "'soon'" in refusal(LIST.replace(b"2024-03-05T09:14:07Z", b"soon"))


@pytest.mark.parametrize("write", [write_about, write_capability_list])
def test_another_document_of_the_source_is_no_list(write: object) -> None:
    assert callable(write)
    assert "the document is a " in refusal(write(ADDRESSES, [Document.RESOURCE_LIST]))


def test_at_is_read_whatever_its_zone() -> None:
    document = LIST.replace(b"2024-03-05T09:14:07Z", b" 2024-03-05T09:14:07.5+02:00\n")
    assert read(document)[0] == ListHead(at=datetime(2024, 3, 5, 7, 14, 7, tzinfo=UTC))


def test_a_list_index_gives_the_addresses_of_its_parts() -> None:
    parts = (
        b"<sitemap><loc> https://h/1 </loc></sitemap>\n<sitemap><loc>https://h/2</loc></sitemap>"
    )
    index = INDEX % (b'<rs:md at="2024-03-05T09:14:07Z" capability="resourcelist"/>' + parts)
    assert read(index) == [ListIndex(parts=("https://h/1", "https://h/2"))]


@pytest.mark.parametrize("inner", [b"", b"<sitemap/>", b"<sitemap><loc/></sitemap>"])
def test_a_list_index_without_parts_is_refused(inner: bytes) -> None:
    assert "names no part" in refusal(INDEX % inner)


def test_a_later_part_of_a_list_needs_no_at() -> None:
    part = LIST.replace(b' at="2024-03-05T09:14:07Z"', b"")
    assert list(read_list_part([part], V20)) == ITEMS[1:]
    with pytest.raises(FormatError, match="ends after"):
        list(read_list_part([part[:-1]], V20))


def test_master_data_may_stand_anywhere() -> None:
    sample = a_sample()
    items = read(a_list([sample, some_master_data(), sample]))
    assert [type(item).__name__ for item in items[1:]] == ["Entity", "MasterData", "Entity"]


def test_unknown_elements_beside_the_entries_are_ignored() -> None:
    stranger = '<stranger><url><loc>x/M</loc></url></stranger><x:xd kind="SAMPLE"/>'
    assert read(a_list([stranger, a_sample(), stranger]))[1:] == [a_sample()]


def test_one_bad_record_leaves_the_others() -> None:
    spoiled = f'{opening("SAMPLE", "S-9")}<x:xd kind="SAMPLE"/></url>'.replace("2024-02", "soon")
    items = read(a_list([a_sample(1), spoiled, a_sample(2)]))
    fault = items[2]
    assert isinstance(fault, RecordFault)
    assert (fault.kind, fault.perm_id) == ("SAMPLE", "S-9")
    assert "soon" in fault.reason
    assert [items[1], items[3]] == [a_sample(1), a_sample(2)]
