"""Writes the entries of openBIS 7, most of which are those of 20.10.

What differs: the AFS data of an owner stand in its own entry, and codes of internal definitions
keep their ``$`` (openbis-7-sync.md, 3.4). The caller gives neither materials nor file formats,
which openBIS 7 has no more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from shared.errors import ItemError
from shared.model.entities import Entity
from shared.model.ids import Code
from shared.model.master_data import MasterData, PropertyType, Vocabulary
from shared.resourcesync.addresses import Addresses
from shared.resourcesync.escaping import UnwritableTextError
from shared.resourcesync.v7.afs_writer import afs_block
from shared.resourcesync.v20.version import V20
from shared.resourcesync.wire_format import EntryWriter

_END = b"</x:xd></url>"
_EMPTY_END = b"/></url>"

_Definition = TypeVar("_Definition", Vocabulary, PropertyType)


def master_data_entry(addresses: Addresses, master_data: MasterData, at: datetime) -> str:
    """The entry of the master data; errors as in 20.10."""
    spelt = replace(
        master_data,
        vocabularies=tuple(map(_spelt, master_data.vocabularies)),
        property_types=tuple(map(_spelt, master_data.property_types)),
    )
    return V20.writer.master_data(addresses, spelt, at)


def _spelt(definition: _Definition) -> _Definition:
    """The writer of 20.10 takes one ``$`` from the code of an internal definition: it gets two."""
    if not (definition.internal and definition.code.startswith("$")):
        return definition
    return replace(definition, code=Code(f"${definition.code}"))


def entity_entry(
    addresses: Addresses, entity: Entity, data_sets: Sequence[Code], joined: Collection[Code]
) -> bytes:
    """The ``url`` element of an entity. Where no AFS data are announced, nothing says that those of
    an owner can no longer change: its reader would seal an owner whose files it does not have."""
    if addresses.afs_url is None and entity.immutable_since is not None:
        entity = replace(entity, immutable_since=None)
    return V20.writer.entity(addresses, entity, data_sets, joined)


def owner_entry(
    addresses: Addresses,
    entity: Entity,
    data_sets: Sequence[Code],
    joined: Collection[Code],
    afs: Entity,
) -> bytes:
    """The ``url`` element of a sample or an experiment with AFS data. ItemError if a text holds
    what XML cannot."""
    entry = V20.writer.entity(addresses, entity, data_sets, joined)
    try:
        block = afs_block(afs).encode()
    except UnwritableTextError as error:
        raise ItemError(entity.kind.value, entity.perm_id, str(error)) from error
    if not block:
        return entry
    if entry.endswith(_END):
        return entry.removesuffix(_END) + block + _END
    return entry.removesuffix(_EMPTY_END) + b">" + block + _END


WRITER = EntryWriter(
    master_data=master_data_entry,
    entity=entity_entry,
    service_file=V20.writer.service_file,
    owner=owner_entry,
)
