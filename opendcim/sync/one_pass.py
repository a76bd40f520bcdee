"""What every step is given: one of the two passes of a run. A step cannot tell which."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from harvester.runs.progress import SILENT, Progress
from harvester.runs.report import Outcome
from harvester.runs.stopping import Leash
from opendcim.records.records import Template
from opendcim.records.texts import folded
from opendcim.sync.installation.database import Database
from opendcim.sync.installation.installed import Installation, LocalManufacturer, LocalTemplate
from opendcim.sync.installation.storing import Storing
from opendcim.sync.repository.lists import Source
from opendcim.sync.repository.memory import Memory
from opendcim.sync.section import RepositorySection, Units
from shared.errors import ItemError
from shared.store.engine import Transaction


class Pictures(Protocol):
    """Brings pictures into the installation's folder, in earnest or not."""

    def names(self, theirs: Template, mine: Template, outcome: Outcome) -> Template:
        """``mine`` with the names of the pictures that it is to show. What fails is in the outcome,
        and the name stays."""
        ...

    def tidy(self, before: Template, after: Template) -> None:
        """Remove what is no longer shown by anything, if it was brought by us. To be called between
        transactions."""
        ...


class Outbox(Protocol):
    """Submits templates, in earnest or not."""

    def open(self) -> None:
        """Raises `SourceError` if nothing can be submitted at all."""
        ...

    def forget_unmarked(self, marked: frozenset[int]) -> None:
        """``marked`` are the ids of all templates that are to be shared."""
        ...

    def tell_decisions(self, outcome: Outcome) -> None:
        """What became of what was submitted before, if the repository tells."""
        ...

    def submit(self, local: LocalTemplate, global_manufacturer: int, outcome: Outcome) -> bool:
        """Whether the repository has it now, so that its mark can go. Raises `ItemError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """``connection`` is that to the installation; ``transaction`` opens what may be committed."""

    config: RepositorySection
    database: Database
    connection: Connection
    transaction: Transaction
    source: Source
    pictures: Pictures
    outbox: Outbox | None
    """None: nothing can be submitted, because there is no key or no repository."""
    units: Units
    leash: Leash
    memory: Memory
    seen: dict[int, str] = field(default_factory=dict)
    """By the ids of local templates that are to be submitted: when the repository's were changed
    last."""
    rehearsed: bool
    """Only for what is told."""
    progress: Progress = SILENT

    @property
    def installation(self) -> Installation:
        return Installation(self.database, self.connection)

    @property
    def storing(self) -> Storing:
        return Storing(self.database, self.connection)

    def outcome(self) -> Outcome:
        return Outcome(verbose=self.config.verbose or self.rehearsed)

    def tell(self, outcome: Outcome, lines: list[str]) -> None:
        """The plan is told by the rehearsal; with ``verbose`` by the real pass, too."""
        if self.rehearsed or self.config.verbose:
            outcome.plan.extend(lines)

    def is_subscribed(self, manufacturer: LocalManufacturer) -> bool:
        named = {folded(name) for name in self.config.subscribe}
        wanted = manufacturer.subscribed or folded(manufacturer.name) in named
        return wanted and manufacturer.global_id > 0

    @contextmanager
    def one(self, kind: str, name: str) -> Iterator[None]:
        """Around the transaction of one item: what the database refuses is the item's failure,
        unless the database itself is gone."""
        try:
            with self.transaction():
                yield
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            reason = str(error.orig).splitlines()[0]
            raise ItemError(kind, name, f"openDCIM's database refuses it: {reason}") from error
