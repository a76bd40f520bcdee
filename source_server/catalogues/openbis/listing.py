"""What is found out about the files of one data set: those that are listed, and why others are
not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.model.entities import FileNode
from shared.model.unknown import Part, Reason, Unknown
from source_server.catalogues.openbis.texts import is_publishable
from source_server.publication.unseen import names


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The files of a data set, as an entity has them."""

    files: tuple[FileNode, ...] = ()
    unknown: tuple[Unknown, ...] = ()


@dataclass(slots=True)
class Listing:
    """Is filled while the files of a data set are looked at.

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
        """Nothing was seen at all, and nothing hindered us to see it."""
        return not (self.nodes or self._bad_names or self._unreadable or self._withheld)

    @property
    def is_whole(self) -> bool:
        """All that was seen could be counted."""
        return not (self._unreadable or self._withheld)

    def add(self, node: FileNode) -> None:
        """A name must not be changed, so a file whose name XML cannot carry is left out."""
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
        """It cannot be known now whether this is a folder or a file, and how long."""
        self._withheld.append(path)

    def incomplete(self, reason: Reason, detail: str) -> None:
        """Less was seen than openBIS has noted."""
        self._incomplete = _files(reason, detail)

    def not_fed(self) -> None:
        """The folder is missing, and path info does not know the files; the latter may be why."""
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
    """None of the files of a data set can be fetched."""
    return Unknown(part=Part.FILES, reason=reason, detail=detail)


def _files(reason: Reason, detail: str) -> Unknown:
    return Unknown(part=Part.FILES, reason=reason, detail=detail)
