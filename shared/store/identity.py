"""Who is meant by a reference, and who may have an identifier.

On the wire, experiments, samples and projects are named by identifier. Within a list an identifier
means one entity; in the store it may have meant another one before. So references are kept as perm
ids, which never change, and the texts beside them, which documents show, follow what these name.

An identifier belongs to one entity at a time. What the list brings under one that something else
keeps is left alone and fails as an item, with all that lies in it (`settle`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from shared.errors import SyncError
from shared.model.kinds import Kind
from shared.store.statements import Rows, SqlFile, execute_from

_FILE = SqlFile("shared.store", "identity.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Something of the list that cannot come or move. ``holder``: the perm id of who has its
    identifier; None if it waits for ``subject``, a kind and a perm id. Of the holder: ``owner``,
    ``name``, ``action`` of the plan, and whether its record could be read."""

    kind: Kind
    perm_id: str
    identifier: str
    subject: str
    holder: str | None = None
    owner: str = ""
    name: str = ""
    action: str | None = None
    unread: bool = False
    elsewhere: bool = False
    """The subject is of another owner and lies elsewhere here."""


def refer(connection: Connection) -> None:
    """Note what the references of a whole list mean, and which of them lead out of it."""
    _execute(connection, "refer")
    _execute(connection, "lead_out")


def resolve(connection: Connection, source: str) -> None:
    """Say of what leads out of the list who is meant here, as far as that is certain."""
    if _execute(connection, "any_outward").scalar_one():
        _execute(connection, "resolve", source=source)


def new_claims(connection: Connection) -> None:
    """Forget who gets which identifier, and what is relocated."""
    _execute(connection, "new_claims")


def settle(connection: Connection) -> None:
    """Mark in the plan what cannot come or move, because an identifier is taken or because it lies
    in such a thing; to be called when what is to be deleted is deleted. Moves along a chain or in
    a circle are none of that, as long as all of them are possible."""
    new_claims(connection)
    _execute(connection, "claim")
    if _execute(connection, "any_project_moves").scalar_one():
        _execute(connection, "follow_projects")
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE claim"))
    _execute(connection, "block")
    if _execute(connection, "any_elsewhere").scalar_one():
        _execute(connection, "block_elsewhere")
    if _execute(connection, "any_blocked").scalar_one():
        _execute(connection, "spread")
    _execute(connection, "relocate")


def blocked(connection: Connection, kinds: Iterable[Kind]) -> Iterator[Blocked]:
    """What `settle` has marked, by kind and identifier."""
    for kind in kinds:
        for row in _execute(connection, "blocked_items", kind=kind.value).all():
            yield Blocked(
                kind=kind,
                perm_id=row.perm_id,
                identifier=row.identifier,
                subject=row.subject,
                holder=row.subject if row.reason == "taken" else None,
                owner=row.owner or "",
                name=row.name or "",
                action=row.action,
                unread=row.unread is not None,
                elsewhere=row.reason == "elsewhere",
            )


def follow(connection: Connection) -> None:
    """Let the texts of what hangs on something follow it, where that was renamed or moved. Raises
    `SyncError` if two entities would have one identifier afterwards, which must never be."""
    if _execute(connection, "any_relocated").scalar_one():
        _execute(connection, "follow")
    shared = _execute(connection, "shared_identifier").first()
    if shared is not None:
        kind, identifier, one, other = shared
        raise SyncError(
            f"{kind} {one} and {kind} {other} would both be {identifier}; nothing of this is kept. "
            "This is a fault of openbis-sync: please report it"
        )


def refer_by_perm_id(connection: Connection) -> None:
    """Fill the references of rows that were written when they were identifiers."""
    _execute(connection, "fill_entities")
    _execute(connection, "fill_trash")


def _execute(connection: Connection, section: str, /, **values: object) -> Rows:
    return execute_from(connection, _FILE, section, **values)
