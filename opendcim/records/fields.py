"""The members of the records on the wire, in the original's order, with their types (opendcim.md,
1.4).

The repository has no notes, custom values, media, colours and connectors of ports, and no outlets
of a CDU. A client keeps its own values of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class ValueType(Enum):
    """Type of a member."""

    NUMBER = "number"
    TEXT = "text"
    # ``YYYY-MM-DD hh:mm:ss`` without a zone; all zeros mean unknown.
    TIME = "time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """``name`` is the attribute of the value, ``member`` the name on the wire, ``longest`` the
    width of openDCIM's own column in characters."""

    name: str
    member: str
    kind: ValueType
    longest: int = 0
    unit: str = ""

    @property
    def empty(self) -> int | str:
        return 0 if self.kind is ValueType.NUMBER else ""


def _number(name: str, member: str, unit: str = "") -> Field:
    return Field(name=name, member=member, kind=ValueType.NUMBER, unit=unit)


def _text(name: str, member: str, longest: int) -> Field:
    return Field(name=name, member=member, kind=ValueType.TEXT, longest=longest)


def _time(name: str, member: str) -> Field:
    return Field(name=name, member=member, kind=ValueType.TIME, longest=19)


MANUFACTURER_FIELDS = (
    _number("manufacturer_id", "ManufacturerID"),
    _text("name", "Name", 80),
    _time("last_modified", "LastModified"),
)

# Members of a template itself; its parts have tables of their own.
TEMPLATE_FIELDS = (
    _number("template_id", "TemplateID"),
    _number("manufacturer_id", "ManufacturerID"),
    _text("model", "Model", 80),
    _number("height", "Height", "U"),
    _number("weight", "Weight", "lb"),
    _number("wattage", "Wattage", "W"),
    _text("device_type", "DeviceType", 23),
    _number("ps_count", "PSCount"),
    _number("num_ports", "NumPorts"),
    _text("front_picture_file", "FrontPictureFile", 255),
    _text("rear_picture_file", "RearPictureFile", 255),
    _number("chassis_slots", "ChassisSlots"),
    _number("rear_chassis_slots", "RearChassisSlots"),
    _text("snmp_version", "SNMPVersion", 2),
    _time("last_modified", "LastModified"),
)

# Members of data ports and of power ports.
PORT_FIELDS = (_number("number", "PortNumber"), _text("label", "Label", 40))

SLOT_FIELDS = (
    _number("position", "Position"),
    _number("back_side", "BackSide"),
    _number("x", "X", "px"),
    _number("y", "Y", "px"),
    _number("w", "W", "px"),
    _number("h", "H", "px"),
)

CDU_FIELDS = (
    _number("managed", "Managed"),
    _number("ats", "ATS"),
    _text("version_oid", "VersionOID", 80),
    _text("multiplier", "Multiplier", 6),
    _text("oid1", "OID1", 80),
    _text("oid2", "OID2", 80),
    _text("oid3", "OID3", 80),
    _text("ats_status_oid", "ATSStatusOID", 80),
    _text("ats_desired_result", "ATSDesiredResult", 80),
    _text("processing_profile", "ProcessingProfile", 20),
    _number("voltage", "Voltage", "V"),
    _number("amperage", "Amperage", "A"),
    _text("snmp_version", "SNMPVersion", 2),
)

SENSOR_FIELDS = (
    _text("temperature_oid", "TemperatureOID", 256),
    _text("humidity_oid", "HumidityOID", 256),
    _text("temp_multiplier", "TempMultiplier", 8),
    _text("humidity_multiplier", "HumidityMultiplier", 8),
    _text("m_units", "mUnits", 7),
    _text("snmp_version", "SNMPVersion", 2),
)

CDU = "CDU"
SENSOR = "Sensor"
CHASSIS = "Chassis"
DEVICE_TYPES = (
    "Server",
    "Appliance",
    "Storage Array",
    "Switch",
    CHASSIS,
    "Patch Panel",
    "Physical Infrastructure",
    CDU,
    SENSOR,
)
SNMP_VERSIONS = ("1", "2c", "3")
# Replaces any other value (opendcim.md, 1.5).
USUAL_SNMP_VERSION = "2c"

# Members of a template's parts in a submission (beside the template), and in a published record
# (within it).
SUBMITTED_PARTS: Mapping[str, str] = MappingProxyType(
    {
        "templateports": "ports",
        "templatepowerports": "powerports",
        "slots": "slots",
        "cdutemplate": "cdutemplate",
        "sensortemplate": "sensortemplate",
    }
)
