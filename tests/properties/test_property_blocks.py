"""Properties are written alike, whether their JSON is taken over or their values are looked at."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from shared.model.properties import JsonProperties, PropertyValue
from shared.resourcesync.escaping import UnwritableTextError
from shared.resourcesync.v20.property_writer import properties_block

_SPECIAL = "\"\\/&<>%{}[]:,;'\0\x01\x1f\x7f\t\n\r\x85\u2028\ufffd\ufffe\uffffuü的😀nrt0"
_TEXTS = st.one_of(
    st.text(st.sampled_from(_SPECIAL), max_size=8),
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.sampled_from(["", ",", ":", '","', '":"', '"', "\\", '\\"', "\\n", "\\u0000", "{}", "]]>"]),
    st.sampled_from(['":["', "[", '["', ":[", '"],"', "[]"]),
)
_VALUES = st.one_of(_TEXTS, st.lists(_TEXTS, min_size=2, max_size=4).map(tuple))


@given(st.dictionaries(_TEXTS, _VALUES, min_size=1, max_size=5), st.sets(_TEXTS))
@example({"A": ""}, set())
@example({"A": '5" tube', "B": "a\\b", "C": "two\nlines\r\n"}, set())
@example({"A": "\\\\n", "B": '\\"'}, set())
@example({"A%b": "100 %", "B": "%b"}, set())
@example({"A&B": "<b>&amp;</b>", "&amp;": "&"}, set())
@example({"A": ("x", "y"), "B": "z"}, set())
@example({"A": ("x", "y", "z")}, {"A"})
@example({"A": ("", "")}, {"A"})
@example({"A": ("", "1"), "B": ("", "2")}, {"B"})
@example({"A": '{"a":["b"]}', "B": '":["'}, set())
def test_json_is_taken_over_as_its_values_are_written(
    properties: dict[str, PropertyValue], joined: set[str]
) -> None:
    text = orjson.dumps(properties, option=orjson.OPT_SORT_KEYS).decode()
    in_this_order = dict(sorted(properties.items(), key=lambda pair: pair[0].encode()))
    assert _written(JsonProperties(text), joined) == _written(in_this_order, joined)


@given(st.dictionaries(_TEXTS, _VALUES, max_size=5))
def test_json_is_read_as_the_values_that_were_written(
    properties: dict[str, PropertyValue],
) -> None:
    assert JsonProperties(orjson.dumps(properties).decode()) == properties


def _written(properties: Mapping[str, PropertyValue], joined: set[str]) -> bytes | str:
    try:
        return properties_block(properties, joined)
    except UnwritableTextError as error:
        return str(error)
