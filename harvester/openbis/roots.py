"""The roots of a selection at an openBIS 7: entities by kind and perm id, as its own harvester
names them (``exportable-perm-ids``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

from shared.resourcesync.roots import ENTITY_ROOTS, RootKind
from shared.settings.faults import nearest
from shared.settings.values import split_items


@dataclass(frozen=True, slots=True, order=True)
class Root:
    """The perm id of a space or data set is its code."""

    kind: RootKind
    perm_id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.perm_id}"

    @property
    def key(self) -> tuple[str, str] | None:
        """Kind and perm id in a list, in upper case. None for definitions: openBIS 7 sends them
        without what they refer to, and they come anyway with the entities that use them."""
        kind = ENTITY_ROOTS.get(self.kind)
        return key_of(kind, self.perm_id) if kind else None


def key_of(kind: str, perm_id: str) -> tuple[str, str]:
    """Kind and perm id for comparisons with a root."""
    return str(kind), perm_id.upper()


def _roots(value: object) -> object:
    """Each root once, in the order in which they were written."""
    if not isinstance(value, str):
        return value
    return tuple(dict.fromkeys(_read(value)))


def _read(text: str) -> Iterator[Root]:
    items = split_items(text)
    if not items:
        raise ValueError("names no root, so nothing would be selected; write KIND:permId, ...")
    for number, item in enumerate(items, 1):
        kind, colon, perm_id = (part.strip() for part in item.partition(":"))
        if not colon:
            raise ValueError(f"item {number}, {item!r}: must be KIND:permId")
        if kind not in set(RootKind):
            near = nearest(kind.upper(), list(RootKind))
            hint = f"did you mean {near}?" if near else f"there are {', '.join(RootKind)}"
            raise ValueError(f"item {number}, {item}: there is no kind {kind}; {hint}")
        if not perm_id:
            raise ValueError(f"item {number}, {item}: the perm id is missing behind the colon")
        yield Root(RootKind(kind), perm_id)


Roots = Annotated[tuple[Root, ...], BeforeValidator(_roots)]
