"""Resolves references to perm ids, and decides conflicts of identifiers.

On the wire, experiments, samples and projects are named by identifier. Within a list an identifier
means one entity; in the store it may have meant another one before. So references are stored as
perm ids, which never change, and the identifiers that documents show are derived from these.

An identifier belongs to one entity at a time. An entity of the list whose identifier belongs to an
entity that stays is left alone and fails as an item, with everything that lies in it (`settle`).
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
    """An entity of the list that cannot come or move. ``holder`` is the perm id of the entity that
    has its identifier; None if it waits for ``subject``, a kind and a perm id. ``owner``, ``name``,
    ``action`` of the plan and readability are the holder's."""

    kind: Kind
    perm_id: str
    identifier: str
    subject: str
    holder: str | None = None
    owner: str = ""
    name: str = ""
    action: str | None = None
    unread: bool = False
    # The subject has another owner and lies elsewhere here.
    elsewhere: bool = False


def refer(connection: Connection) -> None:
    """Notes the meaning of a whole list's references, and those that lead out of it."""
    _execute(connection, "refer")
    _execute(connection, "lead_out")


def resolve(connection: Connection, source: str) -> None:
    """Resolves the references that lead out of the list, as far as their meaning is certain."""
    if _execute(connection, "any_outward").scalar_one():
        _execute(connection, "resolve", source=source)


def new_claims(connection: Connection) -> None:
    """Forgets the claims of identifiers and the relocations."""
    _execute(connection, "new_claims")


def settle(connection: Connection) -> None:
    """Marks entities in the plan that cannot come or move, because an identifier is taken or
    because they lie in such an entity. Call it after the deletions. Moves in a chain or a circle
    are not marked if all of them are possible."""
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
    """The entities that `settle` has marked, by kind and identifier."""
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
    """Updates the identifiers of entities below one that was renamed or moved. Raises `SyncError`
    if two entities would have one identifier."""
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
    """Fills the references of rows that were written when references were identifiers."""
    _execute(connection, "fill_entities")
    _execute(connection, "fill_trash")


def _execute(connection: Connection, section: str, /, **values: object) -> Rows:
    return execute_from(connection, _FILE, section, **values)
