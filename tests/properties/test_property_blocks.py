"""Properties are written alike, whether their JSON is taken over or their values are looked at."""

from __future__ import annotations

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from shared.model.properties import JsonProperties
from shared.resourcesync.escaping import UnwritableTextError
from shared.resourcesync.v20.property_writer import properties_block

_SPECIAL = "\"\\/&<>%{}[]:,;'\0\x01\x1f\x7f\t\n\r\x85\u2028\ufffd\ufffe\uffffuü的😀nrt0"
_TEXTS = st.one_of(
    st.text(st.sampled_from(_SPECIAL), max_size=8),
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.sampled_from(["", ",", ":", '","', '":"', '"', "\\", '\\"', "\\n", "\\u0000", "{}", "]]>"]),
)


@given(st.dictionaries(_TEXTS, _TEXTS, min_size=1, max_size=5))
@example({"A": ""})
@example({"A": '5" tube', "B": "a\\b", "C": "two\nlines\r\n"})
@example({"A": "\\\\n", "B": '\\"'})
@example({"A%b": "100 %", "B": "%b"})
@example({"A&B": "<b>&amp;</b>", "&amp;": "&"})
def test_json_is_taken_over_as_its_values_are_written(properties: dict[str, str]) -> None:
    text = orjson.dumps(properties, option=orjson.OPT_SORT_KEYS).decode()
    in_this_order = dict(sorted(properties.items(), key=lambda pair: pair[0].encode()))
    assert _written(JsonProperties(text)) == _written(in_this_order)


def _written(properties: JsonProperties | dict[str, str]) -> bytes | str:
    try:
        return properties_block(properties)
    except UnwritableTextError as error:
        return str(error)
