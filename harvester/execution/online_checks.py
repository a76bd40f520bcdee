"""Tries all that a harvest needs and changes nothing: ``check-config --online``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

from harvester.notices.mail_server import check_mail_server
from harvester.runs.destination_check import OpenDestination
from harvester.runs.findings import Finding
from harvester.runs.section_work import work_of
from harvester.settings.harvester import HarvesterSettings
from harvester.settings.section import SectionSettings

# A heading, and a finding below it.
HeadedFinding = tuple[str, Finding]


def check_online(
    settings: HarvesterSettings, sections: Sequence[SectionSettings]
) -> Iterator[HeadedFinding]:
    """Yield each finding when it is made. A source's list may take hours."""
    with closing(OpenDestination(settings)) as destination:
        yield "destination", destination.finding
        if mail_server := check_mail_server(settings):
            yield "destination", mail_server
        for section in sections:
            for finding in work_of(section).check_online(section, settings, destination):
                yield f"[{section.name}]", finding
