"""The interface of an instance that is published; two implementations exist.

`source_server.catalogues.embedded` reads our own store, `source_server.catalogues.openbis` a real
openBIS database. All questions that clients ask come with a `Scope`: a catalogue never decides who
may see what, and never returns anything outside of the scope.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from shared.errors import NotNowError
from shared.model.entities import Entity
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import Kind
from shared.model.master_data import MasterData
from shared.model.unknown import Reason, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The part of an instance that one answer may show.

    ``spaces`` are shown whole. ``projects`` (identifiers ``/SPACE/PROJECT``) are shown from spaces
    that are not; their spaces appear as entries without contents. Shared samples, materials and
    master data belong to every scope (wire-format.md, 2.2).
    """

    spaces: frozenset[Code] = frozenset()
    projects: frozenset[Identifier] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloadable:
    """Content that can be downloaded: a file, or the bytes if a database holds them.

    ``etag`` changes whenever the bytes do. ``modified`` has whole seconds, as HTTP has.
    ``may_change``: the file may be written to at any time; then the etag is its `state_of`.
    """

    length: int
    etag: str
    modified: datetime | None = None
    path: Path | None = None
    data: bytes | None = None
    may_change: bool = False

    @classmethod
    def of_file(
        cls, file: Path, etag: str | None = None, *, may_change: bool = False
    ) -> Self | None:
        """The content of a file; None if there is none. Without an ``etag``, it is made of size and
        time: hashing would take as long as sending, for every range that is asked for."""
        try:
            status = file.stat()
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        if may_change:
            etag = state_of(status)
        return cls(
            length=status.st_size,
            etag=etag or f"{status.st_size:x}-{status.st_mtime_ns:x}",
            modified=datetime.fromtimestamp(int(status.st_mtime), UTC),
            path=file,
            may_change=may_change,
        )


def state_of(status: os.stat_result) -> str:
    """A text that changes whenever a file is written to, also if its time is set back then."""
    return f"{status.st_size:x}-{status.st_mtime_ns:x}-{status.st_ctime_ns:x}"


_WHY = {
    Reason.ARCHIVED: "it is archived; it can be read when openBIS has unarchived it",
    Reason.NOT_MOUNTED: "its folder is not there; a disk may not be mounted",
    Reason.NOT_HARVESTED: "its files are not here",
}


def not_now(code: Code, unknown: Unknown) -> NotNowError:
    """The error for a file of a data set that exists but cannot be read now."""
    why = _WHY.get(unknown.reason, "its folder cannot be read")
    return NotNowError(f"data set {code}: {why}; try again later")


class Step(StrEnum):
    """A way from an entity to others."""

    # To the entity itself, if it is within the scope.
    ITSELF = "itself"
    # To the places that it lies in: space, project, experiment, sample.
    ABOVE = "above"
    # From a space, a project or an experiment to all that lies in it at any depth, from a sample to
    # its data sets.
    BELOW = "below"
    # To the samples that are values of its properties.
    NAMED = "named"
    PARENTS = "parents"
    CHILDREN = "children"
    CONTAINERS = "containers"
    COMPONENTS = "components"


class Place(NamedTuple):
    """An entity that a step leads to; ``space`` is None if it is shared. A data set lies in the
    space of its experiment, else of its sample."""

    kind: Kind
    perm_id: PermId
    space: Code | None
    type: Code | None


class Snapshot(Protocol):
    """One consistent view of an instance, for one answer. Several threads may use it, one at a
    time.

    Iterators read in batches. Other calls may be made between two entities, but of two iterators
    the first must be drained or closed before the second begins.
    """

    @property
    def at(self) -> datetime:
        """A low-water mark in whole seconds, UTC: whatever is committed after this snapshot was
        taken has a later modification time (wire-format.md, 1.6)."""
        ...

    def space_codes(self) -> list[Code]:
        """Codes of all spaces, in byte order."""
        ...

    def master_data(self) -> MasterData: ...

    def entities(self, kind: Kind, scope: Scope) -> Iterator[Entity]:
        """Entities of one kind within the scope, ordered by perm id in byte order.

        Connections, property values of type SAMPLE, and references to experiments and samples name
        only entities within the scope. An entity that lacks something, for this or another reason,
        says so (`shared.model.unknown`).
        """
        ...

    def data_set_connections(self, samples: list[PermId], scope: Scope) -> dict[PermId, list[Code]]:
        """Codes of the data sets of each of these samples, in byte order, within the scope."""
        ...

    def neighbours(
        self, kind: Kind, perm_ids: Sequence[PermId], step: Step, scope: Scope
    ) -> Iterable[Place]:
        """Entities within the scope to which a step leads from these entities, which may be some
        hundreds; one may come several times. AFS data are none of them."""
        ...

    def entities_named(
        self, kind: Kind, perm_ids: Sequence[PermId], scope: Scope
    ) -> Iterator[Entity]:
        """Like `entities`, only those with these perm ids, which must be in byte order."""
        ...

    def afs_data(self, owners: Sequence[PermId], scope: Scope) -> Iterator[Entity]:
        """The AFS data of those of these samples and experiments that have some; the perm ids must
        be in byte order. `NotNowError` if it is known that there are some which cannot be shown."""
        ...

    def external_systems(self, data_sets: Sequence[PermId]) -> Iterable[Code]:
        """Codes of the data management systems that have copies of the contents of these data
        sets."""
        ...

    def service_file_checksum(self, path: str) -> str | None:
        """The SHA-256 (lower-case hex) that this file of the file service had when it was
        harvested; None for a file that was made here, or if it is not known."""
        ...


class Catalogue(Protocol):
    """An instance that is published."""

    def scope_of(self, user_id: str) -> Scope | None:
        """The scope of a user; None if the user is unknown, inactive or has no role."""
        ...

    def snapshot(self) -> AbstractContextManager[Snapshot]: ...

    def turn(self) -> AbstractContextManager[object]:
        """A lock that a list holds while a part of it is made, for catalogues in which several
        lists at once would be slower than one after the other."""
        ...

    def data_set_file(self, code: Code, path: str, scope: Scope) -> Downloadable | None:
        """A file of a data set; None if either does not exist or is not within the scope.

        Raises `NotNowError` if the data set cannot be read at the moment."""
        ...

    def data_set(self, code: Code, scope: Scope) -> Entity | None:
        """A data set with all that a list has of it; None if it does not exist or is not within the
        scope."""
        ...

    def attachment(
        self, kind: Kind, perm_id: PermId, file_name: str, version: int, scope: Scope
    ) -> Downloadable | None: ...

    def service_file(self, path: str, scope: Scope) -> Downloadable | None:
        """A file of the file service, if a text within the scope mentions it; else None."""
        ...
