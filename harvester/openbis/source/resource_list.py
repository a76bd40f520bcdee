"""The parts of a resource list as a source of items. The list may lie in several of them, which may
still be growing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from harvester.openbis.source.items import SourceItem
from shared.errors import FormatError
from shared.resourcesync.items import Known, ListIndex
from shared.resourcesync.reader import read_list_part, read_resource_list
from shared.resourcesync.v20.version import V20
from shared.resourcesync.wire_format import WireFormat


class ListPart(Protocol):
    """A list, or a part of one; the file may still be growing."""

    def blocks(self) -> Iterator[bytes]:
        """All bytes; each call starts at the beginning."""
        ...


@dataclass(frozen=True, slots=True)
class ResourceList:
    """All items of all parts, in order. Reading raises `FormatError` if the parts are not a whole
    resource list, `BegunAnewError`, or the error that ended the writing of a part."""

    parts: Sequence[ListPart]
    wire_format: WireFormat = V20

    def __iter__(self) -> Iterator[SourceItem]:
        return self.except_known(None)

    def except_known(self, known: Known | None) -> Iterator[SourceItem]:
        """All items except those of ``known`` entries."""
        for number, part in enumerate(self.parts):
            read = read_list_part if number else read_resource_list
            for item in read(part.blocks(), self.wire_format, known):
                if isinstance(item, ListIndex):
                    raise FormatError("a part of the resource list is an index of parts itself")
                yield item
