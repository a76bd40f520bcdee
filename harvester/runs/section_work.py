"""The functions that do the work of a kind of section; all around them is the same for every
kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic

from sqlalchemy import Connection

from harvester.runs.destination_check import OpenDestination
from harvester.runs.findings import Finding
from harvester.runs.job import Job
from harvester.settings.harvester import HarvesterSettings
from harvester.settings.section import S, SectionSettings
from harvester.settings.section_kinds import kind_of
from shared.entry_points import value_at
from shared.errors import ConfigError


def always_due(_section: SectionSettings) -> str | None:
    """For kinds whose sections may run at any time."""
    return None


def needs_nothing(
    _section: SectionSettings, _settings: HarvesterSettings, _connection: Connection
) -> Iterator[Finding]:
    """For kinds whose sections need only the destination's database."""
    return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionWork(Generic[S]):
    """The work of a kind. `SectionKind` names the module that has it."""

    # Harvest one section, and tell the job's recorder what happens. Errors of the whole section
    # raise.
    synchronise: Callable[[Job[S]], None]
    # The titles of what a run does, reading first.
    steps_of: Callable[[S], Sequence[str]]
    # Try all that a run needs, changing nothing.
    check_online: Callable[[S, HarvesterSettings, OpenDestination], Iterator[Finding]]
    # Try what the section needs of the destination besides its database; no source is asked.
    check_destination: Callable[[S, HarvesterSettings, Connection], Iterator[Finding]] = (
        needs_nothing
    )
    # Why a run of the section is left out for now; None if it is not.
    not_due: Callable[[S], str | None] = always_due


def work_of(section: S) -> SectionWork[S]:
    """Import the work of a kind. `ConfigError` if a library that the kind needs is not
    installed."""
    kind = kind_of(section)
    kind.needs.require()
    found: SectionWork[S] = value_at(kind.work)
    return found


def synchronise(job: Job[SectionSettings]) -> None:
    """Harvest one section; what happens is recorded. Errors of the whole section raise."""
    config = job.config
    if job.options.bundle and not kind_of(config).takes_bundles:
        raise ConfigError(f"[{config.name}] has no bundles: sections of its kind do not read them")
    work_of(config).synchronise(job)


def not_due(config: SectionSettings) -> str | None:
    """Why a run of the section is left out for now; None if it is not."""
    return work_of(config).not_due(config)


def steps_of(config: SectionSettings) -> Sequence[str]:
    """The titles of what a run does, reading first."""
    return work_of(config).steps_of(config)
