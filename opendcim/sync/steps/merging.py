"""What a local template becomes when the repository's version is taken over.

The repository's values replace all that the repository has. It has no notes, and no media, colours
or connectors of ports; these stay. Where it has no value (a port without a label, slots or details
that were never submitted, no picture), the local value stays.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TypeVar

from opendcim.records.fields import USUAL_SNMP_VERSION
from opendcim.records.records import CduDetails, Port, SensorDetails, Slot, Template
from opendcim.sync.installation.weights import local_weight
from opendcim.sync.section import Units

_BLANK_SENSOR = SensorDetails(temp_multiplier="1", humidity_multiplier="1", m_units="english")
# openDCIM's own initial values.
_BLANK_CDU = CduDetails(multiplier="1", processing_profile="SingleOIDWatts")

D = TypeVar("D", CduDetails, SensorDetails)


def merged(mine: Template | None, theirs: Template, units: Units) -> Template:
    """The result in the installation's units, with local names of pictures; ``mine`` is None if the
    template is new."""
    present = mine or Template(manufacturer_id=0, model=theirs.model)
    return replace(
        theirs,
        manufacturer_id=present.manufacturer_id,
        weight=local_weight(theirs.weight, units),
        device_type=theirs.device_type or present.device_type or "Server",
        snmp_version=theirs.snmp_version or present.snmp_version or USUAL_SNMP_VERSION,
        front_picture_file=present.front_picture_file,
        rear_picture_file=present.rear_picture_file,
        last_modified="",
        ports=_ports(present.ports, theirs.ports, theirs.num_ports),
        power_ports=_ports(present.power_ports, theirs.power_ports, theirs.ps_count),
        slots=_slots(present.slots, theirs),
        cdu=_details(present.cdu, theirs.cdu, _BLANK_CDU) if theirs.is_cdu else None,
        sensor=_details(present.sensor, theirs.sensor, _BLANK_SENSOR) if theirs.is_sensor else None,
    )


def _ports(mine: tuple[Port, ...], theirs: tuple[Port, ...], count: int) -> tuple[Port, ...]:
    named = {port.number: port for port in theirs}
    counted = {port.number: port for port in mine if port.number <= count}
    both = counted | named
    return tuple(both[number] for number in sorted(both))


def _slots(mine: tuple[Slot, ...], theirs: Template) -> tuple[Slot, ...]:
    # The repository has slots of chassis only: for other types, none says nothing.
    if not theirs.is_chassis:
        return mine
    counted = theirs.chassis_slots or theirs.rear_chassis_slots
    return mine if counted and not theirs.slots else theirs.slots


def _details(mine: D | None, theirs: D | None, blank: D) -> D:
    """The repository's details; empty values are replaced by those that openDCIM needs."""
    if theirs is None:
        return mine or blank
    present = mine or blank
    needed = {
        one.name: getattr(present, one.name)
        for one in fields(theirs)
        if getattr(theirs, one.name) == "" and getattr(blank, one.name) != ""
    }
    # The original does not keep this version with details, so an empty one says nothing.
    if theirs.snmp_version == "":
        needed["snmp_version"] = present.snmp_version
    return replace(theirs, **needed)
