"""Where a device is: openDCIM's rules for cabinets, chassis and storage rooms
(opendcim.md, 4.3).

A device in a chassis has its slot as ``Position`` and stands where the outermost chassis stands. In
a storage room (``Cabinet`` -1) ``Position`` is the id of the data centre, 0 for the general room.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial

from opendcim.connector import fields
from opendcim.connector.external_request import AnswerPart
from opendcim.connector.external_response import Json, PlaceKind
from opendcim.connector.fields import NO_RIGHTS, Record, number_of, passed_on, text_of
from opendcim.connector.opendcim import OpenDcim, PartRefusedError, Time
from opendcim.connector.remembered import Remembered

_STORAGE = -1
_DISPOSED = "disposed"
# Levels of chassis within chassis; more than that is a fault of the data.
_DEEPEST = 10
_PLACES = frozenset({AnswerPart.CABINET, AnswerPart.ROW, AnswerPart.ZONE, AnswerPart.DATA_CENTER})


@dataclass(slots=True, kw_only=True)
class Locating:
    """Locates one device; ``notes`` names what could not be read, ``parent`` is its chassis."""

    opendcim: OpenDcim
    time: Time
    include: Collection[AnswerPart]
    remembered: Remembered
    notes: list[str] = field(default_factory=list)
    parent: Record | None = None

    def location_of(self, device: Record) -> Json:
        if text_of(device, "Status").casefold() == _DISPOSED:
            self.notes.append("the device is disposed and has no place any more")
            return _location(PlaceKind.UNKNOWN)
        if number_of(device, "ParentDevice") <= 0:
            return self._place_of(device)
        slot = number_of(device, "Position")
        root = self._root_of(device)
        within = self._place_of(root) if root is not device else _location(PlaceKind.UNKNOWN)
        return within | {"Kind": PlaceKind.CHASSIS.value, "Slot": slot}

    def noted(self, part: AnswerPart, ask: Callable[[], object]) -> Json:
        """The part under its name; a note instead if the user may not see it."""
        try:
            return {part.value: ask()}
        except PartRefusedError as error:
            self.notes.append(f"{part}: {error}")
            return {}

    def _root_of(self, device: Record) -> Record:
        """The outermost chassis; the device itself if it is in none, or if no place is asked
        for."""
        if not {AnswerPart.PARENT, *_PLACES} & set(self.include):
            return device
        root, seen = device, {number_of(device, "DeviceID")}
        while (number := number_of(root, "ParentDevice")) > 0:
            if number in seen or len(seen) > _DEEPEST:
                self.notes.append(f"Parent: the chassis of device {number} lead in a circle")
                return device
            seen.add(number)
            above = self.noted(AnswerPart.PARENT, partial(self._device, number))
            row = above.get(AnswerPart.PARENT)
            if not isinstance(row, dict):
                self.notes.append(f"Parent: openDCIM does not show device {number}")
                return device
            if text_of(row, "Rights").casefold() in NO_RIGHTS:
                self.notes.append(f"Parent: this user may not see all of device {number}")
            root = row
            # The first chassis on the way up is the one that holds the device itself.
            self.parent = self.parent or row
            if not _PLACES & set(self.include):
                return root
        return root

    def _place_of(self, device: Record) -> Json:
        cabinet, position = number_of(device, "Cabinet"), number_of(device, "Position")
        if cabinet > 0:
            return _location(PlaceKind.CABINET, Position=position) | self._cabinet_parts(cabinet)
        if cabinet == _STORAGE:
            if position <= 0:
                self.notes.append("the device is in the general storage room")
            return _location(PlaceKind.STORAGE) | self._data_center(position)
        return _location(PlaceKind.UNKNOWN)

    def _cabinet_parts(self, number: int) -> Json:
        if not _PLACES & set(self.include):
            return {}
        # The cabinet has the ids of its row, zone and data centre, so it is read for these, too.
        answer = self.noted(AnswerPart.CABINET, lambda: self._row("cabinet", "CabinetID", number))
        cabinet = answer.get(AnswerPart.CABINET)
        if not isinstance(cabinet, dict):
            self.notes.append(f"Cabinet: openDCIM does not show cabinet {number}")
            return {}
        if text_of(cabinet, "Rights").casefold() in NO_RIGHTS:
            self.notes.append(f"Cabinet: this user may not see all of cabinet {number}")
        found: Json = {}
        if AnswerPart.CABINET in self.include:
            found["Cabinet"] = passed_on(cabinet, fields.CABINET)
        found |= self._allowed_part(AnswerPart.ROW, "cabrow", "CabRowID", cabinet, fields.ROW)
        found |= self._allowed_part(AnswerPart.ZONE, "zone", "ZoneID", cabinet, fields.ZONE)
        return found | self._data_center(number_of(cabinet, "DataCenterID"))

    def _allowed_part(
        self, part: AnswerPart, path: str, key: str, cabinet: Record, allowed: Collection[str]
    ) -> Json:
        number = number_of(cabinet, key)
        if part not in self.include or number <= 0:
            return {}

        def ask() -> Json | None:
            row = self._row(path, key, number)
            return passed_on(row, allowed) if row else None

        return self.noted(part, ask)

    def _data_center(self, number: int) -> Json:
        if AnswerPart.DATA_CENTER not in self.include or number <= 0:
            return {}

        def fetch() -> Record | None:
            return self.opendcim.row_at(
                "datacenter", "datacenter", self.time, "DataCenterID", number
            )

        def ask() -> Json | None:
            row = self.remembered.get(("datacenter", number), fetch)
            return passed_on(row, fields.DATA_CENTER) if row else None

        return self.noted(AnswerPart.DATA_CENTER, ask)

    def _device(self, number: int) -> Record | None:
        return self._row("device", "DeviceID", number)

    def _row(self, path: str, key: str, number: int) -> Record | None:
        return self.remembered.get(
            (path, number), lambda: self.opendcim.row(path, path, self.time, key, number)
        )


def _location(kind: PlaceKind, **known: object) -> Json:
    return {
        "Kind": kind.value,
        "DataCenter": None,
        "Zone": None,
        "Row": None,
        "Cabinet": None,
        "Position": None,
        "Slot": None,
        **known,
    }
