"""Counts the parts that one list cannot show, for the log and the end of the list.

The log never gets a line per record.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from shared.model.entities import Entity
from shared.model.unknown import Part, Reason, Unknown

# Names that a message shows, and characters of each.
_SHOWN = 3
_LONGEST = 100
_log = logging.getLogger(__name__)


@runtime_checkable
class Foreseeing(Protocol):
    """A catalogue that can count quickly the data sets it cannot read."""

    def unseen(self) -> Counter[str]:
        """Numbers of data sets, by the reason, in words for an operator."""
        ...


def log_unseen(catalogue: object) -> None:
    """Log, when a server starts, which files its lists will lack."""
    counts = catalogue.unseen() if isinstance(catalogue, Foreseeing) else Counter[str]()
    if counts:
        reasons = "; ".join(f"{number} ({reason})" for reason, number in sorted(counts.items()))
        _log.warning(
            "the files of %d data sets cannot be read: %s. The lists say so, and what was"
            " harvested stays at the destinations",
            counts.total(),
            reasons,
        )


def names(what: str, paths: Sequence[str]) -> str:
    """The number of files, and the first few names."""
    shown = [repr(path[:_LONGEST]) for path in paths[:_SHOWN]]
    more = ", ..." if len(paths) > _SHOWN else ""
    return f"{len(paths)} {'file' if len(paths) == 1 else 'files'} {what}: {', '.join(shown)}{more}"


class Unseen:
    """Collects all parts that a list leaves out, except those outside the scope."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[Part, Reason]] = Counter()
        self._firsts: dict[tuple[Part, Reason], str] = {}
        self._service_files: dict[Reason, list[str]] = {}

    def note(self, entities: Iterable[Entity]) -> None:
        for entity in entities:
            for each in entity.unknown:
                if each.reason is not Reason.OUT_OF_SCOPE:
                    key = each.part, each.reason
                    self._counts[key] += 1
                    self._firsts.setdefault(key, _described(entity, each))

    def note_service_file(self, path: str, reason: Reason) -> None:
        """Note a file that a text mentions and that cannot be listed."""
        self._service_files.setdefault(reason, []).append(path)

    def of_the_list(self) -> list[Unknown]:
        """The unknown parts of the list as a whole. A text that is not listed may mention files."""
        unlisted = [
            Unknown(part=Part.FILE_SERVICE, reason=reason, detail="texts are not listed")
            for part, reason in self._counts
            if part is Part.PROPERTIES and reason is Reason.SEVERAL_VALUES
        ]
        return unlisted + [
            Unknown(
                part=Part.FILE_SERVICE, reason=reason, detail=names("that texts mention", paths)
            )
            for reason, paths in sorted(self._service_files.items())
        ]

    def log(self) -> None:
        for (part, reason), count in sorted(self._counts.items()):
            first = self._firsts[part, reason]
            _log.warning("records with unknown %s (%s): %d; %s", part, reason, count, first)
        for unknown in self.of_the_list():
            _log.warning("file service: not listed (%s): %s", unknown.reason, unknown.detail)


def _described(entity: Entity, unknown: Unknown) -> str:
    detail = f": {unknown.detail}" if unknown.detail else ""
    return f"the first is {entity.kind.value} {entity.perm_id}{detail}"
