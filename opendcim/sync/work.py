"""What can be done with a section of the kind ``opendcim-repository``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harvester.checks.recipients import check_recipients
from harvester.runs.destination_check import OpenDestination
from harvester.runs.findings import Finding
from harvester.runs.section_work import SectionWork
from harvester.settings.harvester import HarvesterSettings
from opendcim.sync.checks import check_repository_section
from opendcim.sync.interval import not_due
from opendcim.sync.run import STEPS, synchronise
from opendcim.sync.section import RepositorySection


def _steps_of(_config: RepositorySection) -> Sequence[str]:
    return STEPS


def _check_online(
    section: RepositorySection, settings: HarvesterSettings, _destination: OpenDestination
) -> Iterator[Finding]:
    yield from check_recipients(section, settings)
    yield from check_repository_section(section)


WORK = SectionWork(
    synchronise=synchronise, steps_of=_steps_of, check_online=_check_online, not_due=not_due
)
