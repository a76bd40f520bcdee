"""Expands the roots of a request into a closed set of entities (docs/format.md, "Peers of openBIS
7").

openBIS walks from root to root with one set of results, so a root that another one has reached is
not unfolded (openbis-7-sync.md, 2.3). Here the result is that of a walk for each root alone. Roots
of one space are walked together, which gives the same: what a walk does at an entity depends only
on the flags and on the space of its root, and what lies in a root comes with the root itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from shared.errors import NotFoundError
from shared.model.ids import Code, PermId
from shared.model.kinds import FACTS, Kind
from shared.model.master_data import MasterData
from shared.resourcesync.roots import ENTITY_ROOTS
from source_server.publication.batches import batches
from source_server.publication.catalogue import Place, Scope, Snapshot, Step
from source_server.publication.referred import unknown_definitions
from source_server.publication.roots import Flag, Root, Roots

# Entities whose neighbours are asked for together.
BATCH = 1_000

# Roots that an error names.
_SHOWN = 20

_CONTAINERS = frozenset({Kind.SPACE, Kind.PROJECT, Kind.EXPERIMENT})
# Steps into any space: a peer cannot register an entity without the places that it lies in.
_UPWARDS = frozenset({Step.ABOVE})


class MissingRootsError(NotFoundError):
    """Roots that do not exist or are not within the scope."""

    def __init__(self, roots: Sequence[Root], user_id: str | None = None) -> None:
        self.roots = roots
        shown = ", ".join(map(str, roots[:_SHOWN]))
        more = f" and {len(roots) - _SHOWN:,} more" if len(roots) > _SHOWN else ""
        does, they, these = ("does", "it", "this") if len(roots) == 1 else ("do", "they", "these")
        who = f" by {user_id}" if user_id else ""
        super().__init__(
            f"{shown}{more} {does} not exist or may not be seen{who}, or the lists of spaces leave"
            f" {they} out; nothing is sent, so that nothing is taken for deleted. Give the user a"
            f" role there, or take {these} out of the roots (exportable-perm-ids of the harvester)"
        )

    def for_user(self, user_id: str | None) -> MissingRootsError:
        """The same error with the name of the user."""
        return MissingRootsError(self.roots, user_id)


@dataclass(slots=True)
class Chosen:
    """Perm ids of the chosen entities, and the codes of their types."""

    members: defaultdict[Kind, set[PermId]] = field(default_factory=lambda: defaultdict(set))
    types: defaultdict[Kind, set[Code]] = field(default_factory=lambda: defaultdict(set))


def expand(snapshot: Snapshot, scope: Scope, roots: Roots, master_data: MasterData) -> Chosen:
    """All that the roots lead to within the scope. Raises `MissingRootsError` if a root is not
    there."""
    found = list(_located(snapshot, scope, roots))
    there = {(place.kind, place.perm_id) for place in found}
    missing = [
        root
        for root in roots.roots
        if root.kind in ENTITY_ROOTS and (ENTITY_ROOTS[root.kind], root.perm_id) not in there
    ]
    missing += unknown_definitions(master_data, roots)
    if missing:
        raise MissingRootsError(sorted(missing))
    chosen = Chosen()
    for space, starts in _by_space(found, roots).items():
        _Walk(snapshot, scope, roots, space).go(starts, chosen)
    return chosen


def _located(snapshot: Snapshot, scope: Scope, roots: Roots) -> Iterator[Place]:
    wanted: defaultdict[Kind, list[PermId]] = defaultdict(list)
    for root in roots.roots:
        if root.kind in ENTITY_ROOTS:
            wanted[ENTITY_ROOTS[root.kind]].append(root.perm_id)
    for kind, perm_ids in wanted.items():
        for batch in batches(perm_ids, BATCH):
            yield from snapshot.neighbours(kind, batch, Step.ITSELF, scope)


def _by_space(found: Iterable[Place], roots: Roots) -> dict[Code | None, list[Place]]:
    """The roots that are walked together."""
    starts: dict[Code | None, list[Place]] = {}
    for place in found:
        space = None if Flag.OTHER_SPACES in roots.flags else place.space
        starts.setdefault(space, []).append(place)
    return starts


class _Walk:
    """The walk from the roots of one space, breadth first and in batches."""

    def __init__(self, snapshot: Snapshot, scope: Scope, roots: Roots, space: Code | None) -> None:
        self._snapshot = snapshot
        self._scope = scope
        self._flags = roots.flags
        self._space = space
        self._steps = {kind: tuple(_steps(kind, roots.flags)) for kind in FACTS}
        self._reached: defaultdict[Kind, set[PermId]] = defaultdict(set)
        self._waiting: defaultdict[Kind, list[PermId]] = defaultdict(list)
        self._types: set[tuple[Kind, Code]] = set()

    def go(self, starts: Sequence[Place], chosen: Chosen) -> None:
        for place in starts:
            self._reach(place)
        if Flag.BELOW in self._flags:
            self._unfold(starts)
        while self._waiting:
            kind = next(iter(self._waiting))
            # Taken out first: what the walk reaches meanwhile waits in a new list of this kind.
            for batch in batches(self._waiting.pop(kind), BATCH):
                for step in self._steps[kind]:
                    self._take(kind, batch, step)
        for kind, perm_ids in self._reached.items():
            chosen.members[kind] |= perm_ids
        for kind, code in self._types:
            chosen.types[kind].add(code)

    def _unfold(self, starts: Sequence[Place]) -> None:
        """All that lies in the roots themselves; a place that was only reached is not unfolded."""
        for kind in _CONTAINERS:
            within = [place.perm_id for place in starts if place.kind is kind]
            for batch in batches(within, BATCH):
                self._take(kind, batch, Step.BELOW)

    def _take(self, kind: Kind, batch: Sequence[PermId], step: Step) -> None:
        for place in self._snapshot.neighbours(kind, batch, step, self._scope):
            if step in _UPWARDS or self._is_admitted(place.space):
                self._reach(place)

    def _reach(self, place: Place) -> None:
        reached = self._reached[place.kind]
        if place.perm_id not in reached:
            reached.add(place.perm_id)
            self._waiting[place.kind].append(place.perm_id)
            if place.type is not None:
                self._types.add((place.kind, place.type))

    def _is_admitted(self, space: Code | None) -> bool:
        """Whether relations may lead there: what is shared lies in no other space."""
        return Flag.OTHER_SPACES in self._flags or space is None or space == self._space


def _steps(kind: Kind, flags: frozenset[Flag]) -> Iterator[Step]:
    """The steps from every entity of a kind that is reached."""
    if kind in {Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE, Kind.DATA_SET}:
        yield Step.ABOVE
    if kind in {Kind.EXPERIMENT, Kind.SAMPLE, Kind.DATA_SET}:
        yield Step.NAMED
    if kind not in {Kind.SAMPLE, Kind.DATA_SET}:
        return
    yield Step.CONTAINERS
    if Flag.PARENTS in flags:
        yield Step.PARENTS
    if Flag.BELOW in flags:
        yield Step.COMPONENTS
        if kind is Kind.SAMPLE:
            yield Step.BELOW
        if Flag.CHILDREN in flags:
            yield Step.CHILDREN
