"""The ``last-sync-timestamp-file``: the cutoffs of a section.

The file keeps the original's form, two keys in local time, so that an operator can go back to it.
Local time there has no zone and whole seconds, so two keys in UTC stand beside and take precedence.
A run of the original removes them; then its own two are read. The same goes for the selection.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harvester.settings.ini import read_ini
from shared.atomic_file import write_atomically
from shared.errors import ConfigError
from shared.settings.model import Given

_SECTION = "TIMESTAMPS"
_INCREMENTAL = "last-incremental-sync-timestamp"
_FULL = "last-full-sync-timestamp"
_SELECTION = "selection"
_LOCAL_FORMAT = "%Y-%m-%d %H:%M:%S"
_ADVICE = "repair the file, or delete it: the next run then compares everything"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSync:
    """The cutoffs of the last run and of the last baseline; aware, in UTC. ``selection`` is that of
    the last run, in one line; None if it is unknown."""

    incremental: datetime
    full: datetime
    selection: str | None = None


def read_state(path: Path) -> LastSync | None:
    """None if the section was never synchronised; `ConfigError` if the file is damaged."""
    if not path.exists():
        return None
    section = read_ini(path).sections.get(_SECTION)
    entries = section.entries if section else {}
    incremental = _timestamp(path, entries, _INCREMENTAL)
    if incremental is None:
        raise ConfigError(f"{path}: [{_SECTION}] {_INCREMENTAL} is missing; {_ADVICE}")
    selection = entries.get(_SELECTION)
    return LastSync(
        incremental=incremental,
        full=_timestamp(path, entries, _FULL) or incremental,
        selection=selection.value if selection else None,
    )


def write_state(path: Path, last: LastSync) -> None:
    """Replace the file atomically."""
    lines = [f"[{_SECTION}]", ""]
    for key, time in ((_INCREMENTAL, last.incremental), (_FULL, last.full)):
        lines.append(f"{key} = {time.astimezone().strftime(_LOCAL_FORMAT)}")
    for key, time in ((_INCREMENTAL, last.incremental), (_FULL, last.full)):
        lines.append(f"{key}-utc = {time.astimezone(UTC).isoformat().replace('+00:00', 'Z')}")
    if last.selection is not None:
        lines.append(f"{_SELECTION} = {last.selection}")
    write_atomically(path, "\n".join(lines) + "\n")


def _timestamp(path: Path, entries: dict[str, Given], key: str) -> datetime | None:
    """The timestamp in UTC, else the local one; for an hour that occurs twice, the earlier."""
    exact, local = entries.get(f"{key}-utc"), entries.get(key)
    try:
        if exact and exact.value:
            return _aware(exact.value)
        if local and local.value:
            return datetime.strptime(local.value, _LOCAL_FORMAT).astimezone().astimezone(UTC)
    except (ValueError, OverflowError) as error:
        entry = exact or local
        place = entry.place if entry else path
        raise ConfigError(f"{place}: {key} cannot be read: {error}; {_ADVICE}") from error
    return None


def _aware(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return time.astimezone(UTC)
