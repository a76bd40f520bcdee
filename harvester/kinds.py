"""What a run does, by the kind of its section; all around it is the same for every kind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from harvester.config import SectionConfig
from harvester.destination import Destination
from harvester.logs.section_log import SectionLog
from harvester.repairing import Repair
from harvester.section_report import SectionReport
from harvester.section_settings import SectionSettings
from harvester.stopping import Leash
from harvester.sync import STEPS, Assignment
from harvester.sync import synchronise as synchronise_openbis
from opendcim.sync import synchronising as opendcim
from opendcim.sync.due import not_due as repository_not_due
from opendcim.sync.section import RepositorySection
from shared.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Under which a section is harvested. ``connection`` holds its lock."""

    destination: Destination
    connection: Connection
    log: SectionLog
    leash: Leash
    deletions_confirmed: bool = False
    bundle: Path | None = None
    forced: bool = False
    repair: Repair = Repair.NOTHING


def synchronise(config: SectionSettings, around: Circumstances, report: SectionReport) -> None:
    """Harvest one section; what happened is in the report. Errors of the whole section raise."""
    match config:
        case SectionConfig():
            if around.bundle:
                raise ConfigError(f"[{config.name}] has no bundles; they are of openDCIM")
            task = Assignment(
                config=config,
                destination=around.destination,
                connection=around.connection,
                log=around.log,
                leash=around.leash,
                deletions_confirmed=around.deletions_confirmed,
                repair=around.repair,
            )
            synchronise_openbis(task, report)
        case RepositorySection():
            order = opendcim.Order(
                config=config,
                connection=around.connection,
                log=around.log,
                leash=around.leash,
                bundle=around.bundle,
                forced=around.forced,
            )
            opendcim.synchronise(order, report)
        case _:
            raise NotImplementedError(type(config))


def not_due(config: SectionSettings) -> str | None:
    """Why a run of the section is left out for now; None if it is not."""
    return repository_not_due(config) if isinstance(config, RepositorySection) else None


def steps_of(config: SectionSettings) -> list[str]:
    """The titles of what a run does, reading first."""
    if isinstance(config, SectionConfig):
        return ["Read the resource list", *(s.title for s in STEPS if s.wanted(config))]
    return [*opendcim.STEPS]
