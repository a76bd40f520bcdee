"""Collects the files of one data set, and the reasons why others are not listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.model.entities import FileNode
from shared.model.unknown import Part, Reason, Unknown
from source_server.catalogues.openbis.texts import is_publishable
from source_server.publication.unseen import names


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The files of a data set, as they stand in an entity."""

    files: tuple[FileNode, ...] = ()
    unknown: tuple[Unknown, ...] = ()


@dataclass(slots=True)
class Listing:
    """Collects files while they are looked at.

    ``away``: why none of them can be fetched now. ``total``: bytes of all files that were seen,
    listed or not.
    """

    away: Unknown | None = None
    nodes: list[FileNode] = field(default_factory=list)
    total: int = 0
    _bad_names: list[str] = field(default_factory=list)
    _unreadable: list[str] = field(default_factory=list)
    _withheld: list[str] = field(default_factory=list)
    _incomplete: Unknown | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was seen, without any hindrance."""
        return not (self.nodes or self._bad_names or self._unreadable or self._withheld)

    @property
    def is_whole(self) -> bool:
        """Whether the lengths of all files that were seen are known."""
        return not (self._unreadable or self._withheld)

    def add(self, node: FileNode) -> None:
        """Add a file. If XML cannot carry its name it is left out, since a name must not be
        changed."""
        self.total += node.length
        if is_publishable(node.path):
            self.nodes.append(node)
        else:
            self._bad_names.append(node.path)

    def bad_name(self, path: str) -> None:
        self._bad_names.append(path)

    def unreadable(self, paths: Sequence[str]) -> None:
        self._unreadable += paths

    def withhold(self, path: str) -> None:
        """Note a path that may be a folder or a file, of unknown length."""
        self._withheld.append(path)

    def incomplete(self, reason: Reason, detail: str) -> None:
        """Note that files may be missing: fewer bytes were seen than openBIS has recorded, or files
        moved meanwhile."""
        self._incomplete = _files(reason, detail)

    def not_fed(self) -> None:
        """Note that path info does not know the files either, which may be the reason why the
        folder is missing."""
        if self.away and self.away.reason is Reason.NOT_MOUNTED:
            self.away = away(Reason.NOT_FED, self.away.detail)

    def listed(self) -> Listed:
        marks = [self._with_withheld(), self._incomplete]
        if self._bad_names:
            marks.append(_files(Reason.BAD_NAME, names("cannot be listed", self._bad_names)))
        if self._unreadable:
            marks.append(_files(Reason.UNREADABLE, names("cannot be read", self._unreadable)))
        return Listed(files=tuple(self.nodes), unknown=tuple(m for m in marks if m is not None))

    def _with_withheld(self) -> Unknown | None:
        if not self._withheld:
            return self.away
        these = names("not known to be a file or a folder", self._withheld)
        if self.away is None:
            return _files(Reason.UNREADABLE, these)
        detail = f"{self.away.detail}; {these}" if self.away.detail else these
        return Unknown(part=Part.FILES, reason=self.away.reason, detail=detail)


def away(reason: Reason, detail: str | None = None) -> Unknown:
    """The mark for a data set of which no file can be fetched."""
    return Unknown(part=Part.FILES, reason=reason, detail=detail)


def _files(reason: Reason, detail: str) -> Unknown:
    return Unknown(part=Part.FILES, reason=reason, detail=detail)
