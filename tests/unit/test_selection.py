"""The black and the white list: every edge case (wire-format.md, 2.1)."""

from __future__ import annotations

import random

import pytest

from shared.errors import RequestError
from shared.model.ids import Code, Identifier
from source_server.publication.catalogue import Scope
from source_server.publication.selection import Selection, parse_patterns, select

CODES = [Code(code) for code in ("A", "AB", "B", "DEFAULT", "ELN_SETTINGS")]


def chosen(*, white: list[str] | None = None, black: list[str] | None = None) -> set[str]:
    return set(
        select(
            CODES,
            parse_patterns("black_list", black or []),
            parse_patterns("white_list", white or []),
        )
    )


@pytest.mark.parametrize(
    ("values", "patterns"),
    [
        ([], ()),
        ([""], ("",)),
        (["  "], ("",)),
        ([","], ()),
        ([",,"], ()),
        (["A,,B"], ("A", "", "B")),
        ([",A"], ("", "A")),
        (["A, B "], ("A", "B")),
        (["A,"], ("A",)),
        (["A, "], ("A", "")),
        (["\t\x00A\x1f\n"], ("A",)),
        (["\u00a0A"], ("\u00a0A",)),
        (["A", "B,C"], ("A", "B", "C")),
        (["A,A"], ("A",)),
    ],
)
def test_a_value_is_split_and_trimmed_as_java_does(
    values: list[str], patterns: tuple[str, ...]
) -> None:
    assert parse_patterns("white_list", values).texts == patterns


@pytest.mark.parametrize(
    ("value", "as_white", "as_black"),
    [
        ("", set(), set(CODES)),
        (",", set(CODES), set(CODES)),
        (",,", set(CODES), set(CODES)),
        ("A,,B", {"A", "B"}, {"AB", "DEFAULT", "ELN_SETTINGS"}),
        (",A", {"A"}, {"AB", "B", "DEFAULT", "ELN_SETTINGS"}),
        ("A, B ", {"A", "B"}, {"AB", "DEFAULT", "ELN_SETTINGS"}),
    ],
)
def test_the_table_of_edge_cases(value: str, as_white: set[str], as_black: set[str]) -> None:
    assert chosen(white=[value]) == as_white
    assert chosen(black=[value]) == as_black


def test_without_lists_everything_is_chosen() -> None:
    assert chosen() == set(CODES)


def test_a_pattern_must_match_the_whole_code() -> None:
    assert chosen(white=["A"]) == {"A"}
    assert chosen(white=["A.*"]) == {"A", "AB"}


def test_an_alternative_does_not_weaken_the_full_match_of_the_others() -> None:
    assert chosen(white=["A|B", "DEF"]) == {"A", "B"}


def test_case_matters_unless_the_pattern_says_otherwise() -> None:
    assert chosen(white=["default"]) == set()
    assert chosen(white=["(?i)default", "b"]) == {"DEFAULT"}


def test_black_beats_white() -> None:
    assert chosen(white=["A.*"], black=["AB"]) == {"A"}


def test_a_comma_is_never_part_of_a_pattern() -> None:
    with pytest.raises(RequestError, match=r"'A\{1'.*comma"):
        parse_patterns("white_list", ["A{1,3}"])


@pytest.mark.parametrize(
    "pattern",
    ["(", "[", "*", "A)", r"\1", "(?=A)", "(?!A)", "(?<=A)B", "A++", "(?>A)", r"\p{Upper}", r"\Z"],
)
def test_what_the_engine_does_not_take_is_refused_with_parameter_pattern_and_reason(
    pattern: str,
) -> None:
    with pytest.raises(RequestError) as refused:
        parse_patterns("black_list", [f"B,{pattern}"])
    message = str(refused.value)
    assert message.startswith("black_list: the pattern ")
    assert repr(pattern) in message
    assert message.rpartition(": ")[2].strip()


@pytest.mark.parametrize("pattern", ["[A-Z&&[^X]]", "[A-Z&&B]", "[A[B]]", "[[:alpha:]]", r"\QA.B"])
def test_what_the_engine_would_read_otherwise_than_java_is_refused(pattern: str) -> None:
    with pytest.raises(RequestError, match="cannot be used"):
        parse_patterns("white_list", [pattern])


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        (r"\QA.B\E", "A.B"),
        (r"[\[&]", "["),
        ("[]A]", "]"),
        ("[^]A]", "B"),
        ("A&&B", "A&&B"),
        (r"\[\Q[[&&\E", "[[[&&"),
        ("A{3}", "AAA"),
        (r"\x{41}\p{Lu}[{]", "AB{"),
    ],
)
def test_quoting_and_plain_brackets_are_understood(pattern: str, code: str) -> None:
    assert parse_patterns("white_list", [pattern]).match(Code(code))


def test_a_pattern_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(RequestError, match="not valid Unicode"):
        parse_patterns("white_list", ["A\udcff"])


def test_patterns_that_are_too_large_are_refused() -> None:
    with pytest.raises(RequestError, match="too large"):
        parse_patterns("white_list", [f"(.*{letter}.{{900}}){{1}}" * 9 for letter in "ABCDEFGH"])


@pytest.mark.parametrize(
    "pattern", ["(A+)+X", "(A|A)*X", "(.*.*.*)*X", "(A?){500}A{500}X", "([A-Z]+)*_", "(A|AA)+X"]
)
def test_no_pattern_takes_exponential_time(pattern: str) -> None:
    letters = random.Random(1)  # noqa: S311 - no secret
    codes = [Code("".join(letters.choices("AB", k=100))) for _ in range(200)]

    assert (
        select([*codes, Code("A" * 100)], parse_patterns("b", []), parse_patterns("w", [pattern]))
        == set()
    )


def test_two_thousand_plain_codes_fit_into_a_list() -> None:
    codes = [Code(f"LAB_{number:04}_X") for number in range(2000)]
    assert parse_patterns("white_list", [",".join(codes)]).match(codes[1999])


def test_a_selection_keeps_whole_spaces_whole_and_projects_in_their_spaces() -> None:
    visible = Scope(
        spaces=frozenset({Code("A"), Code("B")}),
        projects=frozenset({Identifier("/C/P"), Identifier("/DEFAULT/Q")}),
    )
    selection = Selection(
        black=parse_patterns("black_list", ["B"]), white=parse_patterns("white_list", ["[ABC]"])
    )

    assert selection.within(visible) == Scope(
        spaces=frozenset({Code("A")}), projects=frozenset({Identifier("/C/P")})
    )
