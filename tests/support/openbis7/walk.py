"""Which entities a request gets: openBIS 7's walk from root to root, with its faults
(openbis-7-sync.md, 2.3).

All roots share one result: a root that another one has brought is skipped with all that lies below
it. What does not exist or is not visible is left out without a word. A shared sample ends it all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.support.openbis7.lab import KINDS, Lab, Thing

# Kinds of roots that stand for definitions; nothing follows from them.
TYPE_KINDS = (*("SAMPLE_TYPE", "EXPERIMENT_TYPE", "DATASET_TYPE", "VOCABULARY_TYPE", "TYPE_GROUP"),)

# What lies in a thing, without anything between.
_IN_IT = {
    "SPACE": ("PROJECT", "SAMPLE"),
    "PROJECT": ("EXPERIMENT", "SAMPLE"),
    "EXPERIMENT": ("SAMPLE", "DATASET"),
    "SAMPLE": ("DATASET",),
}


class BrokenWalkError(Exception):
    """The data source fails: the answer is 500."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    levels_above: bool = False
    levels_below: bool = False
    parents: bool = False
    children: bool = False
    other_spaces: bool = False


def roots_of(values: Sequence[str]) -> list[tuple[str, str]]:
    """The roots of ``exportable_perm_id``. Raises `BrokenWalkError`."""
    roots = []
    for value in values:
        kind, colon, perm_id = value.partition(":")
        if not colon:
            raise BrokenWalkError(f"Invalid exportable perm id: {value}")
        if kind.strip() not in KINDS + TYPE_KINDS:
            raise BrokenWalkError(f"No enum constant ExportableKind.{kind.strip()}")
        roots.append((kind.strip(), perm_id.strip()))
    return roots


def selected(lab: Lab, roots: Sequence[tuple[str, str]], flags: Flags) -> list[Thing]:
    """All that the roots and flags select, in the order in which it is met."""
    found: dict[tuple[str, str], Thing] = {}
    for kind, perm_id in roots:
        root = lab.seen(kind, perm_id)
        if root is not None and (kind, perm_id) not in found:
            _Walk(lab, root, flags, found).go()
    return list(found.values())


class _Walk:
    def __init__(
        self, lab: Lab, root: Thing, flags: Flags, found: dict[tuple[str, str], Thing]
    ) -> None:
        self._lab = lab
        self._root = root
        self._flags = flags
        self._found = found

    def go(self) -> None:
        queue = deque([self._root])
        while queue:
            thing = queue.popleft()
            if (thing.kind, thing.perm_id) in self._found:
                continue
            if thing.kind == "SAMPLE" and thing.space is None:
                raise BrokenWalkError("java.lang.NullPointerException: space is null")
            self._found[thing.kind, thing.perm_id] = thing
            queue.extend(self._neighbours(thing))

    def _neighbours(self, thing: Thing) -> Iterator[Thing]:
        yield from self._properties(thing)
        if self._flags.levels_above:
            yield from self._above(thing)
        if self._flags.levels_below:
            yield from self._below(thing)

    def _properties(self, thing: Thing) -> Iterator[Thing]:
        for code, value in thing.properties.items():
            if self._lab.defined[code].data_type == "SAMPLE" and isinstance(value, str):
                yield from self._admitted(self._lab.seen("SAMPLE", value))

    def _above(self, thing: Thing) -> Iterator[Thing]:
        place = self._lab.place(thing)
        if place is not None and not place.hidden:
            yield place
        if self._flags.parents and thing.kind in {"SAMPLE", "DATASET"}:
            for perm_id in thing.parents:
                parent = self._lab.seen(thing.kind, perm_id)
                # the data set itself is tested, instead of its parent
                tested = thing if thing.kind == "DATASET" else parent
                yield from (parent,) if parent and self._admits(tested) else ()

    def _below(self, thing: Thing) -> Iterator[Thing]:
        if thing.kind == "SAMPLE" or self._is_inside(thing):
            for kind in _IN_IT.get(thing.kind, ()):
                yield from (t for t in self._lab.of(kind) if self._lab.place(t) is thing)
        if self._flags.children and thing.kind in {"SAMPLE", "DATASET"}:
            for child in self._lab.of(thing.kind):
                if thing.perm_id in child.parents:
                    yield from self._admitted(child)

    def _is_inside(self, thing: Thing) -> bool:
        """A plain comparison of texts: /ALPHA/P1 has /ALPHA/P10 in it, too."""
        if self._root.kind in {"SAMPLE", "DATASET"}:
            return False
        return thing.identifier.startswith(self._root.identifier)

    def _admitted(self, thing: Thing | None) -> Iterator[Thing]:
        if thing is not None and self._admits(thing):
            yield thing

    def _admits(self, thing: Thing | None) -> bool:
        """Whether it lies in the space of the root, unless other spaces are wanted."""
        if thing is None:
            return False
        return self._flags.other_spaces or thing.space in {None, self._root.space}
