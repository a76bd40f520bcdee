"""What a pass did, or would do: counts by kind, names if wanted, and failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from harvester.runs.name_list import NameList
from shared.errors import ItemError
from shared.model.unknown import Part, Reason


class Verb(StrEnum):
    """What happens to an item, in ResourceSync's words, and in ours for what stays as it is."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    # Not done, because a flag forbids it or because it belongs to somebody else.
    SKIPPED = "skipped"
    # A deletion that looks like an accident on the source.
    HELD_BACK = "held back"


_CHANGES = frozenset({Verb.CREATED, Verb.UPDATED, Verb.DELETED})


# A kind, what happened to it, and a sort within the kind; most kinds have none (``""``).
Group = tuple[str, Verb, str]


@dataclass(slots=True)
class Outcome:
    """What one step did. Names are kept only if ``verbose``: there may be millions."""

    verbose: bool = False
    counts: Counter[tuple[str, Verb]] = field(default_factory=Counter)
    # Of what is in ``counts``, how many are of which sort, if the sort is known.
    sorts: Counter[Group] = field(default_factory=Counter)
    names: dict[Group, NameList] = field(default_factory=dict)
    # What else is to be listed, by title; it counts for nothing.
    lists: dict[str, NameList] = field(default_factory=dict)
    failed: list[ItemError] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    # What a rehearsal would change, field by field, old and new; for kinds of things that are few
    # enough to be read.
    plan: list[str] = field(default_factory=list)
    # What has not come because the source cannot show it now.
    unknown: Counter[tuple[Part, Reason]] = field(default_factory=Counter)
    # Kinds and perm ids of what failed lately and is not tried in this run.
    postponed: list[tuple[str, str]] = field(default_factory=list)

    def note(self, verb: Verb, kind: str, names: Iterable[str], *, sort: str = "") -> None:
        """Count items of a kind, and keep their names if wanted."""
        for name in names:
            self.count(verb, kind, 1, sort=sort)
            if self.verbose:
                self.names.setdefault((kind, verb, sort), NameList()).add(name)

    def count(self, verb: Verb, kind: str, number: int, *, sort: str = "") -> None:
        """Count items whose names are not wanted."""
        if number:
            self.counts[kind, verb] += number
            if sort:
                self.sorts[kind, verb, sort] += number

    def show(self, title: str, lines: Iterable[str]) -> None:
        """List something besides the items, if wanted."""
        if self.verbose:
            shown = self.lists.setdefault(title, NameList())
            for line in lines:
                shown.add(line)

    @property
    def items(self) -> Iterator[tuple[Verb, str, str]]:
        """The names by verb and kind. A long list is empty once it was written to the log."""
        for (kind, verb, _), names in self.names.items():
            yield from ((verb, kind, name) for name in names)

    def fail(self, error: ItemError) -> None:
        """Note an item that could not be synchronised; the next run tries it again."""
        self.failed.append(error)

    def remark(self, text: str) -> None:
        """Note something that the operator should know and that hinders nothing."""
        self.remarks.append(text)

    @property
    def changes(self) -> int:
        """The number of items created, updated or deleted."""
        return sum(number for (_, verb), number in self.counts.items() if verb in _CHANGES)

    def lines(self) -> Iterator[str]:
        """The short summary, sorted: one line per kind and verb."""
        for (kind, verb), number in sorted(self.counts.items()):
            yield f"{number:>9} {kind} {verb}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassReport:
    """What one pass did, step by step."""

    dry_run: bool
    steps: Mapping[str, Outcome] = field(default_factory=dict)

    @property
    def changes(self) -> int:
        return sum(outcome.changes for outcome in self.steps.values())

    @property
    def failed(self) -> list[ItemError]:
        return [error for outcome in self.steps.values() for error in outcome.failed]

    @property
    def held_back(self) -> int:
        return self.number(Verb.HELD_BACK)

    @property
    def held_back_remarks(self) -> list[str]:
        """The remarks of all steps that held something back."""
        outcomes = self.steps.values()
        return [
            remark
            for outcome in outcomes
            if any(verb is Verb.HELD_BACK for _, verb in outcome.counts)
            for remark in outcome.remarks
        ]

    def number(self, wanted: Verb) -> int:
        """The number for a verb, over all kinds and steps."""
        return sum(n for (_, verb), n in self.counts.items() if verb == wanted)

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """Counts by kind and verb, over all steps."""
        total: Counter[tuple[str, str]] = Counter()
        for outcome in self.steps.values():
            for (kind, verb), number in outcome.counts.items():
                total[kind, verb.value] += number
        return total

    @property
    def unknown(self) -> Counter[tuple[Part, Reason]]:
        return sum((outcome.unknown for outcome in self.steps.values()), Counter())

    @property
    def postponed(self) -> list[tuple[str, str]]:
        return [key for outcome in self.steps.values() for key in outcome.postponed]

    @property
    def remarks(self) -> list[str]:
        return [remark for outcome in self.steps.values() for remark in outcome.remarks]
