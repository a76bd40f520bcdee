"""The harvester config file: one section for each data source, read anew for every run.

A section names its kind, and the kind says which keys it has
(`harvester.settings.section_kinds`); without ``kind`` it is an openBIS data source. Each section
becomes settings or a list of faults, all faults at once; a faulty section does not stop the others.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harvester.settings.contacts import Contacts, contacts_of, readable_contacts
from harvester.settings.harvester import HarvesterSettings
from harvester.settings.ini import Ini, IniSection, read_ini
from harvester.settings.section import Sections, SectionSettings
from harvester.settings.section_kinds import DEFAULT_KIND, SectionKind, section_kinds
from harvester.settings.section_paths import find_conflicts
from shared.errors import ConfigError
from shared.settings.faults import nearest
from shared.settings.model import Given
from shared.settings.pipeline import Surroundings, checked, exposure_warnings, sift

_KIND = "kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile(Sections):
    """``sections`` can run; ``faults`` says by section name why others cannot; the faults of no
    section are under ``''``. ``contacts`` has all sections."""

    faults: Mapping[str, list[str]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    contacts: Mapping[str, Contacts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A section, its settings if they can be used, and its entries as far as they were read."""

    section: IniSection
    config: SectionSettings | None
    given: Mapping[str, Given]

    @property
    def contacts(self) -> Contacts:
        if self.config:
            return contacts_of(self.config)
        return readable_contacts(self.section.name, self.given)


def read_config(
    path: Path, settings: HarvesterSettings, environ: Mapping[str, str] = os.environ
) -> ConfigFile:
    """Raises `ConfigError` only if there is no file, or no section in it."""
    ini = read_ini(path)
    if not ini.sections:
        raise ConfigError(f"{path}: there is no section; begin one with [name]")
    warnings = [*ini.warnings, *_exposed(ini, path)]
    read = []
    for section in ini.sections.values():
        if section.entries or section.faults:
            read.append(_read_section(section, settings, environ))
        else:
            section.warn(section.place, "ignored, because it has no keys")
    readable = [(one.section, one.config) for one in read if one.config]
    _find_shared(readable)
    find_conflicts(readable, settings, path)
    for section in ini.sections.values():
        warnings += section.warnings
    return ConfigFile(
        sections=tuple(config for section, config in readable if not section.faults),
        faults={s.name: s.faults for s in ini.sections.values() if s.faults},
        warnings=tuple(warnings),
        contacts={one.section.name: one.contacts for one in read},
    )


def _read_section(
    section: IniSection, settings: HarvesterSettings, environ: Mapping[str, str]
) -> _Read:
    """Read a section; faults and warnings are added to it."""
    kind = _kind_of(section)
    if kind is None:
        return _Read(section=section, config=None, given=section.entries)
    model = kind.settings
    sifted = sift([model], {k: entry for k, entry in section.entries.items() if k != _KIND})
    surroundings = Surroundings(
        place=section.place,
        base=settings.base_dir,
        environ=environ,
        beside={"name": section.name, **model.defaults_from(settings)},
        context=settings,
    )
    read = checked(model, sifted.known, surroundings)
    for warning in (*sifted.warnings, *read.warnings):
        section.warn(warning.place, warning.text)
    for fault in (*sifted.faults, *read.faults):
        section.fault(fault.place, fault.text)
    return _Read(section=section, config=read.settings, given=read.given)


def _kind_of(section: IniSection) -> SectionKind[SectionSettings] | None:
    """The section's kind. None, and a fault, if it does not exist or lacks a library."""
    kinds = section_kinds()
    entry = section.entries.get(_KIND)
    name = entry.value if entry and entry.value else DEFAULT_KIND
    kind = kinds.get(name)
    place = entry.place if entry else section.place
    if kind is None:
        near = nearest(name, kinds)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(kinds)}"
        section.fault(place, f"{_KIND}: there is no kind {name!r}; {hint}")
    elif lacking := kind.needs.lacking():
        section.fault(place, f"{_KIND}: {lacking}")
        return None
    return kind


def _exposed(ini: Ini, path: Path) -> list[str]:
    """The warning about exposed secrets, by all kinds, since a section may name none of them."""
    kinds = section_kinds().values()
    sections = ini.sections.values()
    return exposure_warnings(path, ((k.settings, one.entries) for one in sections for k in kinds))


def _find_shared(read: list[tuple[IniSection, SectionSettings]]) -> None:
    """Add faults to sections that would overwrite each other's entities or files.

    Aliases are compared as openBIS compares codes: in upper case.
    """
    users: dict[tuple[str, str], list[IniSection]] = defaultdict(list)
    for section, config in read:
        users["data-source-alias", config.alias.upper()].append(section)
        for key, value in config.exclusive.items():
            users[key, value].append(section)
    for (key, value), sections in users.items():
        for section in sections if len(sections) > 1 else ():
            entry = section.entries.get(key)
            others = ", ".join(f"[{other.name}]" for other in sections if other is not section)
            text = f"{key}: {value} is used by {others}, too; each section needs its own"
            section.fault(entry.place if entry else section.place, text)
