"""Manufacturers and device templates as frozen values: what goes over the wire.

==============  ==================================================================================
`records`       the values (this module)
`fields`        their members on the wire: name, type, longest text, unit
`reading`       values of parsed JSON: tolerant of all that real servers and clients send
`writing`       parsed JSON of values: published records, queue records, submissions
`envelope`      what is around them: ``error``, ``errorcode``, ``message``
`picture_names` file names and addresses of pictures
`texts`         names and labels, decoded and encoded
==============  ==================================================================================

Ids are the repository's own; 0 means that there is none yet. Numbers are whole, texts are plain and
never None: what the wire leaves out is 0 or "". Values compare equal if they say the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from opendcim.records.fields import CDU, CHASSIS, SENSOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Manufacturer:
    """``last_modified`` as on the wire: ``YYYY-MM-DD hh:mm:ss`` in the server's own time, or ""."""

    manufacturer_id: int
    name: str
    last_modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A data port or a power port; numbers begin with 1."""

    number: int
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A rectangle in pixels of the original picture; ``back_side`` 0 is the front, 1 the rear."""

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

    Picture files are addresses in what is published and bare names in the queue and in submissions.
    ``cdu`` and ``sensor`` are None where there are no details, whatever the device type; ``slots``
    is empty but for a chassis. Ports are in the order of their numbers, slots by side and position.
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
        """By ``front`` and ``rear``, the names under which they are uploaded; none is left out."""
        return {"front": self.front_picture_file, "rear": self.rear_picture_file}
