"""Texts from outside that would keep a helper busy for long, or make it fail."""

from __future__ import annotations

import pytest

from opendcim.connector.fields import text_of
from opendcim.records.envelope import read_envelope
from opendcim.records.texts import _TAG, plain, unescaped
from shared.errors import FormatError
from shared.page_title import title_of
from shared.resourcesync import prolog
from shared.resourcesync.prolog import checked


@pytest.mark.parametrize("number", ["9" * 5_000, "x" + "f" * 5_000, "0" * 10_000 + "65"])
def test_a_reference_with_an_endless_number_is_none(number: str) -> None:
    assert unescaped(f"a&#{number};b&amp;c") == "ab&c"
    assert plain(f"a&#{number}b") in {"a", "ab"}  # the letter b may be a digit
    assert text_of({"Label": f" a&#{number};"}, "Label") == "a"


def test_references_as_people_write_them_are_understood() -> None:
    assert unescaped("&#38;&#x26;&amp;&#0000000038;") == "&&&&"


def test_tags_within_tags_are_gone_after_a_few_rounds() -> None:
    text = "<b" * 50_000 + ">" * 50_000 + "end"
    assert _TAG.search(plain(text)) is None
    assert plain(text).endswith("end")
    assert plain("a<b<b>>c up <-> down") == "ac up <-> down"


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("<html><TITLE lang='en'>Not &amp;\n found</title>", "Not & found"),
        ("<title>one<title>two</title>", "one<title>two"),
        ("<title>" * 100_000, None),
        ("<title" * 100_000, None),
        ("<title>&#" + "9" * 10_000 + "</title>", "\ufffd"),
        ("\u0130<title>x</title>", "x"),
        ("nothing", None),
    ],
)
def test_the_title_of_a_page(page: str, title: str | None) -> None:
    assert title_of(page) == title


def test_a_page_is_read_up_to_a_limit() -> None:
    taken = 0

    def chunks() -> object:
        nonlocal taken
        while True:
            taken += 1
            yield b"<html>" + b"<title>" * 1_000

    with pytest.raises(FormatError, match="an HTML page without a title"):
        list(checked(chunks()))  # type: ignore[arg-type]
    assert taken * 7_006 < 2 * prolog._PAGE_LIMIT


def test_a_beginning_in_small_pieces_is_looked_at_a_few_times() -> None:
    beginning = b"<!--" + b"x" * 100_000
    looks = 0
    for looked in prolog._beginnings(iter([bytes([byte]) for byte in beginning] + [b"."])):
        looks += 1
        assert beginning.startswith(looked) or looked == beginning + b"."
        if len(looked) > len(beginning):
            break
    assert looks < 50


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"9" * 10_000])
def test_json_without_end_is_no_answer(body: bytes) -> None:
    with pytest.raises(FormatError, match="no JSON"):
        read_envelope(body)
