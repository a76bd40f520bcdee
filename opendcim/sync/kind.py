"""The section kind ``opendcim-repository``, for the harvester's entry point."""

from __future__ import annotations

from harvester.settings.section_kinds import SectionKind
from opendcim.extra import EXTRA
from opendcim.sync.parser import add_commands
from opendcim.sync.section import KIND as NAME
from opendcim.sync.section import RepositorySection

KIND = SectionKind(
    name=NAME,
    settings=RepositorySection,
    work="opendcim.sync.work:WORK",
    takes_bundles=True,
    needs=EXTRA,
    add_commands=add_commands,
)
