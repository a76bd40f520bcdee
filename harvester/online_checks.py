"""All that a harvest needs, tried without changing anything: ``check-config --online``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

from harvester.checks.data_source import check_data_source
from harvester.checks.destination import OpenDestination
from harvester.checks.findings import Finding
from harvester.checks.folders import check_folders
from harvester.checks.mail_server import check_mail_server
from harvester.checks.web_hook import check_recipients
from harvester.config import SectionConfig
from harvester.properties import HarvesterSettings
from harvester.section_settings import SectionSettings
from opendcim.sync.checking import check_repository_section
from opendcim.sync.section import RepositorySection

Told = tuple[str, Finding]
"""A heading, and one of the findings below it."""


def check_online(
    settings: HarvesterSettings, sections: Sequence[SectionSettings]
) -> Iterator[Told]:
    """Findings as they are made, which may take as long as a list takes to come."""
    with closing(OpenDestination(settings)) as destination:
        yield "destination", destination.finding
        if mail_server := check_mail_server(settings):
            yield "destination", mail_server
        for section in sections:
            for finding in _check_section(section, settings, destination):
                yield f"[{section.name}]", finding


def _check_section(
    section: SectionSettings, settings: HarvesterSettings, destination: OpenDestination
) -> Iterator[Finding]:
    if isinstance(section, SectionConfig):
        yield destination.check_user(section)
        yield from check_folders(section, settings)
        yield from check_recipients(section, settings)
        yield from check_data_source(section, destination)
    elif isinstance(section, RepositorySection):
        yield from check_recipients(section, settings)
        yield from check_repository_section(section)
