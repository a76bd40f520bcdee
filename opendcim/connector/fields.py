"""The allow list of values that may leave openDCIM.

openDCIM's API shows credentials (SNMP communities and pass phrases, API passwords, OIDs) to
everyone who may read a device, and newer versions may add some. Free texts (``Notes``) are left out
too, since people write passwords into them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from opendcim.records.texts import unescaped

# A record as openDCIM sent it.
Record = Mapping[str, object]

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

# Values of ``Rights``, in lower case, that mean that all other fields are blanked.
NO_RIGHTS = frozenset({"", "none"})

# Fields of a device, in lower case, that cannot be configured as custom attributes.
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


def passed_on(row: Record, fields: Collection[str]) -> dict[str, object]:
    """The values of these fields; null where openDCIM has none."""
    return {field: _plain(row.get(field)) for field in fields}


def custom_attributes(row: Record, names: Collection[str]) -> dict[str, object]:
    """The custom attributes that are configured, spelled as in openDCIM, without empty ones."""
    wanted = {name.casefold() for name in names} - CREDENTIALS
    found = {str(key): _plain(value) for key, value in row.items() if _matches(key, wanted)}
    return {key: value for key, value in found.items() if value not in {None, ""}}


def text_of(row: Record, field: str) -> str:
    """The text with HTML entities decoded, stripped."""
    value = row.get(field)
    return "" if value is None else unescaped(str(value)).strip()


def number_of(row: Record, field: str) -> int:
    """An id or position; 0 if there is none. Older versions of PHP send numbers as texts."""
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
    """The value, or None if it is a list or an object: none of these fields should have one."""
    if isinstance(value, str):
        return unescaped(value)
    return value if isinstance(value, bool | int | float) else None
