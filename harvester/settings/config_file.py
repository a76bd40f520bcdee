"""The harvester config file: one section for each data source, read anew for every run.

A section names its kind, and the kind says which keys it has
(`harvester.settings.section_kinds`); without ``kind`` it is an openBIS data source. Each section
becomes settings or a list of faults, all faults at once; a faulty section does not stop the others.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harvester.settings.harvester import HarvesterSettings
from harvester.settings.ini import Ini, IniSection, read_ini
from harvester.settings.section import Sections, SectionSettings
from harvester.settings.section_kinds import DEFAULT_KIND, SectionKind, section_kinds
from harvester.settings.section_paths import tell_conflicts
from shared.errors import ConfigError
from shared.settings.faults import Given, check, nearest, unknown_key
from shared.settings.model import keys_of
from shared.settings.secrets import exposed_secrets, file_keys_of, resolve_secrets

_KIND = "kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile(Sections):
    """``sections`` can run; ``faults`` says by section name why others cannot. Faults that belong
    to no section stand under ``''``. ``warnings`` hinder nothing."""

    faults: Mapping[str, list[str]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def read_config(
    path: Path, settings: HarvesterSettings, environ: Mapping[str, str] = os.environ
) -> ConfigFile:
    """Raises `ConfigError` only if there is nothing to judge: no file, or no section in it."""
    ini = read_ini(path)
    if not ini.sections:
        raise ConfigError(f"{path}: there is no section; begin one with [name]")
    warnings = [*ini.warnings, *_exposed(ini, path)]
    read = []
    for section in ini.sections.values():
        if section.entries or section.faults:
            read.append((section, _read_section(section, settings, environ)))
        else:
            section.warn(section.place, "ignored, because it has no keys")
    readable = [(section, config) for section, config in read if config]
    _tell_shared(readable)
    tell_conflicts(readable, settings, path)
    for section in ini.sections.values():
        warnings += section.warnings
    return ConfigFile(
        sections=tuple(c for section, c in read if c and not section.faults),
        faults={s.name: s.faults for s in ini.sections.values() if s.faults},
        warnings=tuple(warnings),
    )


def _read_section(
    section: IniSection, settings: HarvesterSettings, environ: Mapping[str, str]
) -> SectionSettings | None:
    """The section's settings if they can be read; its faults are added to it."""
    kind = _kind_of(section)
    if kind is None:
        return None
    model = kind.settings
    known = _known_entries(section, model)
    for key, text in model.warnings_of(known):
        section.warn(known[key].place, f"{key}: {text}")
    secrets = resolve_secrets(model, known, base=settings.base_dir, environ=environ)
    for warning in secrets.warnings:
        section.warn(warning.place, warning.text)
    config, faults = check(
        model,
        secrets.given,
        place=section.place,
        beside={"name": section.name, **model.defaults_from(settings)},
        unread=secrets.unread,
        context=settings,
    )
    for fault in (*secrets.faults, *faults):
        section.fault(fault.place, fault.text)
    return config


def _kind_of(section: IniSection) -> SectionKind[SectionSettings] | None:
    """The section's kind; None, and a fault, if there is no such kind or it cannot run here."""
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
    """That others may read a password in the file."""
    told = (
        exposed_secrets(kind.settings, path, one.entries)
        for one in ini.sections.values()
        for kind in section_kinds().values()
    )
    return [text for text in told if text][:1]


def _known_entries(section: IniSection, model: type[SectionSettings]) -> dict[str, Given]:
    """Entries that are not blank; others are warned of, or are faults."""
    keys = [key for name, key in keys_of(model).items() if name != "name"]
    keys += file_keys_of(model)
    known: dict[str, Given] = {}
    for key, entry in _one_spelling(section, model.other_spellings):
        if key == _KIND:
            continue
        if key in model.ineffective_keys:
            section.warn(entry.place, f"{key}: this key never had an effect; remove it")
        elif key not in keys:
            section.fault(entry.place, unknown_key(key, [*keys, *model.other_spellings]))
        elif entry.value:
            known[key] = entry
    return known


def _one_spelling(
    section: IniSection, other_spellings: Mapping[str, str]
) -> Iterable[tuple[str, Given]]:
    for key, entry in section.entries.items():
        official = other_spellings.get(key, key)
        if official != key and official in section.entries:
            section.fault(entry.place, f"{key}: given already as {official}; remove one of them")
        else:
            yield official, entry


def _tell_shared(read: list[tuple[IniSection, SectionSettings]]) -> None:
    """Faults of sections that would overwrite each other's entities or files.

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
