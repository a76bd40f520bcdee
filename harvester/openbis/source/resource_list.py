"""The resource list as a source of items. It may lie in several parts, and may still be growing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from harvester.openbis.section import SectionConfig
from harvester.openbis.source.items import SourceItem
from harvester.openbis.source.source import Source
from harvester.openbis.source.spool import spool
from shared.errors import FormatError
from shared.resourcesync.items import ListIndex
from shared.resourcesync.reader import read_list_part, read_resource_list
from shared.resourcesync.v20.version import V20


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

    def __iter__(self) -> Iterator[SourceItem]:
        for number, part in enumerate(self.parts):
            read = read_list_part if number else read_resource_list
            for item in read(part.blocks(), V20):
                if isinstance(item, ListIndex):
                    raise FormatError("a part of the resource list is an index of parts itself")
                yield item


@contextmanager
def resource_list(source: Source, config: SectionConfig) -> Iterator[ResourceList]:
    """The list of a section's source. It can be read at once, while it is being fetched."""
    with spool(config) as folder, source.list_on_its_way(folder) as parts:
        yield ResourceList(parts)
