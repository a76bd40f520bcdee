"""Properties that are read when someone asks for them."""

from __future__ import annotations

from shared.model.properties import JsonProperties
from tests.support.instances.builders import a_sample


def test_properties_are_those_of_their_text() -> None:
    properties = JsonProperties('{"A":"1","B":"zwei \\"2\\""}')
    assert properties == {"A": "1", "B": 'zwei "2"'}
    assert list(properties) == ["A", "B"]
    assert len(properties) == 2
    assert properties["B"] == 'zwei "2"'
    assert "C" not in properties


def test_entities_with_them_are_equal_to_others() -> None:
    sample = a_sample(properties={"A": "1"})
    assert a_sample(properties=JsonProperties('{"A":"1"}')) == sample
    assert a_sample(properties=JsonProperties('{"A":"2"}')) != sample


def test_whether_there_are_any_is_known_without_reading_them() -> None:
    assert not JsonProperties("{}")
    assert JsonProperties('{"A":"this is not even JSON')
