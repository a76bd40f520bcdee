"""Records of the template repository: read from all that is sent, and written as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opendcim.records.envelope import Envelope, read_envelope, write_envelope
from opendcim.records.picture_names import (
    base_name,
    original_name,
    published_address,
    published_name,
)
from opendcim.records.reading import (
    read_manufacturer,
    read_number,
    read_submission,
    read_template,
)
from opendcim.records.records import CduDetails, Manufacturer, Port, SensorDetails, Slot, Template
from opendcim.records.texts import encoded, folded, plain
from opendcim.records.writing import (
    write_manufacturer,
    write_queued,
    write_submission,
    write_template,
)
from shared.errors import FormatError

CHASSIS = Template(
    template_id=2,
    manufacturer_id=1,
    model="c7000",
    device_type="Chassis",
    snmp_version="2c",
    slots=(Slot(position=1, x=10, y=20, w=30, h=40), Slot(position=1, back_side=1, w=9, h=9)),
)
CDU = Template(
    template_id=3,
    manufacturer_id=4,
    model="AP7841",
    device_type="CDU",
    snmp_version="1",
    cdu=CduDetails(managed=1, oid1="1.3.6.1", multiplier="0.1", voltage=208),
)
SENSOR = Template(
    manufacturer_id=4,
    model="AP9335T",
    device_type="Sensor",
    snmp_version="3",
    sensor=SensorDetails(temperature_oid="1.3", m_units="metric"),
)
SERVER = Template(
    manufacturer_id=1,
    model='AT&T <-> "O\'Brien"',
    device_type="Server",
    height=2,
    snmp_version="2c",
    last_modified="2026-11-21 22:54:46",
    ports=(Port(number=1, label="Gi0/1"), Port(number=2)),
    power_ports=(Port(number=1, label="PSU1"),),
)


@pytest.mark.parametrize("template", [CHASSIS, CDU, SENSOR, SERVER])
@pytest.mark.parametrize("numbers", [False, True])
def test_what_is_published_is_read_as_it_was(template: Template, *, numbers: bool) -> None:
    assert read_template(write_template(template, numbers=numbers)) == template


@pytest.mark.parametrize("template", [CHASSIS, CDU, SENSOR, SERVER])
def test_what_is_submitted_is_read_as_it_was(template: Template) -> None:
    read = read_submission(json.loads(json.dumps(write_submission(template))))

    assert read == read_template({**write_template(template), "LastModified": None})


@pytest.mark.parametrize("template", [CHASSIS, CDU, SENSOR, SERVER])
def test_what_is_queued_is_read_as_it_was(template: Template) -> None:
    queued = write_queued(template, 7, {"SubmittedBy": "", "ApprovedDate": None})

    assert queued["RequestID"] == "7"
    assert read_template({**queued, "LastModified": template.last_modified}) == template


def test_values_are_texts_unless_numbers_are_wanted() -> None:
    record = write_template(CHASSIS)
    slots: Any = record["slots"]

    assert record["TemplateID"] == "2"
    assert slots[0] == {
        "TemplateID": "2", "Position": "1", "BackSide": "0",
        "X": "10", "Y": "20", "W": "30", "H": "40",
    }  # fmt: skip
    assert write_template(CHASSIS, numbers=True)["TemplateID"] == 2
    assert record["LastModified"] == "0000-00-00 00:00:00"


def test_details_that_were_not_submitted_are_there_with_nothing_set() -> None:
    bare = Template(manufacturer_id=4, model="AP7841", device_type="CDU")
    details: Any = write_queued(bare, 7, {})["cdutemplate"]

    assert set(details.values()) == {None}
    assert read_template({"cdutemplate": details, "Model": "AP7841"}).cdu is None


@pytest.mark.parametrize("nothing", [None, "", "0", 0, False, " ", "0.0"])
def test_missing_numbers_are_nought(nothing: object) -> None:
    assert read_template({"Model": "x", "Height": nothing}).height == 0
    assert read_template({"Model": "x"}).height == 0


@pytest.mark.parametrize(
    ("written", "read"), [("12", 12), (" 12 ", 12), (12.0, 12), ("1.5", 2), ("-3", -3), (2.4, 2)]
)
def test_numbers_are_read_as_the_database_would(written: object, read: int) -> None:
    assert read_number(written, "Height") == read


@pytest.mark.parametrize(
    "wrong", ["abc", "1e5", "99999999999", [1], {"a": 1}, float("nan"), float("inf"), "0x10"]
)
def test_what_is_no_number_is_named_with_its_template(wrong: object) -> None:
    with pytest.raises(FormatError, match=r"template 5 'c7000': Height: .* is no number"):
        read_template({"TemplateID": 5, "Model": "c7000", "Height": wrong})


def test_an_unreadable_part_is_named_with_its_place() -> None:
    record = {"Model": "c7000", "slots": [{"Position": 1, "X": "left"}]}

    with pytest.raises(FormatError, match=r"template 'c7000': slots\[0\]: X: 'left' is no number"):
        read_template(record)


def test_two_ports_of_one_number_are_refused() -> None:
    ports = [{"PortNumber": 1, "Label": "a"}, {"PortNumber": "1", "Label": "b"}]

    with pytest.raises(FormatError, match="ports: 1 is there twice"):
        read_template({"Model": "x", "ports": ports})


@pytest.mark.parametrize("record", [None, "text", 5, ["a"]])
def test_what_is_no_record_is_refused(record: object) -> None:
    with pytest.raises(FormatError, match="no object with members"):
        read_template(record)


def test_lists_may_be_objects_with_numbers_as_keys() -> None:
    ports = {"2": {"PortNumber": "2", "Label": "b"}, "1": {"PortNumber": "1", "Label": "a"}}

    assert read_template({"Model": "x", "ports": ports}).ports == (
        Port(number=1, label="a"),
        Port(number=2, label="b"),
    )


def test_a_submission_is_of_the_global_id_and_never_of_the_clients_own() -> None:
    tree = {"template": {"TemplateID": 17, "GlobalID": "5", "Model": "x", "SNMPVersion": "9"}}
    read = read_submission({**tree, "slots": "no list", "cdutemplate": []})

    assert read.template_id == 5
    assert read.snmp_version == "2c"


def test_a_submission_without_a_template_says_what_may_be_wrong() -> None:
    with pytest.raises(FormatError, match="Content-Type"):
        read_submission({})


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("AT&#38;T O&#39;Brien", "AT&T O'Brien"),
        ("AT&amp;amp;T", "AT&T"),
        ("AT&T <b>O'Brien</b>", "AT&T O'Brien"),
        ("<scr<script>ipt>alert(1)</script>", "alert(1)"),
        ("&lt;script&gt;x", "x"),
        ("up <-> down", "up <-> down"),
        ("a\r\n\tb\x00 c", "a b c"),
        ("5 < 6 > 4", "5 < 6 > 4"),
    ],
)
def test_texts_are_read_plain(sent: str, shown: str) -> None:
    assert plain(sent) == shown


@given(st.text())
def test_a_text_that_was_read_stays_the_same_however_often_it_travels(text: str) -> None:
    once = plain(text)

    assert plain(encoded(once)) == plain(once)
    assert not set(encoded(once)) & set("<>\"'")


def test_names_compare_without_case_and_encoding() -> None:
    assert folded("AT&#38;T") == folded("at&t")
    assert folded("Dell") != folded("Dell, Inc.")


def test_a_published_manufacturer_has_its_ampersand_bare() -> None:
    record = write_manufacturer(Manufacturer(manufacturer_id=2, name='AT&T "<'))

    assert record["Name"] == "AT&T &#34;&#60;"
    assert read_manufacturer(record).name == 'AT&T "<'


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("pictures/x.png", "x.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\a\\b.png", "b.png"),
        ("..", ""),
        (".hidden.png", "hidden.png"),
        ("a<b>.png", "a.png"),
        ("a:b?.png", "a_b_.png"),
        ("", ""),
    ],
)
def test_of_a_file_name_only_what_is_harmless_is_kept(given_name: str, kept: str) -> None:
    assert base_name(given_name) == kept


def test_a_very_long_file_name_keeps_its_extension() -> None:
    name = base_name("ü" * 300 + ".png")

    assert name.endswith(".png")
    assert len(published_name(2**31 - 1, name).encode()) <= 255


@pytest.mark.parametrize("name", ["front.png", "1.2.png", "ü ö.png", "dl380"])
def test_the_original_name_is_found_in_a_published_address(name: str) -> None:
    address = published_address("https://repository.example/images/", published_name(17, name))

    assert "/images/17." in address
    assert original_name(address) == name


def test_a_name_without_an_id_is_its_own_original() -> None:
    assert original_name("front.png") == "front.png"


def test_an_envelope_is_written_as_php_writes_it() -> None:
    written = write_envelope(Envelope(code=200, content={"files": [], "path": "a/b ü"}))

    assert written == b'{"error":false,"errorcode":200,"files":[],"path":"a\\/b \\u00fc"}'
    assert read_envelope(written).content == {"files": [], "path": "a/b ü"}


def test_an_error_says_so_in_its_envelope() -> None:
    read = read_envelope(write_envelope(Envelope(code=403, message="no")))

    assert (read.is_error, read.code, read.message) == (True, 403, "no")


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        b"",
        b'{"error":true,"errorcode":200}',
        b'{"errorcode":200}',
        b"\xff",
    ],
)
def test_what_is_no_envelope_is_refused(body: bytes) -> None:
    with pytest.raises(FormatError):
        read_envelope(body)


def test_a_list_that_is_missing_is_told() -> None:
    with pytest.raises(FormatError, match="no list templates"):
        Envelope(code=200, content={"templates": {}}).list_of("templates")
