"""What schemas 193 to 213 brought: several values of a property, persons and roles that expire,
files of the application file service, type groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.openbis_made.afs import add_afs_rows
from tests.support.openbis_made.master_data import FIRST_MULTI_VALUED, MULTI_VALUED

if TYPE_CHECKING:
    from tests.support.openbis_made.world import World

# Of the sample SAND; the sample SUGAR has one.
KEYWORDS = ("dry", "fine", "dry")
PAST, FUTURE = "2024-06-01 00:00:00+00", "2999-01-01 00:00:00+00"
# An instance admin, a member of the group, an instance admin.
EXPIRED, EXPIRED_OF_CREW, NOT_EXPIRED = "expired", "expired_crew", "expires_late"
# Instance admins whose roles expire, which only schemas 201 and 202 know.
LAPSED, NOT_LAPSED = "lapsed", "lapses_late"
# Type groups with their sample types; the last is internal, and so is its member.
FIRST_WITH_TYPE_GROUPS = 205
TYPE_GROUPS = {"BENCH": ("JAR", "PLATE"), "EMPTY": (), "SHIPPED": ("WELL",)}
PERSONS_EXPIRE, ROLES_EXPIRE, ROLES_NO_LONGER_EXPIRE = 203, 201, 202


def add_later_rows(world: World) -> None:
    _several_values(world)
    _persons_that_expire(world)
    _roles_that_expire(world)
    add_afs_rows(world)
    _type_groups(world)


def _several_values(world: World) -> None:
    assignment = world.known.assignments["sample", "JAR", MULTI_VALUED]
    for sample, values in (("SAND", KEYWORDS), ("SUGAR", KEYWORDS[:1])):
        for value in values:
            world.rows.add(
                "sample_properties",
                FIRST_MULTI_VALUED,
                samp_id=world.samples[sample],
                stpt_id=assignment,
                value=value,
            )


def _persons_that_expire(world: World) -> None:
    for user_id, expiry in ((EXPIRED, PAST), (EXPIRED_OF_CREW, PAST), (NOT_EXPIRED, FUTURE)):
        person = world.rows.add(
            "persons", PERSONS_EXPIRE, user_id=user_id, is_active=True, expiry_timestamp=expiry
        )
        if user_id == EXPIRED_OF_CREW:
            world.rows.add("authorization_group_persons", PERSONS_EXPIRE, pers_id=person, ag_id=1)
        else:
            world.rows.add(
                "role_assignments", PERSONS_EXPIRE, pers_id_grantee=person, role_code="ADMIN"
            )


def _roles_that_expire(world: World) -> None:
    schemas = ROLES_EXPIRE, ROLES_NO_LONGER_EXPIRE
    for user_id, expiry in ((LAPSED, PAST), (NOT_LAPSED, FUTURE)):
        person = world.rows.add("persons", *schemas, user_id=user_id, is_active=True)
        world.rows.add(
            "role_assignments",
            *schemas,
            pers_id_grantee=person,
            role_code="ADMIN",
            expiry_timestamp=expiry,
        )


def _type_groups(world: World) -> None:
    for code, members in TYPE_GROUPS.items():
        internal = code == "SHIPPED"
        group = world.rows.add(
            "type_groups",
            FIRST_WITH_TYPE_GROUPS,
            code=code,
            is_managed_internally=internal,
            meta_data='{"colour": "blue"}' if code == "BENCH" else None,
        )
        for member in members:
            world.rows.add(
                "sample_type_type_groups",
                FIRST_WITH_TYPE_GROUPS,
                tg_id=group,
                saty_id=world.known.types["sample", member],
                is_managed_internally=internal,
            )
