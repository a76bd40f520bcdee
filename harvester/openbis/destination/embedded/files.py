"""`harvester.openbis.destination.port.files`, in SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from harvester.openbis.destination import arrivals, attachments, brought, data_set_plans
from harvester.openbis.destination.arrivals import (
    ATTACHMENT,
    DATA_SET,
    FILE,
    Abandoned,
    Hindrances,
    Rival,
)
from harvester.openbis.destination.attachments import HeldVersion, Holder
from harvester.openbis.destination.brought import Key
from harvester.openbis.destination.file_work import FileEffects, finish_files
from harvester.openbis.destination.port.files import ListedFile
from harvester.openbis.destination.unknown_parts import never_came, waits_for_files
from shared.model.entities import FileNode
from shared.model.kinds import Kind
from shared.model.unknown import Part, Reason
from shared.store import changes, incoming
from shared.store.changes import Action, Stamps
from shared.store.statements import execute


@dataclass(frozen=True, slots=True)
class EmbeddedFileWork:
    """See `port.files.FileWork`."""

    connection: Connection
    source: str

    def follow(self, effects: FileEffects, moved: Callable[[], None]) -> None:
        finish_files(self.connection, self.source, effects, moved)

    def drop_abandoned(
        self, abandon: Callable[[Abandoned], None], moved: Callable[[], None]
    ) -> None:
        arrivals.drop_abandoned(self.connection, self.source, abandon, moved)

    def still_here(self, keys: Collection[Key]) -> set[Key]:
        return brought.still_here(self.connection, self.source, keys)


@dataclass(frozen=True, slots=True)
class EmbeddedAttachments:
    """See `port.files.Attachments`."""

    connection: Connection
    source: str

    def announce(self) -> None:
        arrivals.announce_attachments(self.connection, self.source)

    def differing(self) -> list[Holder]:
        return attachments.differing_holders(self.connection, self.source)

    def holders_of(self, keys: Collection[Key]) -> list[Holder]:
        return attachments.holders_of(self.connection, self.source, keys)

    def listed(self, holder: Holder) -> list[HeldVersion]:
        return attachments.incoming_versions(self.connection, holder)

    def stored(self, holder: Holder) -> list[HeldVersion]:
        return attachments.stored_versions(self.connection, holder)

    def replace(self, holder: Holder, versions: Sequence[HeldVersion]) -> None:
        attachments.replace_versions(self.connection, holder, versions)
        contents = {held.version.sha256 for held in versions if held.version.sha256}
        arrivals.forget_arrivals(self.connection, self.source, ATTACHMENT, contents)


@dataclass(frozen=True, slots=True)
class EmbeddedServiceFiles:
    """See `port.files.ServiceFiles`."""

    connection: Connection
    source: str

    def wanted(self, again: Collection[Key]) -> Iterator[ListedFile]:
        for rows in (
            execute(self.connection, "service_files"),
            arrivals.interrupted_service_files(self.connection, self.source),
            brought.service_files_again(self.connection, self.source, again),
        ):
            for row in rows:
                yield ListedFile(
                    *(row.path, row.modified, row.length, row.sha256, row.href),
                    *(row.owner, row.stored_sha256),
                )

    def announced(self) -> frozenset[str]:
        return arrivals.announced(self.connection, self.source, FILE)

    def content(self, path: str) -> bytes | None:
        return incoming.service_file_content(self.connection, path)

    def moving(self, path: str) -> str | None:
        return arrivals.place_of_file(self.connection, path)

    def rivals(self, path: str) -> Sequence[Rival]:
        return arrivals.rivals(self.connection, self.source, path)

    def announce(self, path: str, sha256: str) -> None:
        arrivals.announce(self.connection, self.source, FILE, (path,), content=sha256)

    def forget(self, path: str) -> None:
        arrivals.forget_arrivals(self.connection, self.source, FILE, (path,))

    def keep(self, file: ListedFile) -> None:
        arrivals.keep_service_file(
            self.connection,
            path=file.path,
            source=self.source,
            modified=file.modified,
            length=file.length,
            sha256=file.sha256,
        )
        self.forget(file.path)


@dataclass(frozen=True, slots=True)
class EmbeddedDataSets:
    """See `port.files.DataSets`."""

    connection: Connection
    source: str

    def plan(self, leave_alone: Collection[str], again: Collection[str]) -> None:
        changes.drop_from_plan(self.connection, Kind.DATA_SET, leave_alone)
        changes.hold_back_data_sets(self.connection)
        never = waits_for_files(self.connection).union(leave_alone)
        doubtful = arrivals.interrupted_data_sets(self.connection, self.source)
        self.await_files(doubtful.union(again) - never)

    def apply(self, stamps: Stamps) -> None:
        changes.apply_kind(self.connection, Kind.DATA_SET, self.source, stamps)

    def settle(self) -> None:
        changes.settle_data_sets(self.connection)

    def counts(self, action: Action) -> Mapping[str, int]:
        return data_set_plans.data_set_counts(self.connection, action)

    def codes(self, action: Action) -> Iterator[tuple[str, str]]:
        return data_set_plans.data_set_codes(self.connection, action)

    def waiting(self) -> list[str]:
        return changes.waiting_data_sets(self.connection)

    def waiting_bytes(self) -> int:
        return data_set_plans.waiting_bytes(self.connection)

    def await_files(self, codes: Collection[str]) -> None:
        changes.await_data_sets(self.connection, self.source, codes)

    def admit(self, codes: Sequence[str]) -> None:
        changes.admit_data_sets(self.connection, codes)

    def files_of_first(self, codes: Sequence[str]) -> Mapping[str, tuple[FileNode, ...]]:
        return data_set_plans.files_of_first(self.connection, codes)

    def listed_files(self, code: str) -> Sequence[FileNode]:
        return incoming.data_set_files(self.connection, code)

    def empty_folders(self, codes: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        return data_set_plans.empty_folders(self.connection, codes)

    def guarded_files(self, codes: Collection[str]) -> Mapping[str, Mapping[str, FileNode]]:
        return data_set_plans.guarded_files(self.connection, codes)

    def announce(self, free: Collection[str], occupied: Collection[str]) -> None:
        arrivals.announce(self.connection, self.source, DATA_SET, free)
        arrivals.announce_stored(self.connection, self.source, occupied)

    def forget(self, codes: Collection[str]) -> None:
        arrivals.forget_arrivals(self.connection, self.source, DATA_SET, codes)

    def hindrances(self) -> Hindrances:
        return arrivals.hindrances(self.connection, self.source)

    def with_files(self, codes: Collection[str]) -> frozenset[str]:
        return data_set_plans.with_files(self.connection, codes)

    def brought_paths(self, code: str) -> frozenset[str]:
        return data_set_plans.brought_paths(self.connection, code)

    def never_came(self) -> Counter[tuple[Part, Reason]]:
        return never_came(self.connection, self.source)
