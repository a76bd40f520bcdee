"""The kinds of sections that are installed.

A package adds a kind by an entry point of the group ``openbis_sync.section_kinds``, which names a
`SectionKind`. openBIS's own kind is found in the same way: so no kind can do what another cannot,
and nothing here has to know the kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, cast

from harvester.settings.section import S
from shared.entry_points import announced
from shared.errors import ConfigError
from shared.extras import NO_EXTRA, Extra

if TYPE_CHECKING:
    from shared.command_line import Commands, Subcommands

GROUP = "openbis_sync.section_kinds"
# The kind of a section that names none.
DEFAULT_KIND = "openbis"


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionKind(Generic[S]):
    """A kind of section: what the harvester knows of it before a section runs."""

    # The value of the key ``kind``.
    name: str
    settings: type[S]
    # ``module:name`` of the `harvester.runs.section_work.SectionWork`. It is loaded only when a
    # section of the kind runs or is checked.
    work: str
    # Whether a run can read a bundle, a file, instead of its source.
    takes_bundles: bool = False
    needs: Extra = NO_EXTRA
    # Adds the kind's own commands to the command line.
    add_commands: Callable[[Subcommands, Commands], None] | None = None


def section_kinds() -> Mapping[str, SectionKind[Any]]:
    """All kinds by their names. Raises `ConfigError` if there are none, or one cannot be loaded."""
    kinds = announced(GROUP, SectionKind)
    if not kinds:
        raise ConfigError(
            "no kind of section is installed: this installation of openbis-sync is older than the "
            "program; install it anew (make demo, or pip install -e .)"
        )
    return kinds


def kind_of(section: S) -> SectionKind[S]:
    """The kind of a section, by its settings."""
    found = next(kind for kind in section_kinds().values() if isinstance(section, kind.settings))
    return cast("SectionKind[S]", found)
