"""The INI dialect of openBIS's harvester: sections, ``key = value``, whole lines of comment.

A value may contain ``=``, ``%`` and ``#``. What the original ignores (a line without ``=``, text
behind a section header, a key given twice) is a fault or a warning here, since it never does what
its author meant. Faults and warnings begin with ``file:line``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from shared.properties_file import read_text
from shared.settings.model import Given

_HEADER = re.compile(r"\s*\[(?P<name>[^\]]*)(?P<close>\]?)\s*(?P<rest>.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class IniSection:
    """The lines under one header; ``place`` is that of the header."""

    name: str
    place: str
    entries: dict[str, Given] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def fault(self, place: str, text: str) -> None:
        self.faults.append(f"{place}: [{self.name}] {text}")

    def warn(self, place: str, text: str) -> None:
        self.warnings.append(f"{place}: [{self.name}] {text}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ini:
    """Sections by name, in the order of the file; ``warnings`` are about lines of no section."""

    sections: dict[str, IniSection]
    warnings: tuple[str, ...]


def read_ini(path: Path) -> Ini:
    """Raises `ConfigError` if the file cannot be read. Other faults are added to the sections."""
    sections: dict[str, IniSection] = {}
    warnings = []
    current: IniSection | None = None
    for place, line in _lines(path):
        if line.lstrip().startswith("["):
            current = _open_section(sections, place, line)
        elif current is None:
            warnings.append(f"{place}: ignored, because it stands before the first [section]")
        else:
            _add_entry(current, place, line)
    return Ini(sections=sections, warnings=tuple(warnings))


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(re.split(r"\r\n|\r|\n", read_text(path)), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield f"{path}:{number}", line


def _open_section(sections: dict[str, IniSection], place: str, line: str) -> IniSection:
    """The section that a header begins. A faulty header begins one, too: its keys must not get into
    the section above it, as they do in the original."""
    header = _HEADER.match(line)
    name = header["name"].strip() if header else ""
    is_new = name not in sections
    section = sections.setdefault(name, IniSection(name=name, place=place))
    if not is_new:
        section.fault(place, f"the section stands already at {section.place}; rename one of them")
    if not name:
        section.fault(place, "the section has no name")
    if header and not header["close"]:
        section.fault(place, "the section header lacks its ]")
    elif header and header["rest"].startswith(("#", ";")):
        section.warn(place, "a comment behind a section header; the original would not see the ]")
    elif header and header["rest"]:
        section.fault(place, "text behind the section header; put it on a line of its own")
    return section


def _add_entry(section: IniSection, place: str, line: str) -> None:
    key, equals, value = (part.strip() for part in line.partition("="))
    if line.lstrip().startswith(";"):
        section.fault(place, "a comment starts with #")
    elif not equals:
        section.fault(place, "the line is neither a [section], nor key = value, nor a # comment")
    elif not key:
        section.fault(place, "there is no key before the =")
    elif key in section.entries:
        first = section.entries[key].place.rpartition(":")[2]
        section.fault(place, f"{key}: given already in line {first}; remove one of them")
    else:
        section.entries[key] = Given(value=value, place=place)
