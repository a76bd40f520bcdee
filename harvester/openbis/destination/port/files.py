"""Files and their rows (steps 5 to 7). A file lies in its place before its row is committed: so it
is announced before it is brought, and forgotten in the transaction that writes its row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from harvester.openbis.destination.arrivals import Abandoned, Hindrances, Rival
from harvester.openbis.destination.attachments import HeldVersion, Holder
from harvester.openbis.destination.brought import Key
from harvester.openbis.destination.file_work import FileEffects
from shared.model.entities import FileNode
from shared.model.unknown import Part, Reason
from shared.store.changes import Action, Stamps

__all__ = [
    "Attachments",
    "DataSets",
    "FileWork",
    "HeldVersion",
    "Holder",
    "Key",
    "ListedFile",
    "ServiceFiles",
]


class FileWork(Protocol):
    """What is done to files of any kind, after their rows or before them."""

    def follow(self, effects: FileEffects, moved: Callable[[], None]) -> None:
        """Let files follow their rows to the trash, back, or away: after the transaction that
        changed the rows. ``moved`` is called after each."""
        ...

    def drop_abandoned(
        self, abandon: Callable[[Abandoned], None], moved: Callable[[], None]
    ) -> None:
        """Clear away what an earlier run was bringing and the list does not have any more."""
        ...

    def still_here(self, keys: Collection[Key]) -> set[Key]:
        """Which of these things the section still has."""
        ...


class Attachments(Protocol):
    """Holders and the versions of their attachments (step 5)."""

    def announce(self) -> None:
        """The contents of all attachments that the list has and their holders here have not."""
        ...

    def differing(self) -> list[Holder]:
        """Holders whose attachments are not as the list says."""
        ...

    def holders_of(self, keys: Collection[Key]) -> list[Holder]:
        """Those among these that are of this section, and in the list."""
        ...

    def listed(self, holder: Holder) -> list[HeldVersion]:
        """What the list says of a holder's attachments, by file name and version."""
        ...

    def stored(self, holder: Holder) -> list[HeldVersion]:
        """What is here of them."""
        ...

    def replace(self, holder: Holder, versions: Sequence[HeldVersion]) -> None:
        """Let a holder have exactly these versions, whose contents have come."""
        ...


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of the file service as the list has it; ``modified`` in milliseconds since 1970.
    ``owner`` and ``stored_sha256`` are those of the file of that path that is here."""

    path: str
    modified: int
    length: int
    sha256: str
    href: str | None
    owner: str | None
    stored_sha256: str | None


class ServiceFiles(Protocol):
    """Files of the file service (step 6)."""

    def wanted(self, again: Collection[Key]) -> Iterator[ListedFile]:
        """What is to be brought: new, changed, interrupted, or among those to be brought again. A
        path may come more than once; the last one counts."""
        ...

    def announced(self) -> frozenset[str]:
        """The paths of what the section was or is bringing."""
        ...

    def content(self, path: str) -> bytes | None:
        """The bytes, if the list brought them."""
        ...

    def moving(self, path: str) -> str | None:
        """The section whose file of that path has still to be moved away, or back."""
        ...

    def rivals(self, path: str) -> Sequence[Rival]:
        """Other sections with a file of the path, those with a row first."""
        ...

    def announce(self, path: str, sha256: str) -> None:
        """From now on something of this path may lie there."""
        ...

    def forget(self, path: str) -> None:
        """Nothing of it has come."""
        ...

    def keep(self, file: ListedFile) -> None:
        """Write the row of a file that has come."""
        ...


class DataSets(Protocol):
    """Data sets and their files (step 7): those whose files have to arrive wait in the plan."""

    def plan(self, leave_alone: Collection[str], again: Collection[str]) -> None:
        """Let those wait that have files which are not here in the same form, or whose files are to
        be brought ``again``, or were interrupted; but not those whose files the source cannot give
        now."""
        ...

    def apply(self, stamps: Stamps) -> None:
        """Register and update all that do not wait; what another section brought meanwhile is left
        to that."""
        ...

    def settle(self) -> None:
        """What was applied is done."""
        ...

    def counts(self, action: Action) -> Mapping[str, int]:
        """How many of each kind of data set are planned so."""
        ...

    def codes(self, action: Action) -> Iterator[tuple[str, str]]:
        """Kinds and codes of the same; to be read to the end before the plan is changed."""
        ...

    def waiting(self) -> list[str]:
        """The codes of those that wait for files, sorted."""
        ...

    def waiting_bytes(self) -> int:
        """Of all their files."""
        ...

    def await_files(self, codes: Collection[str]) -> None:
        """Let these wait (again)."""
        ...

    def admit(self, codes: Sequence[str]) -> None:
        """The files of these have arrived: they are new or changed again."""
        ...

    def files_of_first(self, codes: Sequence[str]) -> Mapping[str, tuple[FileNode, ...]]:
        """What the list says of the files of the first few of these, whose codes are sorted; of one
        at least."""
        ...

    def listed_files(self, code: str) -> Sequence[FileNode]:
        """What the list says of the files of one, by path."""
        ...

    def guarded_files(self, codes: Collection[str]) -> Mapping[str, Mapping[str, FileNode]]:
        """What is here of those files that the list describes in another way, and that must not be
        replaced by other bytes: by code and path."""
        ...

    def announce(self, free: Collection[str], occupied: Collection[str]) -> None:
        """From now on files of these may lie in their places; of those in whose places something
        lies already, only what the section has brought is its own."""
        ...

    def forget(self, codes: Collection[str]) -> None:
        """The rows of these are written in this transaction."""
        ...

    def hindrances(self) -> Hindrances:
        """Why some of those that have arrived must not be put in place; to be asked in the
        transaction in which they are."""
        ...

    def with_files(self, codes: Collection[str]) -> frozenset[str]:
        """Those of whose files there are rows here."""
        ...

    def brought_paths(self, code: str) -> frozenset[str]:
        """The files of one of which there are rows here."""
        ...

    def never_came(self) -> Counter[tuple[Part, Reason]]:
        """What the list does not show and that is not here as a whole, after a pass."""
        ...
