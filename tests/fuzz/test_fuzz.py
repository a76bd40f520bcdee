"""Some rounds of the fuzz; ``make fuzz`` runs many."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.rounds import TOGETHER, configs, lists

SEED = 7


def test_mutated_lists_end_cleanly(tmp_path: Path) -> None:
    found = list(lists(SEED, 0, 6 * TOGETHER, tmp_path))
    assert [(number, outcome.crash) for number, _, outcome in found if outcome.crash] == []
    assert len(found) == 6 * TOGETHER
    assert {"done", "unusable", "partial"} <= {outcome.verdict for _, _, outcome in found}


def test_mutated_settings_are_told(tmp_path: Path) -> None:
    found = list(configs(SEED, 0, 60, tmp_path))
    assert [(number, outcome.crash) for number, _, outcome in found if outcome.crash] == []


def test_a_number_always_means_the_same(tmp_path: Path) -> None:
    (one,) = configs(SEED, 5, 1, tmp_path / "one")
    *_, same = configs(SEED, 0, 6, tmp_path / "two")
    assert one[:2] == same[:2]
