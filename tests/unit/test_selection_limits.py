"""Patterns that would keep the server busy are refused before anything is made of them."""

from __future__ import annotations

import pytest

from shared.errors import RequestError
from source_server.publication.selection import _PIECE, parse_patterns


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([r"\x{" * 33_334], "over 100,000 characters"),
        (["A" * 50_000, "B" * 50_001], "over 100,000 characters"),
        ([",".join(f"S{number}" for number in range(5_001))], "over 5,000 patterns"),
        ([r"\p{L}" * 201], "over 200 Unicode classes"),
        ([r"\PL"] * 101 + [r"A\pL"] * 100, "over 200 Unicode classes"),
        (
            [f"{letter}{{1000}}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq"],
            "large",
        ),
    ],
)
def test_too_much_is_refused(values: list[str], told: str) -> None:
    with pytest.raises(RequestError, match=told):
        parse_patterns("white_list", values)


@pytest.mark.parametrize("piece", [r"\x{", r"\p{", r"\P{", r"\Q", r"[", r"[^", "{", "&&", "\\"])
def test_no_piece_of_a_pattern_is_sought_further_than_it_may_go(piece: str) -> None:
    """Each piece begins where the last one ended, and none looks on for its end to the end of all:
    so what is looked at grows with the pattern only."""
    text = piece * 1_000
    pieces = _PIECE.findall(text)
    assert "".join(pieces) == text
    if piece != r"\Q":  # which takes all that follows, once
        assert max(map(len, pieces)) <= 3


def test_an_answer_shows_the_beginning_of_a_pattern_only() -> None:
    with pytest.raises(RequestError) as caught:
        parse_patterns("white_list", ["(" * 50_000])
    assert len(str(caught.value)) < 1_000


def test_a_long_list_of_codes_is_no_fault() -> None:
    patterns = parse_patterns("white_list", [",".join(f"S{number}" for number in range(2_000))])
    assert len(patterns.texts) == 2_000
