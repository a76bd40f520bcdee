"""Persons and roles of an embedded instance: they decide who may log in and see what.

The rules are openBIS's (see docs/operations.md): any role at instance level shows every space, a
role in a space shows that space, a role in a project shows that project.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, bindparam, func, select

from shared.errors import ConfigError
from shared.model.ids import Code, Identifier
from shared.store import tables

# The place of a role that holds for the whole instance.
INSTANCE = ""


class Role(StrEnum):
    """openBIS's role codes. For reading all are equal; ADMIN on the instance may harvest."""

    ADMIN = "ADMIN"
    POWER_USER = "POWER_USER"
    USER = "USER"
    OBSERVER = "OBSERVER"
    ETL_SERVER = "ETL_SERVER"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Assignment:
    """A person's role on the instance (``''``), a space or a project (identifier)."""

    place: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    user_id: str
    active: bool
    password_hash: str | None
    roles: tuple[Assignment, ...]

    @property
    def is_instance_admin(self) -> bool:
        return Assignment(place=INSTANCE, role=Role.ADMIN) in self.roles

    @property
    def sees_everything(self) -> bool:
        return any(a.place == INSTANCE for a in self.roles)

    @property
    def spaces(self) -> frozenset[Code]:
        """Spaces in which the person has a role."""
        return frozenset(Code(a.place[1:]) for a in self.roles if a.place.count("/") == 1)

    @property
    def projects(self) -> frozenset[Identifier]:
        """Projects in which the person has a role."""
        return frozenset(Identifier(a.place) for a in self.roles if a.place.count("/") > 1)


_PERSON = select(tables.person).where(func.lower(tables.person.c.user_id) == bindparam("lower"))
# Built once: these queries are executed for each file that is served.
_ROLES = select(tables.role_assignment.c.place, tables.role_assignment.c.role).where(
    tables.role_assignment.c.user_id == bindparam("user")
)


def find_person(connection: Connection, user_id: str) -> Person | None:
    """A person by user id, regardless of case; an exact match wins (openbis-database.md, 3.1)."""
    rows = connection.execute(_PERSON, {"lower": user_id.lower()}).all()
    exact = [row for row in rows if row.user_id == user_id] or rows
    return _person(connection, exact[0]) if exact else None


def persons(connection: Connection) -> list[Person]:
    """All persons by user id."""
    query = select(tables.person).order_by(tables.person.c.user_id)
    return [_person(connection, row) for row in connection.execute(query).all()]


def _person(connection: Connection, row: object) -> Person:
    user_id = row.user_id  # type: ignore[attr-defined] # a row has the columns of its query
    held = connection.execute(_ROLES, {"user": user_id})
    return Person(
        user_id=user_id,
        active=row.active,  # type: ignore[attr-defined]
        password_hash=row.password_hash,  # type: ignore[attr-defined]
        roles=tuple(sorted(Assignment(place=place, role=Role(role)) for place, role in held)),
    )


def add_persons(connection: Connection, source: str, user_ids: Iterable[str]) -> list[str]:
    """Creates missing persons, without password and roles; returns those that are new."""
    known = {p.lower() for p in connection.execute(select(tables.person.c.user_id)).scalars()}
    spelt = {user.lower(): user for user in sorted(user_ids, reverse=True)}
    new = sorted(user for lower, user in spelt.items() if lower not in known)
    now = round(time.time() * 1000)
    if new:
        connection.execute(
            tables.person.insert(),
            [{"user_id": u, "source": source, "active": True, "registered": now} for u in new],
        )
    return new


def set_password(connection: Connection, user_id: str, password_hash: str) -> None:
    """Raises `ConfigError` if there is no such person."""
    person = tables.person
    change = person.update().where(person.c.user_id == user_id)
    if connection.execute(change.values(password_hash=password_hash)).rowcount == 0:
        raise ConfigError(f"user {user_id!r} does not exist; add the user first")


def grant(connection: Connection, user_id: str, role: Role, place: str = INSTANCE) -> None:
    """Gives a person a role; giving it twice changes nothing. Raises `ConfigError` for unknown
    persons."""
    person = find_person(connection, user_id)
    if person is None:
        raise ConfigError(f"user {user_id!r} does not exist; add the user first")
    if Assignment(place=place, role=role) not in person.roles:
        connection.execute(
            tables.role_assignment.insert().values(user_id=person.user_id, role=role, place=place)
        )


def revoke(connection: Connection, user_id: str, role: Role, place: str = INSTANCE) -> None:
    """Takes a role away; nothing happens if the person does not have it."""
    table = tables.role_assignment
    connection.execute(
        table.delete().where(
            table.c.user_id == user_id, table.c.role == role, table.c.place == place
        )
    )
