"""All that a harvest needs, tried without changing anything: ``check-config --online``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

from harvester.checks.destination import OpenDestination
from harvester.checks.findings import Finding
from harvester.checks.mail_server import check_mail_server
from harvester.properties import HarvesterSettings
from harvester.section_settings import SectionSettings
from harvester.section_work import work_of

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
            for finding in work_of(section).check_online(section, settings, destination):
                yield f"[{section.name}]", finding
