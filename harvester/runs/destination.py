"""The instance that is written to."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from harvester.settings.harvester import HarvesterSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """The instance that is written to."""

    engine: Engine
    settings: HarvesterSettings
