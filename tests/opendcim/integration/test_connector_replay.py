"""The connector against the recorded answers of real openDCIM installations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.opendcim.connectors import Asking, a_connector
from tests.opendcim.opendcim_replay import (
    API_KEY,
    PASSWORD,
    USER,
    USER_ID,
    VERSIONS,
    Replay,
)
from tests.support.servers.web_server import serving

KEYS = {"opendcim_connector_user_id": USER_ID, "opendcim_connector_api_key": API_KEY}


@pytest.fixture(params=VERSIONS)
def replay(request: pytest.FixtureRequest) -> Replay:
    return Replay(request.param)


@contextmanager
def asking(tmp_path: Path, replay: Replay, **keys: object) -> Iterator[Asking]:
    with serving(replay) as url, a_connector(tmp_path, url, **(KEYS | keys)) as connector:
        yield connector


def only(row: dict[str, Any]) -> dict[str, Any]:
    assert row["Status"] == "Completed", row
    (element,) = row["Elements"]
    assert isinstance(element, dict)
    return element


def test_a_device_is_found_with_its_place_owner_and_template(
    tmp_path: Path, replay: Replay
) -> None:
    with asking(tmp_path, replay) as connector:
        element = only(connector.answer("1001/21"))

    assert element["Result"] == "Found"
    assert element["ElementName"] == "ENC-Brussels-01-backup"
    assert element["Device"]["Status"] == "Reserved"
    assert element["Location"] == {
        "Kind": "Cabinet",
        "DataCenter": {"DataCenterID": 1, "Name": "DC Brussels"},
        "Zone": {"ZoneID": 1, "Description": "Zone A"},
        "Row": {"CabRowID": 1, "Name": "Row 1"},
        "Cabinet": {
            "CabinetID": 1,
            "Location": "A-01",
            "Model": "NetShelter SX",
            "CabinetHeight": 42,
            "U1Position": "Bottom",
            "Rights": "Read",
        },
        "Position": 13,
        "Slot": None,
    }
    assert element["Department"] == {"DeptID": 1, "Name": "Broadcast Ops"}
    assert element["Template"]["Manufacturer"] == "HPE"
    assert element["Template"]["Model"] == "DL380 Gen9"
    assert replay.unrecorded == []


def test_two_devices_of_one_name_are_reported_and_none_is_chosen(
    tmp_path: Path, replay: Replay
) -> None:
    with asking(tmp_path, replay) as connector:
        element = only(connector.answer("1001/15"))

    assert element["Result"] == "Ambiguous"
    assert element["Device"] is None
    assert [found["DeviceID"] for found in element["Candidates"]] == [1, 6]
    assert replay.calls == ["device?Label=ENC-Brussels-01"]


def test_a_blade_is_where_its_chassis_is(tmp_path: Path, replay: Replay) -> None:
    with asking(tmp_path, replay) as connector:
        element = only(connector.answer("1001/16"))

    assert element["Parent"]["Label"] == "BLADE-CH-01"
    location = element["Location"]
    assert (location["Kind"], location["Slot"], location["Position"]) == ("Chassis", 1, 20)
    assert location["Cabinet"]["Location"] == "A-01"


def test_a_device_in_a_storage_room_has_a_data_centre_only(tmp_path: Path, replay: Replay) -> None:
    with asking(tmp_path, replay) as connector:
        element = only(connector.answer("1001/17"))

    assert element["Location"] == {
        "Kind": "Storage",
        "DataCenter": {"DataCenterID": 1, "Name": "DC Brussels"},
        "Zone": None,
        "Row": None,
        "Cabinet": None,
        "Position": None,
        "Slot": None,
    }


def test_names_with_signs_that_are_encoded_are_found_and_shown_plain(
    tmp_path: Path, replay: Replay
) -> None:
    with asking(tmp_path, replay) as connector:
        element = only(connector.answer("1001/18", Include=["Device"]))

    assert element["Result"] == "Found"
    assert element["Device"]["Label"] == "AT&T gateway"


def test_a_power_strip_is_found(tmp_path: Path, replay: Replay) -> None:
    with asking(tmp_path, replay) as connector:
        element = only(connector.answer("1001/19"))

    assert element["Device"]["DeviceType"] == "CDU"
    assert element["Template"]["Model"] == "AP7841"
    assert "1.3.6.1.4.1" not in str(element)


def test_a_device_that_is_not_there_is_not_found(tmp_path: Path, replay: Replay) -> None:
    with asking(tmp_path, replay) as connector:
        element = only(connector.answer("1001/20"))

    assert element["Result"] == "NotFound"


def test_ports_are_shown_in_their_order(tmp_path: Path, replay: Replay) -> None:
    """Device 1 is the one whose ports were recorded; its namesake is called otherwise here."""
    replay.rename(6, "another one")
    with asking(tmp_path, replay) as connector:
        element = only(connector.answer("1001/15"))

    assert [port["Label"] for port in element["Ports"]] == ["NIC1", "NIC2"]
    (power_port,) = element["PowerPorts"]
    assert (power_port["Label"], power_port["ConnectedDeviceID"]) == ("PSU1", 4)
    assert "uplink" not in str(element)


def test_basic_authentication_reaches_a_web_server_that_wants_it(
    tmp_path: Path, replay: Replay
) -> None:
    keys = {
        "opendcim_connector_user_id": None,
        "opendcim_connector_api_key": None,
        "opendcim_connector_user": USER,
        "opendcim_connector_password": PASSWORD,
    }
    with asking(tmp_path, replay, **keys) as connector:
        element = only(connector.answer("1001/17"))

    assert element["Result"] == "Found"


def test_a_wrong_api_key_fails_the_request_or_is_told(tmp_path: Path, replay: Replay) -> None:
    """25.01 answers 200 and Access Denied; 19.01 lets strangers in and blanks what they see."""
    with asking(tmp_path, replay, opendcim_connector_api_key="bad") as connector:
        row = connector.answer("1001/15")

    if replay.version == "25.01":
        assert (row["Status"], row["Error"]["Code"]) == ("Failed", "Refused")
        assert "user id and API key" in row["Error"]["Message"]
    else:
        assert only(row)["Result"] == "AccessDenied"
        assert "API key" in only(row)["Message"]


def test_a_web_server_that_does_not_know_the_user_fails_the_request(
    tmp_path: Path, replay: Replay
) -> None:
    keys = {
        "opendcim_connector_user_id": None,
        "opendcim_connector_api_key": None,
        "opendcim_connector_user": "stranger",
        "opendcim_connector_password": "wrong",
    }
    replay.refuse_basic()
    with asking(tmp_path, replay, **keys) as connector:
        row = connector.answer("1001/15")

    assert (row["Status"], row["Error"]["Code"]) == ("Failed", "Refused")


def test_a_user_without_the_right_to_read_is_told_so(tmp_path: Path, replay: Replay) -> None:
    keys = {
        "opendcim_connector_user_id": "noread",
        "opendcim_connector_api_key": "noreadkey",
    }
    replay.rename(6, "another one")
    with asking(tmp_path, replay, **keys) as connector:
        element = only(connector.answer("1001/15"))

    assert (element["Result"], element["Device"]) == ("AccessDenied", None)
    assert "right" in element["Message"]


def test_both_versions_give_the_same_answer(tmp_path: Path) -> None:
    answers = []
    for version in VERSIONS:
        replay = Replay(version)
        with asking(tmp_path / version.replace(".", "_"), replay) as connector:
            row = connector.answer("1001/15", "1001/16", "1001/17", "1001/18", "1001/19", "1001/20")
        answers.append(row["Elements"])

    assert answers[0] == answers[1]
