"""Which sections a command works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from harvester.settings.config_file import read_config
from harvester.settings.contacts import Contacts
from harvester.settings.harvester import HarvesterSettings, read_settings
from harvester.settings.section import Sections
from shared.errors import ConfigError
from shared.plain_lines import complain
from shared.settings.faults import nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen(Sections):
    """``sections`` can run; ``faults_of`` has the faults of the others by name, and those of no
    section under ``''``. ``contacts`` has all sections of the file."""

    settings: HarvesterSettings
    faults_of: Mapping[str, Sequence[str]]
    contacts: Mapping[str, Contacts]

    @property
    def faults(self) -> tuple[str, ...]:
        """The faults of all sections, a line each."""
        return tuple(chain.from_iterable(self.faults_of.values()))


def choose(config: Path, names: Sequence[str] | None) -> Chosen:
    """Read both settings files, and choose the named sections, or all.

    Raises `ConfigError` for a name that no section has.
    """
    settings = read_settings(config)
    file = read_config(settings.harvester_config_file, settings)
    for warning in file.warnings:
        complain(f"warning: {warning}")
    known = {section.name for section in file.sections} | file.faults.keys()
    for name in names or ():
        if name not in known:
            raise ConfigError(_unknown(name, known - {""}, settings.harvester_config_file))
    return Chosen(
        settings=settings,
        contacts=file.contacts,
        sections=tuple(s for s in file.sections if not names or s.name in names),
        faults_of={
            name: faults
            for name, faults in file.faults.items()
            if not names or not name or name in names
        },
    )


def _unknown(name: str, known: set[str], path: Path) -> str:
    near = nearest(name, known)
    hint = f"; did you mean [{near}]?" if near else f"; it has {', '.join(sorted(known))}"
    return f"{path}: there is no section [{name}]{hint}"
