"""What of openDCIM's answers is passed on: a list of what may, never of what may not.

openDCIM's API shows credentials (SNMP communities and pass phrases, API passwords, OIDs) to
whoever may read a device, and a newer version may show more. Free texts (``Notes``) stay out too,
since people write passwords into them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from opendcim.records.texts import unescaped

Row = Mapping[str, object]
"""A record as openDCIM sent it."""

DEVICE = (
    "DeviceID",
    "Label",
    "SerialNo",
    "AssetTag",
    "PrimaryIP",
    "DeviceType",
    "Status",
    "Position",
    "Height",
    "BackSide",
    "HalfDepth",
    "NominalWatts",
    "Weight",
    "MfgDate",
    "InstallDate",
    "WarrantyCo",
    "WarrantyExpire",
    "Rights",
)
CANDIDATE = (
    "DeviceID",
    "Label",
    "SerialNo",
    "AssetTag",
    "PrimaryIP",
    "DeviceType",
    "Status",
    "Cabinet",
    "Position",
    "ParentDevice",
    "Rights",
)
CABINET = ("CabinetID", "Location", "Model", "CabinetHeight", "U1Position", "Rights")
DATA_CENTER = ("DataCenterID", "Name")
ZONE = ("ZoneID", "Description")
ROW = ("CabRowID", "Name")
DEPARTMENT = ("DeptID", "Name")
TEMPLATE = ("TemplateID", "Model", "DeviceType", "Height", "Weight", "Wattage")
PORT = ("PortNumber", "Label", "MediaID", "ColorID", "ConnectedDeviceID", "ConnectedPort")
POWER_PORT = ("PortNumber", "Label", "ConnectedDeviceID", "ConnectedPort")

NO_RIGHTS = frozenset({"", "none"})
"""What ``Rights`` says, in lower case, of a record whose other fields are blanked."""

CREDENTIALS = frozenset(
    {
        "v3securitylevel",
        "v3authprotocol",
        "v3authpassphrase",
        "v3privprotocol",
        "v3privpassphrase",
        "snmpcommunity",
        "apiusername",
        "apipassword",
        "customvalues",
    }
)
"""Fields of a device, in lower case, that no setting can name as a custom attribute."""


def passed_on(row: Row, fields: Collection[str]) -> dict[str, object]:
    """These fields of a record, each with its plain value; null where openDCIM has none."""
    return {field: _plain(row.get(field)) for field in fields}


def custom_attributes(row: Row, names: Collection[str]) -> dict[str, object]:
    """The custom attributes that the operator named, spelled as in openDCIM; no empty ones."""
    wanted = {name.casefold() for name in names} - CREDENTIALS
    found = {str(key): _plain(value) for key, value in row.items() if _matches(key, wanted)}
    return {key: value for key, value in found.items() if value not in {None, ""}}


def text_of(row: Row, field: str) -> str:
    """A text without openDCIM's entities and without blanks around it."""
    value = row.get(field)
    return "" if value is None else unescaped(str(value)).strip()


def number_of(row: Row, field: str) -> int:
    """An id or a position; 0 where there is none. Older versions of PHP send numbers as texts."""
    value = row.get(field)
    if isinstance(value, bool) or value is None:
        return 0
    try:
        return int(str(value))
    except ValueError:
        return 0


def _matches(key: str, wanted: Collection[str]) -> bool:
    return unescaped(key).casefold() in wanted


def _plain(value: object) -> object:
    """A plain value; anything nested is nothing that these fields are known to have."""
    if isinstance(value, str):
        return unescaped(value)
    return value if isinstance(value, bool | int | float) else None
