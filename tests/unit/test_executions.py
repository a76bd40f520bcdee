from __future__ import annotations

import pytest

from harvester.execution.batch import overall, summary
from harvester.runs.harvested import Harvested
from harvester.runs.report import PassReport
from harvester.runs.section_report import SectionReport
from shared.errors import ConflictError


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], 0),
        ([0, 0], 0),
        ([0, 7, 3], 3),
        ([4, 3], 4),
        ([8, 7], 7),
        ([10, 8, 11], 8),
        ([11, 10, 0], 10),
        ([0, 11], 11),
        ([11, 2], 2),
        ([10, 1], 1),
    ],
)
def test_what_keeps_a_whole_section_away_weighs_most(codes: list[int], expected: int) -> None:
    assert overall(codes) == expected


def test_a_pass_that_an_error_ends_does_not_say_that_there_is_nothing_to_do() -> None:
    harvested = Harvested(passes=(PassReport(dry_run=True),))
    whole, failed = (
        list(summary(SectionReport(name="DS1", harvested=harvested, error=error)))
        for error in (None, ConflictError(["SIZE has another data type here"]))
    )
    assert whole[0] == "[DS1] dry run: nothing to do"
    assert failed[0] == "[DS1] dry run: no changes until it failed"
    assert failed[-1].startswith("[DS1] FAILED: SIZE has another data type here")
