"""What a pass did, or would do: counts by kind, items where they are wanted, and what failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from shared.errors import ItemError


class Verb(StrEnum):
    """What happens to an item; ResourceSync's words, and ours for what stays as it is."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    SKIPPED = "skipped"
    """Not done, because a flag forbids it or because it belongs to somebody else."""
    HELD_BACK = "held back"
    """A deletion that looks like an accident on the source."""


_CHANGES = frozenset({Verb.CREATED, Verb.UPDATED, Verb.DELETED})


@dataclass(slots=True)
class Outcome:
    """What one step did. Items are kept only if ``verbose``: there may be millions."""

    verbose: bool = False
    counts: Counter[tuple[str, Verb]] = field(default_factory=Counter)
    items: list[tuple[Verb, str, str]] = field(default_factory=list)
    failed: list[ItemError] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def note(self, verb: Verb, kind: str, names: Iterable[str]) -> None:
        """Count items of a kind, and name them if wanted."""
        for name in names:
            self.counts[kind, verb] += 1
            if self.verbose:
                self.items.append((verb, kind, name))

    def count(self, verb: Verb, kind: str, number: int) -> None:
        """Count items that nobody wants to see by name."""
        if number:
            self.counts[kind, verb] += number

    def fail(self, error: ItemError) -> None:
        """An item could not be synchronised; the next run tries it again."""
        self.failed.append(error)

    def remark(self, text: str) -> None:
        """Something an operator should know, and that hinders nothing."""
        self.remarks.append(text)

    @property
    def changes(self) -> int:
        """How many items were created, updated or deleted."""
        return sum(number for (_, verb), number in self.counts.items() if verb in _CHANGES)

    def lines(self) -> Iterator[str]:
        """The short summary, sorted: one line for each kind and verb."""
        for (kind, verb), number in sorted(self.counts.items()):
            yield f"{number:>9} {kind} {verb}"


@dataclass(slots=True)
class PassReport:
    """What one pass did, step by step."""

    dry_run: bool
    steps: dict[str, Outcome] = field(default_factory=dict)

    @property
    def changes(self) -> int:
        return sum(outcome.changes for outcome in self.steps.values())

    @property
    def failed(self) -> list[ItemError]:
        return [error for outcome in self.steps.values() for error in outcome.failed]

    @property
    def held_back(self) -> int:
        return sum(
            number
            for outcome in self.steps.values()
            for (_, verb), number in outcome.counts.items()
            if verb is Verb.HELD_BACK
        )
