"""The part of a resource list that depends on the version of openBIS: its entries.

The document around them is that of ResourceSync (`shared.resourcesync.reader` and ``writer``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from shared.model.entities import Entity, ServiceFile
from shared.model.ids import Code
from shared.model.master_data import MasterData
from shared.resourcesync.addresses import Addresses
from shared.resourcesync.items import ListItem

if TYPE_CHECKING:  # a server that only writes lists needs no parser
    from lxml.etree import _Element


class EntryReader(Protocol):
    """Reads the ``url`` elements of a list."""

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Declarations, such as ``xmlns:x="..."``, that the root must have for `plain`."""
        ...

    def plain(self, entry: bytes) -> ListItem | None:
        """The item of an entry, read without the parser; None if only the parser can read it."""
        ...

    def parsed(self, url: _Element) -> Iterable[ListItem]:
        """The items of an entry. A record that cannot be read is a `RecordFault`."""
        ...

    def named(self, loc: str) -> tuple[str, str]:
        """Kind and perm id of the record that has this ``loc``; the kind is empty if it has none,
        as master data."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryWriter:
    """Writes the ``url`` elements of a list. Each function raises ItemError if XML cannot hold a
    text of the item."""

    # The time is the list's ``at``.
    master_data: Callable[[Addresses, MasterData, datetime], str]
    # The codes are those of the data sets of a sample, and of the property types of whose values a
    # text can be made.
    entity: Callable[[Addresses, Entity, Sequence[Code], Collection[Code]], bytes]
    service_file: Callable[[Addresses, ServiceFile], bytes]
    # The same as ``entity`` for the owner of AFS data, which come last; each of their files has an
    # MD5 checksum. None: AFS data are entries of their own.
    owner: Callable[[Addresses, Entity, Sequence[Code], Collection[Code], Entity], bytes] | None = (
        None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WireFormat:
    """A version of openBIS: writes and reads the entries of a list."""

    name: str
    writer: EntryWriter
    # Loads lxml, too.
    load_reader: Callable[[], EntryReader]
    # Whether a list names the application file service (AFS) if it shows AFS data. One that names
    # none says nothing of them: they are unknown, and not gone.
    announces_afs: bool = False
