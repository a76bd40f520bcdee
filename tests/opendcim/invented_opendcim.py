"""An invented openDCIM with the habits of the real one, and with bad days.

It answers the calls that 19.01 and 25.01 have in common, and like them ignores parameters that it
does not know, and those that are 0.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

Record = dict[str, Any]
# What happens to a call; None: nothing.
Trouble = Callable[[Request], Awaitable[Response | None]]

USER_ID, API_KEY = "monitoring", "k3y-of-monitoring"
USER, PASSWORD = "monitoring", "se:cret ü"

SECRETS = {
    "SNMPCommunity": "community-secret",
    "v3AuthPassphrase": "auth-secret",
    "v3PrivPassphrase": "priv-secret",
    "APIUsername": "api-user-secret",
    "APIPassword": "api-secret",
    "Notes": "note-secret",
    "iLO password": "ilo-secret",
    "NewSecretOf2027": "future-secret",
}


def a_device(number: int, label: str, **fields: Any) -> Record:
    return {
        "DeviceID": number,
        "Label": label,
        "SerialNo": f"SN{number}",
        "AssetTag": "",
        "PrimaryIP": f"10.0.0.{number % 250}",
        **SECRETS,
        "Owner": 1,
        "Cabinet": 1,
        "Position": 10,
        "Height": 2,
        "Ports": 2,
        "PowerSupplyCount": 1,
        "TemplateID": 1,
        "NominalWatts": 450,
        "DeviceType": "Server",
        "ParentDevice": 0,
        "MfgDate": "2017-05-01",
        "InstallDate": "2018-02-01",
        "WarrantyCo": "",
        "WarrantyExpire": "2021-02-01",
        "Status": "Production",
        "Rights": "Read",
        "HalfDepth": 0,
        "BackSide": 0,
        "Weight": 51,
        "DMA Link": "",
    } | fields


@dataclass(slots=True, kw_only=True)
class InventedOpenDcim:
    """An ASGI app; ``calls`` are the paths that were asked, with their queries."""

    devices: list[Record] = field(default_factory=list)
    cabinets: list[Record] = field(
        default_factory=lambda: [
            {
                "CabinetID": 1,
                "DataCenterID": 1,
                "Location": "A-01",
                "ZoneID": 1,
                "CabRowID": 1,
                "CabinetHeight": 42,
                "Model": "NetShelter",
                "Keylock": "K1-secret",
                "U1Position": "Bottom",
                "Rights": "Read",
            },
            {
                "CabinetID": 2,
                "DataCenterID": 2,
                "Location": "B-02",
                "ZoneID": 0,
                "CabRowID": 0,
                "CabinetHeight": 42,
                "Model": "",
                "U1Position": "Top",
                "Rights": "Read",
            },
        ]
    )
    port_records: list[Record] = field(default_factory=list)
    trouble: Trouble | None = None
    calls: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        with self._lock:
            query = f"?{request.url.query}" if request.url.query else ""
            self.calls.append(request.url.path.removeprefix("/api/v1/") + query)
            self.headers.append({k.decode(): v.decode("latin-1") for k, v in scope["headers"]})
        answer = await self.trouble(request) if self.trouble else None
        await (answer or self._answer(request))(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        kind, *number = request.url.path.removeprefix("/api/v1/").split("/")
        if kind in {"deviceport", "powerport"} and number:
            mine = [r for r in self.port_records if r["kind"] == kind]
            return _keyed(kind, "PortNumber", [r for r in mine if str(r["DeviceID"]) == number[0]])
        if kind in _BY_PATH and number:
            return _one(*_BY_PATH[kind], number[0])
        found = {
            "device": lambda: _list("device", self._devices(request)),
            "cabinet": lambda: _list("cabinet", _filtered(self.cabinets, request, "CabinetID")),
            "zone": lambda: _keyed("zone", "ZoneID", _filtered(_ZONES, request, "ZoneID")),
            "cabrow": lambda: _keyed("cabrow", "CabRowID", _filtered(_ROWS, request, "CabRowID")),
            "department": lambda: _list("department", _filtered(_DEPARTMENTS, request, "DeptID")),
            "manufacturer": lambda: _list("manufacturer", _MANUFACTURERS),
        }.get(kind)
        if found is None or number:
            return HTMLResponse("<h1>404 Page Not Found</h1>", 404)
        return found()

    def _devices(self, request: Request) -> list[Record]:
        found = _filtered(self.devices, request, "DeviceID")
        label = request.query_params.get("Label")
        if label is None:
            return found
        wanted = label.strip().lower()
        return [d for d in found if d["Label"].replace("&#38;", "&").lower() == wanted]


_ZONES = [{"ZoneID": 1, "DataCenterID": 1, "Description": "Zone A", "MapX1": 0}]
_ROWS = [{"CabRowID": 1, "Name": "Row 1", "DataCenterID": 1, "ZoneID": 1}]
_DEPARTMENTS = [
    {"DeptID": 1, "Name": "Broadcast &#38; Ops", "ExecSponsor": "sponsor-secret"},
    {"DeptID": 2, "Name": "Network", "ExecSponsor": ""},
]
_MANUFACTURERS = [{"ManufacturerID": 1, "Name": "Acme", "GlobalID": 1, "SubscribeToUpdates": 1}]
_DATA_CENTERS = [
    {"DataCenterID": 1, "Name": "DC One", "Administrator": "administrator-secret"},
    {"DataCenterID": 2, "Name": "DC Two", "Administrator": ""},
]
_TEMPLATES = [
    {
        "TemplateID": 1,
        "ManufacturerID": 1,
        "Model": "Rack 2000",
        "Height": 2,
        "Weight": 51,
        "Wattage": 500,
        "DeviceType": "Server",
        "Notes": "template-secret",
        "CustomValues": [],
    }
]

# Member, records, key, and the status of one that is not there.
_BY_PATH = {
    "datacenter": ("datacenter", _DATA_CENTERS, "DataCenterID", 400),
    "devicetemplate": ("template", _TEMPLATES, "TemplateID", 404),
}


def refuses(calls: Iterable[str], answer: Callable[[], Response]) -> Trouble:
    """The same answer to all calls whose path begins so."""

    async def trouble(request: Request) -> Response | None:
        path = request.url.path.removeprefix("/api/v1/")
        return answer() if any(path.startswith(call) for call in calls) else None

    return trouble


def always(answer: Callable[[], Response]) -> Trouble:
    return refuses([""], answer)


def slowly(seconds: float) -> Trouble:
    async def trouble(_request: Request) -> None:
        await asyncio.sleep(seconds)

    return trouble


def denied_with_200() -> Response:
    return HTMLResponse("Access Denied", 200)


def _filtered(records: list[Record], request: Request, key: str) -> list[Record]:
    """0 and what is not asked for are ignored, as in the real one."""
    wanted = request.query_params.get(key)
    if wanted in {None, "0"}:
        return records
    return [record for record in records if str(record[key]) == wanted]


def _json(content: Record, status: int = 200) -> Response:
    body = json.dumps({"error": status != 200, "errorcode": status} | content)
    return Response(body.replace("/", "\\/"), status, media_type="application/json")


def _list(member: str, records: list[Record]) -> Response:
    return _json({member: records})


def _keyed(member: str, key: str, records: list[Record]) -> Response:
    return _json({member: {str(record[key]): record for record in records} or []})


def _one(member: str, records: list[Record], key: str, absent: int, number: str) -> Response:
    found = [record for record in records if str(record[key]) == number]
    if not found:
        return _json({"message": "The requested resource does not exist."}, absent)
    return _json({member: found[0] if member == "template" else found})


def html_error() -> Response:
    return HTMLResponse("<h1>SQLSTATE[42S22]: sql-secret</h1>", 500)


def json_error(status: int) -> Callable[[], Response]:
    return lambda: JSONResponse({"error": True, "errorcode": status, "message": "no"}, status)
