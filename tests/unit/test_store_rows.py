"""Entities as rows: what is stored and hashed must read the same in every version."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from shared.store.rows import entity_row
from shared.store.tables import ENTITY_COLUMNS
from tests.support.instances.builders import a_sample

_NAMES = [column.name for column in ENTITY_COLUMNS]
_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.dictionaries(_TEXTS, _TEXTS))
def test_properties_are_json_with_sorted_keys_and_no_blanks(properties: dict[str, str]) -> None:
    row = entity_row(a_sample(properties=properties))
    stored = row[_NAMES.index("properties")]
    assert stored == json.dumps(
        properties, ensure_ascii=False, separators=(",", ":"), sort_keys=True
    )


def test_the_hash_of_an_entity_is_the_one_that_version_0_1_0_stored() -> None:
    """Else the first harvest after an upgrade would write every row again."""
    sample = a_sample(properties={"NOTES": 'a "quoted" β\n', "AMOUNT": "5"})
    assert entity_row(sample)[_NAMES.index("content_hash")].hex() == (
        "779c5101c747cddbfdd7566bf69d0bc9"
    )
