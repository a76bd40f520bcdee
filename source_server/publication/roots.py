"""The selection of harvesters of openBIS 7: ``exportable_perm_id`` and the flags ``with_...``.

openBIS 20.10 ignores these parameters, and openBIS 7 sends them with each request of a list
(openbis-7-sync.md, 2.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from shared.errors import RequestError
from shared.model.ids import PermId
from shared.model.kinds import Kind
from shared.model.limits import PERM_ID_BYTES, is_longer
from shared.resourcesync.roots import RootKind

ROOT = "exportable_perm_id"

# Roots of one list.
MOST_ROOTS = 5_000

# Characters of a root that an answer shows.
_SHOWN = 200

TYPE_ROOTS: Mapping[RootKind, Kind] = MappingProxyType(
    {
        RootKind.SAMPLE_TYPE: Kind.SAMPLE,
        RootKind.EXPERIMENT_TYPE: Kind.EXPERIMENT,
        RootKind.DATASET_TYPE: Kind.DATA_SET,
    }
)


@dataclass(frozen=True, slots=True, order=True)
class Root:
    """What a list begins with: an entity or a definition. The perm id of a space, of a data set and
    of a definition is its code."""

    kind: RootKind
    perm_id: PermId

    def __str__(self) -> str:
        return f"{self.kind}:{self.perm_id}"


class Flag(StrEnum):
    """The parameters that widen a selection; each counts if its first value is ``true``."""

    ABOVE = "with_levels_above"
    BELOW = "with_levels_below"
    PARENTS = "with_objects_and_data_sets_parents"
    CHILDREN = "with_objects_and_data_sets_children"
    OTHER_SPACES = "with_objects_and_data_sets_other_spaces"


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """The roots of one request and its flags. ``is_asked``: one of the parameters was there.

    The levels above a selected entity always come, whatever `Flag.ABOVE` says: a peer cannot
    register a sample without its experiment.
    """

    roots: tuple[Root, ...] = ()
    flags: frozenset[Flag] = frozenset()
    is_asked: bool = False

    def __bool__(self) -> bool:
        return bool(self.roots)

    def key(self) -> list[list[str]]:
        """The same for the same roots and flags in any order."""
        return [sorted(map(str, self.roots)), sorted(self.flags)]


NO_ROOTS = Roots()


def parse_roots(parameters: Iterable[tuple[str, str]]) -> Roots:
    """The roots and flags among the parameters of a request. Raises RequestError with the parameter
    and the reason if one cannot be used."""
    given: dict[str, list[str]] = {}
    for name, value in parameters:
        given.setdefault(name, []).append(value)
    flags = {flag for flag in Flag if given.get(flag, [""])[0].lower() == "true"}
    return Roots(
        roots=_roots(given.get(ROOT, [])),
        flags=frozenset(flags),
        is_asked=ROOT in given or any(flag in given for flag in Flag),
    )


def _roots(values: Sequence[str]) -> tuple[Root, ...]:
    if len(values) > MOST_ROOTS:
        raise RequestError(f"{ROOT}: there are over {MOST_ROOTS:,} roots; ask for fewer")
    return tuple(dict.fromkeys(map(_root, values)))


def _root(value: str) -> Root:
    """Cut at the first colon, as openBIS does; both parts may have blanks around them."""
    kind, colon, perm_id = value.partition(":")
    kind, perm_id = kind.strip(), perm_id.strip()
    if not colon or not perm_id:
        raise RequestError(
            f"{ROOT}: {value[:_SHOWN]!r} is not of the form KIND:permId, such as SPACE:ALPHA"
        )
    if kind not in set(RootKind):
        raise RequestError(
            f"{ROOT}: the kind {kind[:_SHOWN]!r} of {value[:_SHOWN]!r} is unknown; known are"
            f" {', '.join(RootKind)}"
        )
    if is_longer(perm_id, PERM_ID_BYTES):
        raise RequestError(
            f"{ROOT}: the perm id {perm_id[:_SHOWN]!r}... has over {PERM_ID_BYTES:,} bytes"
        )
    return Root(RootKind(kind), PermId(perm_id))
