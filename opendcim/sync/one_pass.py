"""The context of a step: one of the two passes of a run. A step cannot tell which one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from harvester.runs.progress import SILENT, Progress
from harvester.runs.report import Outcome
from harvester.runs.stopping import RunLimits
from opendcim.records.records import Template
from opendcim.records.texts import folded
from opendcim.sync.installation.database import Database
from opendcim.sync.installation.installed import Installation, LocalManufacturer, LocalTemplate
from opendcim.sync.installation.storing import Storing
from opendcim.sync.repository.lists import TemplateSource
from opendcim.sync.repository.memory import Memory
from opendcim.sync.section import RepositorySection, Units
from shared.errors import ItemError
from shared.store.engine import Transaction


class Pictures(Protocol):
    """Brings pictures into the installation's folder, or rehearses it."""

    def names(self, theirs: Template, mine: Template, outcome: Outcome) -> Template:
        """``mine`` with the names of its pictures. A picture that fails is in the outcome, and the
        old name stays."""
        ...

    def tidy(self, before: Template, after: Template) -> None:
        """Removes pictures that we brought and no template shows any more. Call it between
        transactions."""
        ...


class Outbox(Protocol):
    """Submits templates, or rehearses it."""

    def open(self) -> None:
        """Raises `SourceError` if nothing can be submitted at all."""
        ...

    def forget_unmarked(self, marked: frozenset[int]) -> None:
        """``marked`` are the ids of all templates that are marked as shared."""
        ...

    def report_decisions(self, outcome: Outcome) -> None:
        """Reports decisions on earlier submissions, if the repository shows them."""
        ...

    def submit(self, local: LocalTemplate, global_manufacturer: int, outcome: Outcome) -> bool:
        """Whether the repository has the template now, so that the mark can be cleared. Raises
        `ItemError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """``connection`` is the installation's; ``transaction`` opens a transaction that may be
    committed."""

    config: RepositorySection
    database: Database
    connection: Connection
    transaction: Transaction
    source: TemplateSource
    pictures: Pictures
    # None if nothing can be submitted, because there is no key or no repository.
    outbox: Outbox | None
    units: Units
    limits: RunLimits
    memory: Memory
    # When the repository's template last changed, by the id of the local one to be submitted.
    seen: dict[int, str] = field(default_factory=dict)
    # Used for messages only.
    rehearsed: bool
    progress: Progress = SILENT

    @property
    def installation(self) -> Installation:
        return Installation(self.database, self.connection)

    @property
    def storing(self) -> Storing:
        return Storing(self.database, self.connection)

    def outcome(self) -> Outcome:
        return Outcome(verbose=self.config.verbose or self.rehearsed)

    def report_plan(self, outcome: Outcome, lines: list[str]) -> None:
        """Reports the plan: in the rehearsal, and with ``verbose`` in the real pass, too."""
        if self.rehearsed or self.config.verbose:
            outcome.plan.extend(lines)

    def is_subscribed(self, manufacturer: LocalManufacturer) -> bool:
        named = {folded(name) for name in self.config.subscribe}
        wanted = manufacturer.subscribed or folded(manufacturer.name) in named
        return wanted and manufacturer.global_id > 0

    @contextmanager
    def one(self, kind: str, name: str) -> Iterator[None]:
        """Surrounds the transaction of one item: an error of the database fails the item only,
        unless the database is gone."""
        try:
            with self.transaction():
                yield
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            # The text of `error` itself would also show the statement and all its values.
            reason = str(error.orig).splitlines()[0]
            raise ItemError(kind, name, f"openDCIM's database refuses it: {reason}") from error
