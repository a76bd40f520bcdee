"""Attachments: their rows are compared and replaced holder by holder.

The content of an attachment is named by its SHA-256. A list of the original openBIS announces only
the latest version of each file name, without checksum; then title, description and number decide.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, exists, select, text, tuple_

from shared.model.entities import AttachmentVersion
from shared.model.kinds import Kind
from shared.store import tables
from shared.store.incoming_tables import entities as incoming
from shared.store.rows import milliseconds, to_attachment_version
from shared.store.statements import execute

# Keys in a query.
_BLOCK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A project, experiment or sample whose attachments differ from the list."""

    kind: Kind
    perm_id: str
    identifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldVersion:
    """One version of one attachment of a holder."""

    file_name: str
    version: AttachmentVersion


def differing_holders(connection: Connection, source: str) -> list[Holder]:
    """Holders of this source that are here and whose attachments differ from the list."""
    return [
        Holder(kind=Kind(kind), perm_id=perm_id, identifier=identifier)
        for kind, perm_id, identifier in execute(connection, "holders_differ", source=source)
    ]


def holders_of(
    connection: Connection, source: str, keys: Collection[tuple[str, str]]
) -> list[Holder]:
    """Those of these kinds and perm ids that belong to this source and are in the list."""
    here, found = tables.entity.c, []
    wanted = sorted(keys)
    in_list = (incoming.c.kind == here.kind) & (incoming.c.perm_id == here.perm_id)
    for begin in range(0, len(wanted), _BLOCK):
        some = tuple_(here.kind, here.perm_id).in_(wanted[begin : begin + _BLOCK])
        query = select(here.kind, here.perm_id, here.identifier).where(
            here.source == source, some, exists().where(in_list)
        )
        for kind, perm_id, identifier in connection.execute(query).all():
            found.append(Holder(kind=Kind(kind), perm_id=perm_id, identifier=identifier))
    return found


def incoming_versions(connection: Connection, holder: Holder) -> list[HeldVersion]:
    """A holder's attachments in the list, by file name and version."""
    return list(_versions(connection, "incoming_attachment", "href", holder))


def stored_versions(connection: Connection, holder: Holder) -> list[HeldVersion]:
    """A holder's attachments in the store, by file name and version."""
    return list(_versions(connection, "attachment", "NULL", holder))


def _versions(
    connection: Connection, table: str, href: str, holder: Holder
) -> Iterator[HeldVersion]:
    query = text(
        "SELECT file_name, version, title, description, registrator, registered, length, sha256,"  # noqa: S608 - our own names
        f" {href} FROM {table} WHERE kind = :kind AND perm_id = :perm_id ORDER BY 1, 2"
    )
    rows = connection.execute(query, {"kind": holder.kind, "perm_id": holder.perm_id})
    for file_name, *rest, address in rows:
        version = to_attachment_version(rest)
        yield HeldVersion(file_name=file_name, version=replace(version, href=address))


def replace_versions(
    connection: Connection, holder: Holder, versions: Sequence[HeldVersion]
) -> None:
    """Give a holder exactly these versions; contents that nothing names any more are noted for
    removal."""
    execute(connection, "drop_attachments", kind=holder.kind.value, perm_id=holder.perm_id)
    if versions:
        connection.execute(tables.attachment.insert(), [_row(holder, held) for held in versions])


def _row(holder: Holder, held: HeldVersion) -> dict[str, Any]:
    version = held.version
    return {
        "kind": holder.kind.value,
        "perm_id": holder.perm_id,
        "file_name": held.file_name,
        "version": version.version,
        "title": version.title,
        "description": version.description,
        "registrator": version.registrator,
        "registered": milliseconds(version.registered) if version.registered else None,
        "length": version.length,
        "sha256": version.sha256,
    }
