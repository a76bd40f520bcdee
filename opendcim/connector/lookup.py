"""Finds the device of an element, and reads what openDCIM has about it.

The device's label is the element's name, ignoring case. If several devices have that label, the
answer lists them as candidates.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeVar

from opendcim.connector import fields
from opendcim.connector.external_request import AnswerPart, ElementId
from opendcim.connector.external_response import Json, Result, element_answer
from opendcim.connector.fields import Record, number_of, passed_on, text_of
from opendcim.connector.locating import Locating
from opendcim.connector.opendcim import OpenDcim, PartRefusedError, Time
from opendcim.connector.remembered import Remembered

T = TypeVar("T")

_MOST_CANDIDATES = 50
# Device type of power distribution units: their power ports are outlets.
_CDU = "CDU"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """One run's lookups; what several devices share is read once. Safe for several threads."""

    opendcim: OpenDcim
    time: Time
    include: Collection[AnswerPart]
    custom: Collection[str] = ()
    remembered: Remembered = field(default_factory=Remembered)

    def answer(self, element: ElementId, name: str) -> Json:
        """Raises what `OpenDcim.rows` raises, except `PartRefusedError`."""
        try:
            devices = self._devices(name)
        except PartRefusedError as error:
            return element_answer(element, name, Result.ACCESS_DENIED, str(error))
        if not devices:
            return element_answer(
                element, name, Result.NOT_FOUND, "no device in openDCIM has this name"
            )
        if len(devices) > 1:
            shown = devices[:_MOST_CANDIDATES]
            return element_answer(
                element,
                name,
                Result.AMBIGUOUS,
                f"{len(devices)} devices in openDCIM have this name",
                Candidates=[passed_on(device, fields.CANDIDATE) for device in shown],
            )
        return self._about(element, name, devices[0])

    def _devices(self, name: str) -> list[Record]:
        """Devices with this label. openDCIM may have ignored the parameter, so each label is
        compared."""

        def ask() -> list[Record]:
            found = self.opendcim.rows("device", "device", self.time, Label=name)
            return [row for row in found if _plain(text_of(row, "Label")) == _plain(name)]

        return self.remembered.get(("device", _plain(name)), ask)

    def _about(self, element: ElementId, name: str, device: Record) -> Json:
        if text_of(device, "Rights").casefold() in fields.NO_RIGHTS:
            return element_answer(element, name, Result.ACCESS_DENIED, _denied(device))
        locating = Locating(
            opendcim=self.opendcim,
            time=self.time,
            include=self.include,
            remembered=self.remembered,
        )
        found: Json = {"Location": locating.location_of(device)}
        parent = locating.parent
        if parent and AnswerPart.PARENT in self.include:
            found["Parent"] = passed_on(parent, fields.DEVICE)
        if AnswerPart.DEVICE in self.include:
            custom = fields.custom_attributes(device, self.custom)
            found["Device"] = passed_on(device, fields.DEVICE) | {"Custom": custom}
        parts = (
            (AnswerPart.DEPARTMENT, lambda: self._department(number_of(device, "Owner"))),
            (AnswerPart.TEMPLATE, lambda: self._template(number_of(device, "TemplateID"))),
            (AnswerPart.PORTS, lambda: self._ports(device)),
            (AnswerPart.POWER_PORTS, lambda: self._power_ports(device)),
        )
        for part, ask in parts:
            if part in self.include:
                found |= locating.noted(part, ask)
        message = "; ".join(locating.notes) or None
        return element_answer(element, name, Result.FOUND, message, **found)

    def _department(self, number: int) -> Json | None:
        if number <= 0:
            return None
        row = self._once(
            "department",
            number,
            lambda: self.opendcim.row("department", "department", self.time, "DeptID", number),
        )
        return passed_on(row, fields.DEPARTMENT) if row else None

    def _template(self, number: int) -> Json | None:
        if number <= 0:
            return None
        row = self._once(
            "template",
            number,
            lambda: self.opendcim.row_at(
                "devicetemplate", "template", self.time, "TemplateID", number
            ),
        )
        if row is None:
            return None
        manufacturer = self._manufacturers().get(number_of(row, "ManufacturerID"))
        return {"Manufacturer": manufacturer} | passed_on(row, fields.TEMPLATE)

    def _manufacturers(self) -> dict[int, str]:
        """All manufacturers by id: openDCIM cannot filter this list."""

        def ask() -> dict[int, str]:
            rows = self.opendcim.rows("manufacturer", "manufacturer", self.time)
            return {number_of(row, "ManufacturerID"): text_of(row, "Name") for row in rows}

        return self.remembered.get("manufacturers", ask)

    def _ports(self, device: Record) -> list[Json]:
        return self._listed(device, "deviceport", "Ports", fields.PORT)

    def _power_ports(self, device: Record) -> list[Json]:
        is_cdu = text_of(device, "DeviceType") == _CDU
        count = None if is_cdu else "PowerSupplyCount"
        return self._listed(device, "powerport", count, fields.POWER_PORT)

    def _listed(
        self, device: Record, path: str, count: str | None, shown: Collection[str]
    ) -> list[Json]:
        """The rows of the list; no call is made if ``count`` is 0."""
        number = number_of(device, "DeviceID")
        if number <= 0 or (count and device.get(count) in {0, "0"}):
            return []
        rows = self._once(
            path, number, lambda: self.opendcim.rows(f"{path}/{number}", path, self.time)
        )
        mine = [row for row in rows if number_of(row, "DeviceID") == number]
        mine.sort(key=lambda row: number_of(row, "PortNumber"))
        return [passed_on(row, shown) for row in mine]

    def _once(self, kind: str, number: int, ask: Callable[[], T]) -> T:
        return self.remembered.get((kind, number), ask)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().casefold()


def _denied(device: Record) -> str:
    number = number_of(device, "DeviceID")
    if text_of(device, "Rights"):
        return f"openDCIM grants this user no right to read device {number}"
    return (
        f"openDCIM shows device {number}, but no rights to it; 19.01 does so if it does not know "
        "the user id or the API key"
    )
