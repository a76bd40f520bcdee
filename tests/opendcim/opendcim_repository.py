"""A small template repository whose every answer a test can spoil; it speaks real HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from opendcim.records.envelope import Envelope, write_envelope
from opendcim.records.reading import read_submission
from opendcim.records.records import (
    CduDetails,
    Manufacturer,
    Port,
    SensorDetails,
    Slot,
    Template,
)
from opendcim.records.writing import write_manufacturer, write_queued, write_template
from tests.support.servers.web_server import serving

HTML = b"<html><head><title>404 Page Not Found</title></head><body>no</body></html>"


def server(template_id: int = 1, model: str = "DL380 Gen9", **values: Any) -> Template:
    """A published template of the first manufacturer."""
    given: dict[str, Any] = {
        "height": 2,
        "weight": 51,
        "wattage": 500,
        "device_type": "Server",
        "ps_count": 2,
        "num_ports": 2,
        "snmp_version": "2c",
        "last_modified": "2026-11-21 22:58:39",
        "ports": (Port(number=1, label="NIC1"), Port(number=2, label="NIC2")),
        "power_ports": (Port(number=1, label="PSU1"), Port(number=2, label="PSU2")),
    }
    return Template(template_id=template_id, manufacturer_id=1, model=model, **(given | values))


def chassis(template_id: int = 2, model: str = "c7000", **values: Any) -> Template:
    slots = (Slot(position=1, x=1, y=2, w=3, h=4), Slot(position=2, x=5, y=6, w=7, h=8))
    given = {"device_type": "Chassis", "chassis_slots": 2, "slots": slots} | values
    return server(template_id, model, **given)


def cdu(template_id: int = 3, model: str = "AP7841", **values: Any) -> Template:
    details = CduDetails(managed=1, multiplier="1", oid1="1.3.6.1", voltage=208, amperage=30)
    details = replace(details, processing_profile="SingleOIDWatts")
    return server(template_id, model, **({"device_type": "CDU", "cdu": details} | values))


def sensor(template_id: int = 4, model: str = "AP9335T", **values: Any) -> Template:
    details = SensorDetails(temperature_oid="1.3.6.2", temp_multiplier="0.1", m_units="metric")
    details = replace(details, humidity_multiplier="1")
    return server(template_id, model, **({"device_type": "Sensor", "sensor": details} | values))


Spoil = Callable[[Request], Response | None]


@dataclass(slots=True)
class LittleRepository:
    """``spoil`` may give another answer. ``routes`` are those by which templates are taken."""

    manufacturers: list[Manufacturer] = field(
        default_factory=lambda: [Manufacturer(manufacturer_id=1, name="HPE")]
    )
    templates: list[Template] = field(default_factory=list)
    # By the last part of their addresses.
    pictures: dict[str, bytes] = field(default_factory=dict)
    queue: dict[int, Template] = field(default_factory=dict)
    uploads: dict[int, dict[str, bytes]] = field(default_factory=dict)
    routes: tuple[str, ...] = ("/api/templatealt", "/api/template")
    keys: frozenset[str] = frozenset({"KEY-ALICE-0001"})
    base: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    # Of submissions.
    bodies: list[bytes] = field(default_factory=list)
    spoil: Spoil | None = None
    with_etags: bool = False

    def address(self, name: str) -> str:
        return f"{self.base}/images/approved/{name}"

    def count(self, method: str, path: str = "") -> int:
        return sum(one == method and path in two for one, two in self.asked)

    async def answer(self, request: Request) -> Response:
        path = request.url.path
        self.asked.append((request.method, path))
        self.headers.append({k.decode(): v.decode() for k, v in request.scope["headers"]})
        if self.spoil and (spoiled := self.spoil(request)):
            return spoiled
        if request.method == "GET":
            return self._get(request, path)
        if request.headers.get("apikey") not in self.keys:
            return said(401, message="Access Denied. Invalid Api key")
        if request.method == "PUT" and path in self.routes:
            return await self._put(request, path)
        if path.startswith("/api/template/addpictures/"):
            return await self._add_pictures(request, int(path.rpartition("/")[2]))
        return Response(HTML, 404, media_type="text/html")

    def _get(self, request: Request, path: str) -> Response:
        if path.startswith("/images/approved/"):
            content = self.pictures.get(path.rpartition("/")[2])
            if content is None:
                return Response(HTML, 404, media_type="text/html")
            return self._tagged(request, content, "image/png")
        if path.startswith("/api/template/pending"):
            return self._pending(request, path.rpartition("/")[2])
        content = self._list(path)
        if content is None:
            return Response(HTML, 404, media_type="text/html")
        return self._tagged(request, content, "application/json")

    def _list(self, path: str) -> bytes | None:
        listed: dict[str, object]
        last = path.rpartition("/")[2]
        if path == "/api/manufacturer":
            listed = {"manufacturers": [write_manufacturer(one) for one in self.manufacturers]}
        elif path.startswith("/api/template/bymanufacturer/"):
            found = [one for one in self.templates if one.manufacturer_id == int(last)]
            listed = {"templates": [write_template(one) for one in found]}
        elif path.startswith("/api/template/") and last.isdigit():
            found = [one for one in self.templates if one.template_id == int(last)]
            listed = {"templates": [write_template(one) for one in found]}
        else:
            return None
        return write_envelope(Envelope(code=200, content=listed))

    def _tagged(self, request: Request, content: bytes, kind: str) -> Response:
        if not self.with_etags:
            return Response(content, media_type=kind)
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        return Response(content, media_type=kind, headers={"ETag": etag})

    def _pending(self, request: Request, last: str) -> Response:
        if request.headers.get("apikey") not in self.keys:
            return said(401, message="Access Denied. Invalid Api key")
        wanted = {n: t for n, t in self.queue.items() if not last or str(n) == last}
        return said(200, templatequeue=[write_queued(t, n, {}) for n, t in wanted.items()])

    async def _put(self, request: Request, path: str) -> Response:
        self.bodies.append(await request.body())
        tree = await request.json() if path == "/api/template" else _tree(await request.form())
        number = max(self.queue, default=0) + 1
        self.queue[number] = read_submission(tree)
        return said(
            200, message="Device template queued for approval.", template={"RequestID": str(number)}
        )

    async def _add_pictures(self, request: Request, number: int) -> Response:
        async with request.form() as form:
            files = {
                side: await file.read() for side, file in form.items() if not isinstance(file, str)
            }
        self.uploads.setdefault(number, {}).update(files)
        told = {side: {"error": 0, "size": len(content)} for side, content in files.items()}
        return said(200, files=told)


def said(code: int, message: str = "", **content: object) -> Response:
    body = write_envelope(Envelope(code=code, message=message, content=content))
    return Response(body, code, media_type="application/json")


def _tree(form: Any) -> dict[str, Any]:
    """A form in PHP's brackets."""
    tree: dict[str, Any] = {}
    for key, value in form.items():
        first, *rest = key.replace("]", "").split("[")
        place = tree
        for part in [first, *rest][:-1]:
            place = place.setdefault(part, {})
        place[[first, *rest][-1]] = value
    return tree


@contextmanager
def a_repository(*templates: Template, **values: Any) -> Iterator[LittleRepository]:
    repository = LittleRepository(templates=list(templates), **values)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            response = await repository.answer(Request(scope, receive))
            await response(scope, receive, send)

    with serving(app) as base:
        repository.base = base
        yield repository
