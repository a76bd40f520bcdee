"""How the element registry is read, in all its forms, and when it is read again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opendcim.connector.external_request import ElementId
from opendcim.connector.external_response import RequestFailedError
from opendcim.connector.registry import read_registry
from opendcim.connector.registry_places import RegistryFile

ONE, TWO = ElementId(1001, 15), ElementId(1001, 16)


@pytest.mark.parametrize(
    "text",
    [
        "DmaId,ElementId,Name\n1001,15,ENC\n1001,16,DEC\n",
        'DMA ID;Element ID;Element Name\r\n1001;15;ENC\r\n\r\n1001;16;"DEC"\r\n',
        "name\tdma_id\teid\tother\nENC\t1001\t15\tx\nDEC\t1001\t16\ty\n",
        "Element,Name\n1001/15,ENC\n1001/16,DEC",
        "\ufeffDMA ID/EID;Name\n1001/15;ENC\n1001/16;DEC\n",
        '[{"DmaId":1001,"ElementId":15,"Name":"ENC"},{"DMAID":"1001","EID":"16","name":"DEC"}]',
        '{"Elements":[{"Element":"1001/15","ElementName":"ENC"},{"key":"1001/16","name":"DEC"}]}',
        ' {"1001/15": "ENC", "1001/16": " DEC "}',
    ],
)
def test_each_form_of_a_registry_gives_the_same_names(text: str) -> None:
    assert read_registry(text.encode(), "r").names == {ONE: "ENC", TWO: "DEC"}


@pytest.mark.parametrize("text", ["DmaId;ElementId;Name\n", "[]", "{}", '{"Elements":[]}', ""])
def test_an_empty_registry_knows_nobody(text: str) -> None:
    assert read_registry(text.encode(), "r").names == {}


def test_an_element_with_two_names_is_kept_apart() -> None:
    registry = read_registry(b"Element,Name\n1001/15,ENC\n1001/15,DEC\n1001/16,A\n1001/16,a\n", "r")

    assert registry.contradictory == {ONE: ("ENC", "DEC")}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"DmaId;ElementId;Name\n1001;15;ENC\n1001;x;DEC\n", "elements.csv, line 3: DmaId and"),
        (b"DmaId;ElementId\n1001;15\n", "line 2: there is no Name"),
        (b"\xff\xfe", "not in UTF-8"),
        (b"<html>no registry</html>\n<p>x</p>", "line 2: there is no Name"),
        (b'[{"DmaId":1}', "it is no JSON"),
        (b"[1]", "entry 1: it must be an object"),
        (b'[{"DmaId":1,"ElementId":1,"Name":null}]', "entry 1: there is no Name"),
        (b'[{"DmaId":true,"ElementId":1,"Name":"x"}]', "entry 1: DmaId and ElementId"),
    ],
)
def test_a_registry_at_fault_is_told_where(content: bytes, told: str) -> None:
    with pytest.raises(RequestFailedError, match=r"element registry elements\.csv") as refused:
        read_registry(content, "elements.csv")
    assert told in str(refused.value)


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "elements.csv"
    file.write_text("Element,Name\n1001/15,ENC\n")
    registry = RegistryFile(file)
    first = registry.current()

    assert registry.current() is first
    file.write_text("Element,Name\n1001/15,DEC\n")
    os.utime(file, ns=(1, 1))
    assert registry.current().names == {ONE: "DEC"}


def test_a_file_that_is_gone_is_an_error_and_not_what_it_said_before(tmp_path: Path) -> None:
    file = tmp_path / "elements.csv"
    file.write_text("Element,Name\n1001/15,ENC\n")
    registry = RegistryFile(file)
    registry.current()
    file.unlink()

    with pytest.raises(RequestFailedError, match="cannot be read: No such file"):
        registry.current()
