from __future__ import annotations

import pytest

from harvester.execution.batch import overall


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
