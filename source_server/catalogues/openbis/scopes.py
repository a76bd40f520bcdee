"""The rights of users, by the rules of openBIS's API, and scopes as ids of the database."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from shared.model.ids import Code, Identifier
from source_server.catalogues.openbis import queries_access, queries_entities
from source_server.catalogues.openbis.schema import Dialect
from source_server.publication.catalogue import Scope

# A scope as arrays of ids: the parameters of all queries with a scope (`queries_entities`).
Window = Mapping[str, str]


def scope_of(
    connection: Connection, dialect: Dialect, user_id: str, project_level: re.Pattern[str] | None
) -> Scope | None:
    """The scope of a user. Project roles count only for users whose id ``project_level`` matches.

    A role on the instance shows all spaces, a role in a space shows that space, whichever role it
    is. None for users who may not log in: unknown, inactive, or without any role.
    """
    rows = connection.execute(dialect(queries_access.ROLES), {"user_id": user_id}).all()
    held = [row for row in _one_person(rows, user_id) if row.active and row.role is not None]
    if not held:
        return None
    if any(row.space is None and row.project is None for row in held):
        return Scope(spaces=frozenset(space_codes(connection, dialect)))
    counts = project_level is not None and project_level.fullmatch(held[0].user_id) is not None
    return Scope(
        spaces=frozenset(Code(row.space) for row in held if row.space),
        projects=frozenset(Identifier(row.project) for row in held if row.project and counts),
    )


def _one_person(rows: Sequence[Row[Any]], user_id: str) -> Sequence[Row[Any]]:
    """The rows of one person. The case of a user id does not matter, unless several differ only by
    case: then the exact one counts."""
    if len({row.user_id for row in rows}) <= 1:
        return rows
    return [row for row in rows if row.user_id == user_id]


def space_codes(connection: Connection, dialect: Dialect) -> list[Code]:
    """Codes of all spaces, in byte order."""
    return [Code(code) for (code,) in connection.execute(dialect(queries_entities.SPACE_CODES))]


def window_of(connection: Connection, dialect: Dialect, scope: Scope) -> Window:
    """The scope as ids; places that do not exist are left out."""
    rows = connection.execute(
        dialect(queries_access.SCOPE),
        {"spaces": sorted(scope.spaces), "projects": sorted(scope.projects)},
    ).all()
    shown = [row for row in rows if row.project is not None and (row.whole or row.named)]
    ids = {
        "spaces": {row.space for row in rows if row.whole},
        "shown_spaces": {row.space for row in rows},
        "projects": {row.project for row in shown},
        "lone_projects": {row.project for row in shown if not row.whole},
    }
    return {name: array_of(each) for name, each in ids.items()}


def array_of(ids: Iterable[int]) -> str:
    """An array in PostgreSQL's own notation, which costs the driver less than a list."""
    return f"{{{','.join(map(str, ids))}}}"
