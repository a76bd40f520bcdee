"""A destination of a section, made of all ports."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from harvester.openbis.destination.port.deletions import DeletionGuard, Deletions, Trash
from harvester.openbis.destination.port.files import Attachments, DataSets, FileWork, ServiceFiles
from harvester.openbis.destination.port.rows import Definitions, Entities, Originals, Plan
from shared.store.engine import Transaction

__all__ = ["SectionDestination", "Transaction"]


class SectionDestination(Protocol):
    """The destination of one section. Each step takes the ports that it needs."""

    @property
    def plan(self) -> Plan: ...
    @property
    def deletions(self) -> Deletions: ...
    @property
    def guard(self) -> DeletionGuard: ...
    @property
    def trash(self) -> Trash: ...
    @property
    def definitions(self) -> Definitions: ...
    @property
    def entities(self) -> Entities: ...
    @property
    def originals(self) -> Originals: ...
    @property
    def file_work(self) -> FileWork: ...
    @property
    def attachments(self) -> Attachments: ...
    @property
    def service_files(self) -> ServiceFiles: ...
    @property
    def data_sets(self) -> DataSets: ...

    def rehearsal(self) -> AbstractContextManager[Transaction]:
        """A pass that changes nothing."""
        ...

    def work(self) -> AbstractContextManager[Transaction]:
        """A pass in earnest."""
        ...

    def begins(self, url: str, started: datetime) -> None:
        """The pass in earnest begins: from now on, committed rows may be older than the list. The
        caller opens the transaction, also for `ends`."""
        ...

    def ends(self, at: datetime | None) -> None:
        """The pass is over; ``at`` is that of the list, or None if something is missing."""
        ...

    def tidy(self) -> None:
        """Clean up after a pass in earnest, between transactions."""
        ...

    def interrupt(self) -> None:
        """End what the destination is at work on. Called from another thread."""
        ...
