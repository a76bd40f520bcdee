"""Manufacturers and device templates as frozen values.

==============  ==================================================================================
`records`       the values (this module)
`fields`        their members on the wire: name, type, longest text, unit
`reading`       parsed JSON to values; accepts what real servers and clients send
`writing`       values to parsed JSON: published records, queue records, submissions
`envelope`      members of every answer: ``error``, ``errorcode``, ``message``
`picture_names` file names and addresses of pictures
`texts`         names and labels, decoded and encoded
==============  ==================================================================================

Ids are the repository's; 0 means none yet. Numbers are whole, texts are plain and never None: a
member that the wire leaves out is 0 or "".
"""

from __future__ import annotations

from dataclasses import dataclass

from opendcim.records.fields import CDU, CHASSIS, SENSOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Manufacturer:
    """``last_modified`` as on the wire: ``YYYY-MM-DD hh:mm:ss`` in the server's time zone, or
    ""."""

    manufacturer_id: int
    name: str
    last_modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A data port or a power port; numbers begin at 1."""

    number: int
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A rectangle in pixels of the original picture; ``back_side`` is 0 for the front, 1 for the
    rear."""

    position: int
    back_side: int = 0
    x: int = 0
    y: int = 0
    w: int = 0
    h: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CduDetails:
    """``managed`` and ``ats`` are 0 or 1."""

    managed: int = 0
    ats: int = 0
    version_oid: str = ""
    multiplier: str = ""
    oid1: str = ""
    oid2: str = ""
    oid3: str = ""
    ats_status_oid: str = ""
    ats_desired_result: str = ""
    processing_profile: str = ""
    voltage: int = 0
    amperage: int = 0
    snmp_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorDetails:
    """``m_units`` is ``english`` or ``metric``."""

    temperature_oid: str = ""
    humidity_oid: str = ""
    temp_multiplier: str = ""
    humidity_multiplier: str = ""
    m_units: str = ""
    snmp_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Height in U, weight in pounds, wattage in watts.

    Picture files are addresses if published, and bare names in the queue and in submissions.
    ``cdu`` and ``sensor`` are None without details; ``slots`` is empty except for a chassis. Ports
    are sorted by number, slots by side and position.
    """

    template_id: int = 0
    manufacturer_id: int
    model: str
    height: int = 0
    weight: int = 0
    wattage: int = 0
    device_type: str = ""
    ps_count: int = 0
    num_ports: int = 0
    front_picture_file: str = ""
    rear_picture_file: str = ""
    chassis_slots: int = 0
    rear_chassis_slots: int = 0
    snmp_version: str = ""
    last_modified: str = ""
    ports: tuple[Port, ...] = ()
    power_ports: tuple[Port, ...] = ()
    slots: tuple[Slot, ...] = ()
    cdu: CduDetails | None = None
    sensor: SensorDetails | None = None

    @property
    def is_chassis(self) -> bool:
        return self.device_type == CHASSIS

    @property
    def is_cdu(self) -> bool:
        return self.device_type == CDU

    @property
    def is_sensor(self) -> bool:
        return self.device_type == SENSOR

    @property
    def picture_files(self) -> dict[str, str]:
        """Picture files by side, ``front`` and ``rear``; both are always there."""
        return {"front": self.front_picture_file, "rear": self.rear_picture_file}
