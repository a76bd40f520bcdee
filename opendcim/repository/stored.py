"""Templates and pictures in the tables: values to JSON and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from opendcim.records.records import CduDetails, Port, SensorDetails, Slot, Template

SIDES = ("front", "rear")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPicture:
    """``name`` is the original one, without an id. Sizes are in pixels."""

    name: str
    sha256: str
    media_type: str
    width: int
    height: int


# Pictures by side; a side without a picture is not in it.
StoredPictures = Mapping[str, StoredPicture]


def template_json(template: Template) -> str:
    # Sorted keys give equal templates the same text, whose hash `submit_template` compares.
    return json.dumps(asdict(template), separators=(",", ":"), sort_keys=True)


def template_of(text: str) -> Template:
    values: dict[str, Any] = json.loads(text)
    ports, power_ports, slots = (values.pop(name) for name in ("ports", "power_ports", "slots"))
    cdu, sensor = values.pop("cdu"), values.pop("sensor")
    return Template(
        **values,
        ports=tuple(Port(**port) for port in ports),
        power_ports=tuple(Port(**port) for port in power_ports),
        slots=tuple(Slot(**slot) for slot in slots),
        cdu=CduDetails(**cdu) if cdu else None,
        sensor=SensorDetails(**sensor) if sensor else None,
    )


def pictures_json(pictures: StoredPictures) -> str:
    return json.dumps({side: asdict(picture) for side, picture in pictures.items()})


def pictures_of(text: str) -> dict[str, StoredPicture]:
    return {side: StoredPicture(**values) for side, values in json.loads(text).items()}


def content_hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
