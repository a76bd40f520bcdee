"""What of openDCIM's records is passed on."""

from __future__ import annotations

from opendcim.connector import fields
from tests.opendcim.invented_opendcim import SECRETS, a_device


def test_no_credential_and_no_field_of_the_future_is_passed_on() -> None:
    device = a_device(1, "x")
    shown = str(fields.passed_on(device, fields.DEVICE))
    candidate = str(fields.passed_on(device, fields.CANDIDATE))

    assert not [value for value in SECRETS.values() if value in shown + candidate]


def test_no_list_names_a_credential() -> None:
    lists = (fields.DEVICE, fields.CANDIDATE, fields.CABINET, fields.TEMPLATE, fields.PORT)
    named = {name.lower() for names in lists for name in names}

    assert not named & fields.CREDENTIALS
    assert not [name for name in named if "oid" in name or "notes" in name or "keylock" in name]


def test_custom_attributes_are_passed_on_by_name_only() -> None:
    device = a_device(1, "x", **{"DMA Link": "1001\u002f15", "Rack &#38; Row": "A", "Empty": ""})

    assert fields.custom_attributes(device, ()) == {}
    assert fields.custom_attributes(device, ("dma link", "Rack & Row", "Empty", "None")) == {
        "DMA Link": "1001/15",
        "Rack &#38; Row": "A",
    }


def test_a_credential_is_not_passed_on_even_if_it_is_named() -> None:
    assert fields.custom_attributes(a_device(1, "x"), ("SNMPCommunity", "APIPassword")) == {}


def test_nested_values_are_not_passed_on() -> None:
    assert fields.passed_on({"Label": {"a": 1}, "Height": 2.5}, ("Label", "Height", "x")) == {
        "Label": None,
        "Height": 2.5,
        "x": None,
    }


def test_numbers_may_come_as_texts() -> None:
    record = {"a": "7", "b": 7, "c": None, "d": True, "e": "x", "f": -1, "g": "-1"}
    assert [fields.number_of(record, key) for key in "abcdefgh"] == [7, 7, 0, 0, 0, -1, -1, 0]
