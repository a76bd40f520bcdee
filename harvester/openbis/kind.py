"""The kind ``openbis``, as the harvester finds it."""

from __future__ import annotations

from harvester.openbis.parser import add_commands
from harvester.openbis.section import SectionConfig
from harvester.settings.section_kinds import DEFAULT_KIND, SectionKind

KIND = SectionKind(
    name=DEFAULT_KIND,
    settings=SectionConfig,
    work="harvester.openbis.work:WORK",
    add_commands=add_commands,
)
