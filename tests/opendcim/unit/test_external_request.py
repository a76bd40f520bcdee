"""How an ExternalRequest is read, and what is said about one that is malformed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opendcim.connector.external_request import (
    AnswerPart,
    ElementId,
    ExternalRequest,
    Posted,
    read_posted,
)
from shared.errors import RequestError

MOST = 5
_NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_LEAVES = st.none() | st.booleans() | st.text() | _NUMBERS
GUID = "9f6c0d3e-6f8e-4a57-9d3e-1d2f3a4b5c6d"


def posted(content: Any) -> Posted:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read_posted(body, MOST)


def fault(**members: Any) -> str:
    found = posted({"Id": GUID} | members)
    assert found.request is None
    return found.fault or ""


@pytest.mark.parametrize(
    "content",
    [
        {"Id": GUID, "Elements": [{"DmaId": 1001, "ElementId": 15}]},
        {"ID": GUID, "Elements": [{"DMAID": "1001", "EID": " 15 "}]},
        {"RequestId": GUID, "ElementData": [{"DataMinerId": 1001, "ElementID": 15}]},
        {"request_id": GUID, "element-data": {"dma_id": 1001, "element_id": "15"}},
        {"id": GUID, "elements": ["1001/15"], "Unknown": 1},
        {"Id": GUID, "Elements": " 1001 / 15 ", "Include": None, "TimeoutSeconds": None},
    ],
)
def test_all_spellings_are_one_content(content: dict[str, Any]) -> None:
    usual = posted({"Id": GUID, "Elements": ["1001/15"]})
    assert posted(content) == usual
    assert usual.request == ExternalRequest(elements=(ElementId(1001, 15),))


def test_a_byte_order_mark_is_no_part_of_the_request() -> None:
    assert posted(b'\xef\xbb\xbf{"Id":1,"Elements":["1/1"]}').request_id == "1"


def test_what_is_wanted_is_read_in_any_case() -> None:
    content = {"Id": GUID, "Elements": ["1/1"], "Include": ["cabinet", "DEVICE", "Device"]}
    request = posted(content | {"TimeoutSeconds": "2.5"}).request

    assert request is not None
    assert request.include == {AnswerPart.CABINET, AnswerPart.DEVICE}
    assert request.timeout == timedelta(seconds=2.5)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({}, "Elements is missing"),
        ({"Elements": []}, "Elements is empty"),
        ({"Elements": ["1/1"] * 6}, "Elements has 6 elements; at most 5"),
        ({"Elements": ["1/1", "x"]}, 'Elements[1] must be a text such as "1001/15"'),
        ({"Elements": ["1/1", 7]}, "Elements[1] must be an object"),
        ({"Elements": [{"DmaId": 1}]}, "Elements[0].ElementId is missing"),
        ({"Elements": [{"DmaId": 0, "ElementId": 1}]}, "Elements[0].DmaId must be a whole"),
        ({"Elements": [{"DmaId": 1, "ElementId": "0"}]}, "Elements[0].ElementId must be a whole"),
        ({"Elements": [{"DmaId": 1, "ElementId": -1}]}, "Elements[0].ElementId must be a whole"),
        ({"Elements": [{"DmaId": 1, "ElementId": 1.5}]}, "Elements[0].ElementId must be a whole"),
        ({"Elements": [{"DmaId": True, "ElementId": 1}]}, "Elements[0].DmaId must be a whole"),
        ({"Elements": ["1/3000000000"]}, "Elements[0] must be a whole number"),
        ({"Elements": [{"DmaId": 1, "DMAID": 2, "EID": 3}]}, "Elements[0].DmaId is given 2 times"),
        ({"Elements": ["1/1"], "ElementData": ["1/2"]}, "Elements is given 2 times"),
        ({"Elements": ["1/1"], "Include": ["Device", "Rack"]}, "Include may hold Device, Parent"),
        ({"Elements": ["1/1"], "Include": [{}]}, "Include may hold"),
        ({"Elements": ["1/1"], "Include": []}, "Include must be a list"),
        ({"Elements": ["1/1"], "TimeoutSeconds": 0}, "TimeoutSeconds must be"),
        ({"Elements": ["1/1"], "TimeoutSeconds": True}, "TimeoutSeconds must be"),
        ({"Elements": ["1/1"], "TimeoutSeconds": [1]}, "TimeoutSeconds must be"),
        ({"Elements": ["1/1"], "TimeoutSeconds": "soon"}, "TimeoutSeconds must be"),
        ({"Elements": ["1/1"], "TimeoutSeconds": "nan"}, "TimeoutSeconds must be"),
    ],
)
def test_a_malformed_request_is_told_what_and_where(members: dict[str, Any], told: str) -> None:
    assert told in fault(**members)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[]", "must be a JSON object"),
        (b'{"Elements":["1/1"]}', "Id is missing"),
        (b'{"Id":null}', "Id is missing"),
        (b'{"Id":"","Elements":["1/1"]}', "Id must be a text"),
        (b'{"Id":"a/b"}', "Id must be a text"),
        (b'{"Id":".."}', "Id must be a text"),
        (b'{"Id":"a\\u0000"}', "Id must be a text"),
        (b'{"Id":"\\ud800"}', "Id must be a text"),
        (b'{"Id":true}', "Id must be a text"),
        (b'{"Id":{}}', "Id must be a text"),
        (b'{"Id":"a","Id":"b"}', "given twice"),
        (b'{"Id":"a","ID":"b"}', "Id is given 2 times"),
        (b'{"Id":NaN}', "NaN is no value"),
        (b'{"Id":"' + b"a" * 101 + b'"}', "Id must be a text"),
        (b'{"Id":' + b"1" * 5000 + b"}", "no JSON"),
        (b'{"Id":"a","x":' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_without_a_usable_id_nothing_can_be_kept(body: bytes, told: str) -> None:
    with pytest.raises(RequestError, match=told):
        posted(body)


def test_malformed_contents_are_told_apart_too() -> None:
    one, other = posted({"Id": GUID, "Elements": [0]}), posted({"Id": GUID, "Elements": [1]})
    again = posted({"Elements": [0], "Id": GUID})

    assert one.digest != other.digest
    assert one.digest == again.digest


def test_a_lone_surrogate_in_a_malformed_request_harms_nothing() -> None:
    assert fault(Elements=["\ud800"]).startswith("Elements[0]")


@given(
    elements=st.lists(
        st.builds(ElementId, st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1)),
        min_size=1,
        max_size=MOST,
    ),
    include=st.frozensets(st.sampled_from(AnswerPart), min_size=1),
    timeout=st.none() | st.integers(1, 10_000).map(lambda s: timedelta(seconds=s)),
)
def test_what_is_kept_of_a_request_is_the_request(
    elements: list[ElementId], include: frozenset[AnswerPart], timeout: timedelta | None
) -> None:
    request = ExternalRequest(elements=tuple(elements), include=include, timeout=timeout)
    assert ExternalRequest.from_json(request.to_json()) == request


@given(st.recursive(_LEAVES, st.lists))
def test_whatever_is_sent_is_a_request_or_told_to_be_none(value: object) -> None:
    found = posted(json.dumps({"Id": GUID, "Elements": value}).encode())
    assert (found.request is None) != (found.fault is None)
