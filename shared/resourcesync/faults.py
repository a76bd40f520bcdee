"""Reads the members of a block of master data; a bad one does not spoil the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from lxml.etree import _Element

from shared.errors import FormatError
from shared.model.limits import definition_excess, shortened
from shared.resourcesync.attributes import Attributes, UnreadableError, attributes_of
from shared.resourcesync.items import RecordFault

_Item = TypeVar("_Item")


class Faults:
    """Collects the members that could not be read."""

    def __init__(self) -> None:
        self.found: list[RecordFault] = []

    def readable(
        self,
        elements: Iterable[_Element],
        kind: str,
        read: Callable[[_Element], _Item],
        name_of: Callable[[Attributes], str],
    ) -> tuple[_Item, ...]:
        """The values that ``read`` returns for the elements. If a name comes twice, the first
        counts.

        ``kind`` and ``name_of`` name a member that cannot be read. FormatError if there are several
        elements and none can be read: then the block itself is wrong.
        """
        items: dict[str, _Item] = {}
        faults = []
        for element in elements:
            name = ""
            try:
                name = name_of(attributes_of(element))
                item = read(element)
                if excess := definition_excess(item):
                    raise UnreadableError(excess)  # noqa: TRY301 - as from the reader itself
                _refuse_second(name, items)
                items[name] = item
            except UnreadableError as error:
                faults.append(RecordFault(kind=kind, perm_id=name, reason=shortened(str(error))))
        if len(faults) > 1 and not items:
            raise FormatError(
                f"none of {len(faults)} {kind} in the master data can be read; "
                f"the first, {faults[0].perm_id or 'without a name'}: {faults[0].reason}"
            )
        self.found += faults
        return tuple(items.values())


def _refuse_second(name: str, items: Collection[str]) -> None:
    if name in items:
        raise UnreadableError("it is defined twice; the first definition counts")
