"""Loads values directly into an instance: from a file, or made by a program.

This is not a harvest: there is no dry run, nothing is deleted, and what is loaded belongs to the
instance itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from shared.atomic_file import write_atomically
from shared.errors import ItemError
from shared.model.entities import Entity, ServiceFile
from shared.model.kinds import ENTITY_KINDS
from shared.model.master_data import MasterData
from shared.store.changes import (
    ORIGINAL_STAMPS,
    apply_kind,
    compare,
    copy_flags,
    copy_immutable_times,
    copy_stamps,
    settle_data_sets,
)
from shared.store.changes import users as users_of_list
from shared.store.files import DataStore
from shared.store.identity import blocked, settle
from shared.store.incoming import Incoming
from shared.store.master_data import flatten, write_definitions
from shared.store.rows import milliseconds
from shared.store.statements import execute
from shared.store.tables import LOCAL
from shared.store.users import add_persons

Loadable = MasterData | Entity | ServiceFile


@dataclass(slots=True)
class Loaded:
    """How many entities and files there were, and what could not be loaded."""

    items: int = 0
    faults: list[ItemError] = field(default_factory=list)


def load(connection: Connection, store: DataStore, values: Iterable[Loadable]) -> Loaded:
    """Registers or updates everything; nothing else changes.

    Contents of data sets and attachments are not loaded: they have to be in the data store. The
    caller opens the transaction.
    """
    loaded = Loaded()
    incoming = Incoming(connection)
    for value in values:
        try:
            _take(connection, store, incoming, value)
        except ItemError as error:
            loaded.faults.append(error)
        else:
            loaded.items += not isinstance(value, MasterData)
    doubles = incoming.finish()
    loaded.items -= doubles.records
    loaded.faults.extend(doubles.faults)
    compare(connection, LOCAL)
    settle(connection)
    loaded.faults.extend(_blocked(connection))
    for kind in ENTITY_KINDS:
        apply_kind(connection, kind, LOCAL, ORIGINAL_STAMPS)
    connection.execute(text(_REPLACE_ATTACHMENTS))
    connection.execute(text(_ATTACHMENTS))
    add_persons(connection, LOCAL, users_of_list(connection))
    copy_stamps(connection, LOCAL)
    copy_flags(connection, LOCAL)
    settle_data_sets(connection)
    copy_immutable_times(connection, LOCAL)
    return loaded


def _blocked(connection: Connection) -> Iterator[ItemError]:
    for one in blocked(connection, ENTITY_KINDS):
        if one.holder is not None:
            reason = f"{one.identifier} is {one.kind} {one.holder} here; rename one of them"
        else:
            reason = f"it waits for {one.subject}, which could not be loaded"
        yield ItemError(one.kind, one.perm_id, reason)


def _take(connection: Connection, store: DataStore, incoming: Incoming, value: Loadable) -> None:
    match value:
        case MasterData():
            write_definitions(connection, LOCAL, flatten(value))
        case Entity():
            incoming.add(value)
        case ServiceFile():
            _put(connection, store, value)


def _put(connection: Connection, store: DataStore, file: ServiceFile) -> None:
    if file.content is None:
        raise ItemError("FILE", file.path, "the list does not bring its content")
    try:
        target = store.service_file(file.path)
    except ValueError as error:
        raise ItemError("FILE", file.path, str(error)) from error
    write_atomically(target, file.content)
    os.utime(target, (file.modified.timestamp(), file.modified.timestamp()))
    execute(
        connection,
        "put_service_file",
        path=file.path,
        source=LOCAL,
        modified=milliseconds(file.modified),
        length=file.length,
        sha256=file.sha256,
    )


_REPLACE_ATTACHMENTS = """
DELETE FROM attachment WHERE EXISTS (
    SELECT 1 FROM incoming_attachment AS i
     WHERE i.kind = attachment.kind AND i.perm_id = attachment.perm_id)
"""
_ATTACHMENTS = """
INSERT INTO attachment (kind, perm_id, file_name, version, title, description, registrator,
                        registered, length, sha256)
SELECT kind, perm_id, file_name, version, title, description, registrator, registered, length,
       sha256 FROM incoming_attachment WHERE 1 = 1
ON CONFLICT DO NOTHING
"""
