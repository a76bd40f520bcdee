"""The work of the section kind ``openbis``."""

from __future__ import annotations

from collections.abc import Iterator

from harvester.checks.recipients import check_recipients
from harvester.openbis.checks.data_source import check_data_source
from harvester.openbis.checks.destination import check_destination, check_user, unmounted
from harvester.openbis.checks.folders import check_folders
from harvester.openbis.section import SectionConfig
from harvester.openbis.sync import STEPS, synchronise
from harvester.runs.destination_check import OpenDestination
from harvester.runs.findings import Finding
from harvester.runs.section_work import SectionWork
from harvester.settings.harvester import HarvesterSettings


def _steps_of(config: SectionConfig) -> list[str]:
    return ["Read the resource list", *(step.title for step in STEPS if step.wanted(config))]


def _check_online(
    section: SectionConfig, settings: HarvesterSettings, destination: OpenDestination
) -> Iterator[Finding]:
    yield check_user(section, destination)
    if away := unmounted(section, destination):
        yield from away
    else:  # a trial would be written below the mount
        yield from check_folders(section, settings)
    yield from check_recipients(section, settings)
    yield from check_data_source(section, destination)


WORK = SectionWork(
    synchronise=synchronise,
    steps_of=_steps_of,
    check_online=_check_online,
    check_destination=check_destination,
)
