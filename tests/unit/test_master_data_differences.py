"""How a changed definition is told to operators."""

from __future__ import annotations

from harvester.openbis.steps.master_data import described_differences
from tests.support.instances.builders import a_plugin, a_term


def test_each_field_is_told_with_both_values() -> None:
    before = a_term("OIL", 2, label="Olive oil", description=None)
    after = a_term("OIL", 3, label="Oil", description="fat")
    assert described_differences(before, after) == (
        "ordinal '2' becomes '3', label 'Olive oil' becomes 'Oil', "
        "description nothing becomes 'fat'"
    )


def test_who_defined_something_and_when_is_no_difference() -> None:
    before, after = a_term("OIL", registrator="mira"), a_term("OIL", registrator="otto")
    assert described_differences(before, after) == ""


def test_a_script_is_shown_in_one_line_and_not_as_a_whole() -> None:
    text = described_differences(a_plugin(script="a\nb"), a_plugin(script="x" * 5000))
    assert text.startswith(r"script 'a\nb' becomes 'xxx")
    assert text.endswith("x…")
    assert len(text) < 150
