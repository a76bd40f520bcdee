"""Files and their rows (steps 5 to 7). A file lies in its place before its row is committed, so it
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
    """Work on files of any sort that follows or precedes the change of their rows."""

    def follow(self, effects: FileEffects, moved: Callable[[], None]) -> None:
        """Let files follow their rows to the trash, back from it, or away. Call it after the
        transaction that changed the rows. ``moved`` is called after each file."""
        ...

    def drop_abandoned(
        self, abandon: Callable[[Abandoned], None], moved: Callable[[], None]
    ) -> None:
        """Clear away what an earlier run was bringing and the list does not have any more."""
        ...

    def still_here(self, keys: Collection[Key]) -> set[Key]:
        """Those of these items that the section still has."""
        ...


class Attachments(Protocol):
    """Holders and the versions of their attachments (step 5)."""

    def announce(self) -> None:
        """Announce the contents of all attachments that the list has and their holders here do not
        have."""
        ...

    def differing(self) -> list[Holder]:
        """Holders whose attachments differ from the list."""
        ...

    def holders_of(self, keys: Collection[Key]) -> list[Holder]:
        """Those of these that belong to this section and are in the list."""
        ...

    def listed(self, holder: Holder) -> list[HeldVersion]:
        """A holder's attachments in the list, by file name and version."""
        ...

    def stored(self, holder: Holder) -> list[HeldVersion]:
        """A holder's attachments here, by file name and version."""
        ...

    def replace(self, holder: Holder, versions: Sequence[HeldVersion]) -> None:
        """Give a holder exactly these versions, whose contents have come."""
        ...


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of the file service in the list; ``modified`` is in milliseconds since 1970. ``owner``
    and ``stored_sha256`` describe the file of that path that is here."""

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
        """The files to bring: new, changed or interrupted ones, and those to be brought again. If a
        path comes more than once, the last one counts."""
        ...

    def announced(self) -> frozenset[str]:
        """The paths of what the section was or is bringing."""
        ...

    def content(self, path: str) -> bytes | None:
        """The bytes, if the list brought them."""
        ...

    def moving(self, path: str) -> str | None:
        """The section whose file of that path has still to be moved away or back."""
        ...

    def rivals(self, path: str) -> Sequence[Rival]:
        """Other sections with a file of the path; those with a row come first."""
        ...

    def announce(self, path: str, sha256: str) -> None:
        """Note that something of this path may lie there from now on."""
        ...

    def forget(self, path: str) -> None:
        """Remove the note: nothing of it has come."""
        ...

    def keep(self, file: ListedFile) -> None:
        """Write the row of a file that has come."""
        ...


class DataSets(Protocol):
    """Data sets and their files (step 7). Data sets whose files have to arrive first wait in the
    plan."""

    def plan(self, leave_alone: Collection[str], again: Collection[str]) -> None:
        """Let data sets wait whose files differ from those here, were interrupted, or are to be
        brought ``again``; but not those whose files the source cannot give now."""
        ...

    def apply(self, stamps: Stamps) -> None:
        """Register and update all that do not wait. What another section has brought meanwhile is
        left to it."""
        ...

    def settle(self) -> None:
        """Mark what was applied as done."""
        ...

    def counts(self, action: Action) -> Mapping[str, int]:
        """The number of data sets planned for an action, by kind."""
        ...

    def codes(self, action: Action) -> Iterator[tuple[str, str]]:
        """Kinds and codes of these data sets. Read it to the end before changing the plan."""
        ...

    def waiting(self) -> list[str]:
        """The codes of the data sets that wait for files, sorted."""
        ...

    def waiting_bytes(self) -> int:
        """The size of all their files."""
        ...

    def await_files(self, codes: Collection[str]) -> None:
        """Let these data sets wait (again)."""
        ...

    def admit(self, codes: Sequence[str]) -> None:
        """Make these new or changed again: their files have arrived."""
        ...

    def files_of_first(self, codes: Sequence[str]) -> Mapping[str, tuple[FileNode, ...]]:
        """The files in the list of the first of these data sets, whose codes are sorted; of at
        least one."""
        ...

    def listed_files(self, code: str) -> Sequence[FileNode]:
        """The files of a data set in the list, by path."""
        ...

    def empty_folders(self, codes: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """The paths of empty folders in the list, of those of these data sets that have any."""
        ...

    def guarded_files(self, codes: Collection[str]) -> Mapping[str, Mapping[str, FileNode]]:
        """The rows of those files that the list describes in another way and that other bytes must
        not replace, by code and path."""
        ...

    def announce(self, free: Collection[str], occupied: Collection[str]) -> None:
        """Note that files of these may lie in their places from now on. Where something lies
        already, only what the section has brought counts as its own."""
        ...

    def forget(self, codes: Collection[str]) -> None:
        """Remove the notes: the rows of these are written in this transaction."""
        ...

    def hindrances(self) -> Hindrances:
        """Reasons why some of those that have arrived must not be put in place. Call it in the
        transaction that puts them in place."""
        ...

    def with_files(self, codes: Collection[str]) -> frozenset[str]:
        """Those whose files have rows here."""
        ...

    def brought_paths(self, code: str) -> frozenset[str]:
        """The paths of a data set's files that have rows here."""
        ...

    def never_came(self) -> Counter[tuple[Part, Reason]]:
        """What the list does not show and is not completely here, after a pass."""
        ...
