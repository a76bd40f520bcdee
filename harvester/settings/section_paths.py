"""No path of a section may destroy another one: its own, another section's, or the program's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harvester.settings.harvester import HarvesterSettings
from harvester.settings.ini import IniSection
from harvester.settings.section import SectionSettings
from shared.settings.secrets import file_keys_of
from shared.settings.used_paths import Conflict, PathRole, UsedPath, conflicts, secret_files

# The settings of the other program often lie in the same folder.
_NEIGHBOUR = "source-server.properties"

Read = Sequence[tuple[IniSection, SectionSettings]]


def find_conflicts(read: Read, settings: HarvesterSettings, path: Path) -> None:
    """Add a fault to each section whose paths conflict; ``path`` is the config file itself."""
    used = [*_of_programs(settings, path), *_of_sections(read, settings)]
    sections = {section.name: section for section, _ in read}
    exclusive = {config.name: config.exclusive for _, config in read}
    for found in conflicts(used):
        if _is_known_already(found.first, found.second, exclusive):
            continue
        for one in _to_correct(found, sections):
            sections[one.section].fault(one.place, found.fault_of(one))


def _to_correct(found: Conflict, sections: Mapping[str, IniSection]) -> list[UsedPath]:
    """The paths that get the fault: one of each section; within a section those in the file."""
    own = [one for one in (found.first, found.second) if one.section]
    if found.first.section != found.second.section:
        return own
    return [one for one in own if one.key in sections[one.section].entries] or own[-1:]


def _of_programs(settings: HarvesterSettings, path: Path) -> Iterator[UsedPath]:
    known = settings.known_paths or settings.used_paths(lambda _key: "the properties")
    yield from known
    if not settings.known_paths:
        yield UsedPath(key="this file", path=path, place=str(path), role=PathRole.READ)
    neighbour = path.with_name(_NEIGHBOUR)
    key = "settings of the source server"
    yield UsedPath(key=key, path=neighbour, place=str(neighbour), role=PathRole.READ)


def _of_sections(read: Read, settings: HarvesterSettings) -> Iterator[UsedPath]:
    for section, config in read:

        def place_of(key: str, section: IniSection = section) -> str:
            entry = section.entries.get(key)
            return entry.place if entry else section.place

        yield from config.used_paths(place_of)
        keys = file_keys_of(type(config))
        yield from secret_files(section.entries, keys, settings.base_dir, section.name)


def _is_known_already(
    first: UsedPath, second: UsedPath, exclusive: Mapping[str, Mapping[str, str]]
) -> bool:
    """Whether the fault of an exclusive key, which two sections share, says it already."""
    if not (first.section and second.section) or first.section == second.section:
        return False
    value = exclusive[first.section].get(first.key)
    return value is not None and value == exclusive[second.section].get(second.key)
