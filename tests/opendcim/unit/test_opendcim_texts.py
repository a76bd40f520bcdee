"""Texts from openDCIM and repositories that would keep a helper busy for long, or make it fail."""

from __future__ import annotations

import pytest

from opendcim.connector.fields import text_of
from opendcim.records.envelope import read_envelope
from opendcim.records.texts import _TAG, plain, unescaped
from shared.errors import FormatError


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


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"9" * 10_000])
def test_json_without_end_is_no_answer(body: bytes) -> None:
    with pytest.raises(FormatError, match="no JSON"):
        read_envelope(body)
