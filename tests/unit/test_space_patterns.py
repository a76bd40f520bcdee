"""Patterns of spaces beside the spaces that arrive, as the source matches them."""

from __future__ import annotations

import pytest

from harvester.openbis.checks.space_patterns import check_patterns
from harvester.openbis.source.probe import Probe
from harvester.runs.findings import Verdict
from tests.support.servers.scripted_source import section

ARRIVED = {"LAB_1", "LAB_2", "KITCHEN"}


def told(**patterns: tuple[str, ...]) -> list[tuple[str, str]]:
    """Subject and text of what is doubtful."""
    fields = {f"space_{name}_list": value for name, value in patterns.items()}
    found = check_patterns(section("http://h", **fields), ARRIVED, {"OFFICE"})
    return [(one.subject, one.text) for one in found if one.verdict is Verdict.WARNING]


@pytest.mark.parametrize(
    "pattern",
    ["LAB_1", "LAB_.", "(?i)lab_1", r"\QLAB_1\E", "KIT.*|NONE", r"\p{Lu}+", "[A-Z]+", "(?=LAB).*"],
)
def test_a_white_pattern_that_matches_a_whole_code_is_fine(pattern: str) -> None:
    assert told(white=(pattern,)) == []


@pytest.mark.parametrize(
    ("pattern", "near"),
    [
        ("LAB", "LAB_2"),
        ("lab_2", "LAB_2"),
        ("KICHTEN.*", "KITCHEN"),
        ("OFICE", "OFFICE"),
        ("QQQ", None),
    ],
)
def test_a_white_pattern_that_matches_none_is_told_with_the_nearest_code(
    pattern: str, near: str | None
) -> None:
    ((subject, text),) = told(white=(pattern, "KITCHEN"))
    assert subject == "space-white-list"
    assert text.startswith(f"{pattern!r} matches no space")
    assert text.partition("did you mean ")[2].rstrip("?") == (near or "")


def test_a_pattern_that_only_java_can_read_is_not_judged() -> None:
    assert told(white=("(?=QQQ).*", "QQ++"), black=("(?=lab).*",)) == []


@pytest.mark.parametrize(
    ("pattern", "missed"),
    [("lab_.*", "LAB_1, LAB_2"), ("Kitchen", "KITCHEN"), ("SYSTEM", None), ("LABS", None)],
)
def test_a_black_pattern_is_told_only_if_it_misses_a_space_by_its_letter_case(
    pattern: str, missed: str | None
) -> None:
    found = told(black=(pattern,))
    assert bool(found) == bool(missed)
    assert all(f"does not match {missed}, since letter case counts" in text for _, text in found)


def test_lists_that_are_empty_are_not_mentioned() -> None:
    assert list(check_patterns(section("http://h"), ARRIVED, ())) == []


def test_what_a_server_says_is_told_in_a_line() -> None:
    look = Probe(status=500, body=b"<h1>\nout of\torder\xff</h1>" + b"x" * 1000, skew=None)
    assert look.text.startswith("<h1> out of order\ufffd</h1>x")
    assert len(look.text) == 200
