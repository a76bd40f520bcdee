"""Writes the made instance into empty databases and folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.support.openbis_made.files import UUID, path_info_statements, write_store
from tests.support.openbis_made.schema import definitions, references
from tests.support.openbis_made.world import BULK, a_world

PREFIX = "made_"
PATH_INFO = "made_path_info"
RICHEST = 192
# ``made_<schema>``; any schema from 147 to 213 can be had.
NAMES = tuple(f"{PREFIX}{version}" for version in (154, 178, 181, RICHEST, 207, 213))

_BULK = """
insert into materials (id, code, maty_id, registration_timestamp, pers_id_registerer)
select 1000 + n, 'BULK-' || n, (select id from material_types where code = 'GRAIN'),
       '2024-02-01 12:00:00+00', 1
  from generate_series(1, %s) n
"""
_BULK_VALUES = """
insert into material_properties
       (id, mate_id, mtpt_id, value, registration_timestamp, pers_id_registerer)
select m.id, m.id, a.id, 'bulk ' || m.id, m.registration_timestamp, 1
  from materials m
  join material_type_property_types a on a.maty_id = m.maty_id
  join property_types t on t.id = a.prty_id and t.code = 'NOTES'
 where m.id > 1000
"""


def fill(connection: psycopg.Connection[Any], name: str) -> None:
    """The database of this name: `PATH_INFO`, or an openBIS of a schema."""
    with connection.transaction():
        if name == PATH_INFO:
            for statement, parameters in path_info_statements(UUID):
                connection.execute(statement.encode(), parameters or None)
        else:
            _fill_openbis(connection, int(name.removeprefix(PREFIX)))


def fill_store(root: Path) -> None:
    write_store(root, UUID)


def _fill_openbis(connection: psycopg.Connection[Any], version: int) -> None:
    for statement in definitions(version):
        connection.execute(statement.encode())
    for table, values in a_world().rows.at(version):
        insert = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(map(sql.Literal, values.values())),
        )
        connection.execute(insert)
    for statement in references(version):
        connection.execute(statement.encode())
    connection.execute(
        "insert into database_version_logs values (%s, 'openBIS', 'SUCCESS')", [f"{version:03}"]
    )
    if version == RICHEST:
        connection.execute(_BULK, [BULK])
        connection.execute(_BULK_VALUES)
