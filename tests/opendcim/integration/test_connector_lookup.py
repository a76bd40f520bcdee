"""What the connector finds, and how it asks: against an invented openDCIM."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from tests.opendcim.connectors import Asking, a_connector, write_elements
from tests.opendcim.invented_opendcim import (
    API_KEY,
    PASSWORD,
    SECRETS,
    USER,
    USER_ID,
    InventedOpenDcim,
    a_device,
    json_error,
    refuses,
)
from tests.support.servers.web_server import serving


@pytest.fixture
def opendcim() -> InventedOpenDcim:
    return InventedOpenDcim()


@contextmanager
def asking(tmp_path: Path, opendcim: InventedOpenDcim, **keys: object) -> Iterator[Asking]:
    with serving(opendcim) as url, a_connector(tmp_path, url, **keys) as connector:
        yield connector


def looked_up(
    tmp_path: Path, opendcim: InventedOpenDcim, name: str = "enc-1", **members: Any
) -> dict[str, Any]:
    """The answer for one element of this name."""
    write_elements(tmp_path, {"1/1": name})
    with asking(tmp_path, opendcim) as connector:
        row = connector.answer("1/1", **members)
    assert row["Status"] == "Completed", row
    (element,) = row["Elements"]
    assert isinstance(element, dict)
    return element


@pytest.mark.parametrize("name", ["ENC-1", "enc-1", "  Enc-1 "])
def test_names_are_compared_ignoring_case_and_blanks(
    tmp_path: Path, opendcim: InventedOpenDcim, name: str
) -> None:
    opendcim.devices = [a_device(1, "Enc-1"), a_device(2, "enc-1-backup")]

    assert looked_up(tmp_path, opendcim, name)["Device"]["DeviceID"] == 1


def test_no_secret_of_opendcim_is_in_any_answer(tmp_path: Path, opendcim: InventedOpenDcim) -> None:
    port = {"DeviceID": 1, "PortNumber": 1, "Label": "P1", "Notes": "port-secret"}
    opendcim.devices = [
        a_device(1, "enc-1", ParentDevice=4),
        a_device(2, "twin"),
        a_device(3, "TWIN"),
        a_device(4, "chassis", DeviceType="Chassis"),
    ]
    opendcim.port_records = [{"kind": kind} | port for kind in ("deviceport", "powerport")]
    write_elements(tmp_path, {"1/1": "enc-1", "1/2": "twin"})
    with asking(tmp_path, opendcim) as connector:
        row = connector.answer("1/1", "1/2")
        everything = json.dumps(row) + connector.http.get("/external-requests").text
    kept = b"".join(file.read_bytes() for file in (tmp_path / "data").iterdir())

    assert [element["Result"] for element in row["Elements"]] == ["Found", "Ambiguous"]
    assert row["Elements"][0]["Ports"][0]["Label"] == "P1"
    for secret in [*SECRETS.values(), "secret", API_KEY]:
        assert secret not in everything
        assert secret.encode() not in kept


def test_custom_attributes_are_shown_if_the_operator_says_so(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    opendcim.devices = [a_device(1, "enc-1", **{"DMA Link": "1/1"})]
    write_elements(tmp_path, {"1/1": "enc-1"})
    with asking(tmp_path, opendcim, opendcim_connector_custom_attributes="dma link") as connector:
        row = connector.answer("1/1")

    assert row["Elements"][0]["Device"]["Custom"] == {"DMA Link": "1/1"}


def test_a_parameter_that_is_ignored_is_noticed(tmp_path: Path, opendcim: InventedOpenDcim) -> None:
    """Some versions then send all devices."""
    opendcim.devices = [a_device(number, f"other-{number}") for number in range(1, 50)]

    async def forgets(request: Any) -> Any:
        if "Label=" in request.url.query:
            return opendcim._answer(type(request)(request.scope | {"query_string": b""}))
        return None

    opendcim.trouble = forgets

    assert looked_up(tmp_path, opendcim)["Result"] == "NotFound"


def test_a_device_without_rights_is_denied_and_nothing_more_is_asked(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    opendcim.devices = [a_device(7, "enc-1", Rights="None")]
    element = looked_up(tmp_path, opendcim)

    assert (element["Result"], element["Device"], element["Location"]) == (
        "AccessDenied",
        None,
        None,
    )
    assert "device 7" in element["Message"]
    assert len(opendcim.calls) == 1


def test_candidates_are_shown_with_what_tells_them_apart(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    opendcim.devices = [
        a_device(1, "enc-1", Status="Disposed"),
        a_device(2, "ENC-1", Cabinet=2),
    ]
    element = looked_up(tmp_path, opendcim)

    assert element["Result"] == "Ambiguous"
    assert element["Message"] == "2 devices in openDCIM have this name"
    assert [(c["DeviceID"], c["Status"], c["Cabinet"]) for c in element["Candidates"]] == [
        (1, "Disposed", 1),
        (2, "Production", 2),
    ]


def test_a_device_in_chassis_within_chassis_is_in_the_cabinet_of_the_outermost(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    opendcim.devices = [
        a_device(1, "enc-1", ParentDevice=2, Position=5, Cabinet=0),
        a_device(2, "inner", ParentDevice=3, Position=3, Cabinet=0),
        a_device(3, "outer", Position=30, Cabinet=2),
    ]
    element = looked_up(tmp_path, opendcim)

    assert element["Parent"]["Label"] == "inner"
    location = element["Location"]
    assert (location["Kind"], location["Slot"], location["Position"]) == ("Chassis", 5, 30)
    assert location["Cabinet"]["Location"] == "B-02"
    assert location["DataCenter"] == {"DataCenterID": 2, "Name": "DC Two"}


def test_a_cabinet_without_row_and_zone_asks_for_neither(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    opendcim.devices = [a_device(1, "enc-1", Cabinet=2)]
    location = looked_up(tmp_path, opendcim)["Location"]

    assert (location["Row"], location["Zone"]) == (None, None)
    assert not [call for call in opendcim.calls if call.startswith(("zone", "cabrow"))]


def test_ids_of_zero_are_never_asked_for(tmp_path: Path, opendcim: InventedOpenDcim) -> None:
    opendcim.devices = [a_device(1, "enc-1", Cabinet=0, Owner=0, TemplateID=0)]
    element = looked_up(tmp_path, opendcim)

    assert element["Location"]["Kind"] == "Unknown"
    assert (element["Department"], element["Template"]) == (None, None)
    assert opendcim.calls == ["device?Label=enc-1", "deviceport/1", "powerport/1"]


@pytest.mark.parametrize("kind", ["circle", "itself", "missing"])
def test_a_chassis_that_leads_nowhere_is_told(
    tmp_path: Path, opendcim: InventedOpenDcim, kind: str
) -> None:
    parent = {"circle": 2, "itself": 1, "missing": 99}[kind]
    opendcim.devices = [
        a_device(1, "enc-1", ParentDevice=parent, Position=4),
        a_device(2, "chassis", ParentDevice=1),
    ]
    element = looked_up(tmp_path, opendcim)

    assert element["Result"] == "Found"
    assert element["Message"].startswith("Parent: ")
    assert (element["Location"]["Kind"], element["Location"]["Slot"]) == ("Chassis", 4)
    assert element["Location"]["Cabinet"] is None


@pytest.mark.parametrize(("position", "center"), [(2, "DC Two"), (0, None)])
def test_a_storage_room_belongs_to_a_data_centre_or_to_none(
    tmp_path: Path, opendcim: InventedOpenDcim, position: int, center: str | None
) -> None:
    opendcim.devices = [a_device(1, "enc-1", Cabinet=-1, Position=position)]
    element = looked_up(tmp_path, opendcim)
    found = element["Location"]["DataCenter"]

    assert element["Location"]["Kind"] == "Storage"
    assert (found and found["Name"]) == center
    assert (element["Message"] is None) == bool(center)


def test_a_disposed_device_has_no_place(tmp_path: Path, opendcim: InventedOpenDcim) -> None:
    opendcim.devices = [a_device(1, "enc-1", Status="Disposed")]
    element = looked_up(tmp_path, opendcim)

    assert (element["Result"], element["Location"]["Kind"]) == ("Found", "Unknown")
    assert element["Location"]["Cabinet"] is None
    assert "disposed" in element["Message"]


def test_a_part_that_this_user_may_not_see_is_missing_and_told(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    """As departments with isolation switched on."""
    opendcim.devices = [a_device(1, "enc-1")]
    opendcim.trouble = refuses(["department"], json_error(403))
    element = looked_up(tmp_path, opendcim)

    assert (element["Result"], element["Department"]) == ("Found", None)
    assert element["Message"] == "Department: openDCIM answered 403 to department"
    assert element["Template"]["Manufacturer"] == "Acme"


def test_only_what_is_wanted_is_asked_for(tmp_path: Path, opendcim: InventedOpenDcim) -> None:
    opendcim.devices = [a_device(1, "enc-1", ParentDevice=2), a_device(2, "chassis")]
    element = looked_up(tmp_path, opendcim, Include=["device"])

    assert element["Device"]["Label"] == "enc-1"
    assert element["Parent"] is None
    assert element["Location"]["Kind"] == "Chassis"
    assert opendcim.calls == ["device?Label=enc-1"]


def test_what_several_devices_share_is_asked_once(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    opendcim.devices = [a_device(n, f"enc-{n}", Ports=0, PowerSupplyCount=0) for n in range(1, 21)]
    write_elements(tmp_path, {f"1/{n}": f"enc-{n}" for n in range(1, 21)})
    with asking(tmp_path, opendcim) as connector:
        row = connector.answer(*[f"1/{n}" for n in range(1, 21)], "1/1", "1/1")

    assert [e["ElementId"] for e in row["Elements"]] == [*range(1, 21), 1, 1]
    assert {e["Template"]["Model"] for e in row["Elements"]} == {"Rack 2000"}
    assert row["Elements"][0]["Department"]["Name"] == "Broadcast & Ops"
    others = sorted(call for call in opendcim.calls if not call.startswith("device?Label="))
    assert others == [
        "cabinet?CabinetID=1",
        "cabrow?CabRowID=1",
        "datacenter/1",
        "department?DeptID=1",
        "devicetemplate/1",
        "manufacturer",
        "zone?ZoneID=1",
    ]
    assert len(opendcim.calls) == 20 + len(others)


def test_elements_that_nobody_knows_cost_no_call(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    (tmp_path / "elements.csv").write_text("Element;Name\n1/2;a\n1/2;b\n1/3;\n")
    with asking(tmp_path, opendcim) as connector:
        row = connector.answer("1/1", "1/2", "1/3")

    assert row["Status"] == "Completed"
    assert [(e["Result"], e["ElementName"]) for e in row["Elements"]] == [
        ("ElementUnknown", None),
        ("Error", None),
        ("ElementUnknown", None),
    ]
    assert "a, b" in row["Elements"][1]["Message"]
    assert opendcim.calls == []


def test_the_headers_of_the_key_keep_their_case(tmp_path: Path, opendcim: InventedOpenDcim) -> None:
    """Before 23.03, openDCIM knows them in no other. uvicorn shows names in lower case."""
    looked_up(tmp_path, opendcim)

    assert opendcim.headers[0]["userid"] == USER_ID
    assert opendcim.headers[0]["apikey"] == API_KEY
    assert "authorization" not in opendcim.headers[0]


def test_user_and_password_are_sent_as_a_browser_does(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    write_elements(tmp_path, {"1/1": "enc-1"})
    keys = {
        "opendcim_connector_user_id": None,
        "opendcim_connector_api_key": None,
        "opendcim_connector_user": USER,
        "opendcim_connector_password": PASSWORD,
    }
    with asking(tmp_path, opendcim, **keys) as connector:
        connector.answer("1/1")

    assert opendcim.headers[0]["authorization"] == "Basic bW9uaXRvcmluZzpzZTpjcmV0IMO8"
    assert "apikey" not in opendcim.headers[0]


def test_a_changed_registry_counts_from_the_next_request_on(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    opendcim.devices = [a_device(1, "before"), a_device(2, "afterwards")]
    write_elements(tmp_path, {"1/1": "before"})
    with asking(tmp_path, opendcim) as connector:
        before = connector.answer("1/1", request_id="a")
        write_elements(tmp_path, {"1/1": "afterwards"})
        afterwards = connector.answer("1/1", request_id="b")
        again = connector.answer("1/1", request_id="a")

    assert before["Elements"][0]["Device"]["DeviceID"] == 1
    assert afterwards["Elements"][0]["Device"]["DeviceID"] == 2
    assert again == before


def test_the_registry_may_be_fetched_over_http(tmp_path: Path, opendcim: InventedOpenDcim) -> None:
    opendcim.devices = [a_device(1, "enc-1")]
    asked: list[str] = []

    async def registry(scope: Any, receive: Any, send: Any) -> None:
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        asked.append(headers.get("authorization", "") + headers.get("if-none-match", ""))
        answer = Response(b'{"1/1":"enc-1"}', headers={"ETag": '"1"'})
        await answer(scope, receive, send)

    with serving(registry) as url:
        keys = {
            "opendcim_connector_elements": f"{url}/elements?key=registry-key",
            "opendcim_connector_elements_user": "u",
            "opendcim_connector_elements_password": "p",
        }
        with asking(tmp_path, opendcim, **keys) as connector:
            row = connector.answer("1/1", request_id="a")
            connector.answer("1/1", request_id="b")

    assert row["Elements"][0]["Result"] == "Found"
    assert asked == ["Basic dTpw"]


def test_a_chassis_or_cabinet_that_this_user_may_not_read_is_told(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    """Their places are public all the same."""
    hidden = dict.fromkeys(("SerialNo", "PrimaryIP", "ParentDevice"))
    opendcim.devices = [
        a_device(1, "enc-1", ParentDevice=2, Position=4),
        a_device(2, "chassis", Rights="None", Position=12, **hidden),
    ]
    opendcim.cabinets[0] |= {"Rights": "None", "CabinetHeight": None, "Model": None}
    element = looked_up(tmp_path, opendcim)

    assert element["Message"] == (
        "Parent: this user may not see all of device 2; "
        "Cabinet: this user may not see all of cabinet 1"
    )
    assert (element["Location"]["Slot"], element["Location"]["Position"]) == (4, 12)
    assert element["Location"]["Cabinet"]["Location"] == "A-01"
