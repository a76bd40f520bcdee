"""Upgrades databases of older versions when they are opened, without fetching anything again."""

from __future__ import annotations

import uuid

from sqlalchemy import Connection, Engine, inspect, select, text

from shared.store import memory_tables, operation_tables
from shared.store.identity import refer_by_perm_id
from shared.store.tables import (
    REFERENCES,
    SCHEMA_VERSION,
    data_set_file,
    entity,
    meta,
    metadata,
)
from shared.store.writers import write_lock

# Versions of the schema that are upgraded.
_OLDER = frozenset({"1", "2", "3"})
# Tables that version 1 lacks, and that have grown since.
OF_HARVESTERS = (*memory_tables.TABLES, *operation_tables.TABLES)
# Tables that have got columns since version 1.
_GROWN = (
    *(entity, operation_tables.trash_entity),
    *(data_set_file, operation_tables.trash_data_set_file),
)


def upgrade(engine: Engine) -> None:
    """Upgrades a database of an older version.

    Version 1 lacks the tables of the harvester's memory; version 2 lacks unknown parts and
    references by perm id; version 3 lacks what came with openBIS 7 (AFS data, meta data, several
    values of a property). A database of the current version may lack the latest tables.
    """
    with engine.connect() as connection:
        version = meta_values(connection).get("schema_version")
        is_older = version in _OLDER
        if not is_older and not (version == SCHEMA_VERSION and _lacks_tables(connection)):
            return
    with engine.connect() as connection, write_lock(connection), connection.begin():
        if engine.dialect.name == "postgresql":  # another process may upgrade at the same time
            connection.execute(text("LOCK TABLE meta IN EXCLUSIVE MODE"))
        metadata.create_all(connection, tables=OF_HARVESTERS)
        if _add_columns(connection).intersection(REFERENCES):
            refer_by_perm_id(connection)
        if "database" not in meta_values(connection):
            name_database(connection)
        for statement in _CLAIMS:
            connection.execute(text(statement))
        this = meta.c.key == "schema_version"
        connection.execute(meta.update().where(this).values(value=SCHEMA_VERSION))


def _add_columns(connection: Connection) -> set[str]:
    """Adds missing columns, all of which may be null, and missing indexes. Returns the names of the
    columns that were added."""
    added = set()
    for table in _GROWN:
        present = {column["name"] for column in inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in present:
                definition = f"{column.name} {column.type.compile(connection.dialect)}"
                connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {definition}"))
                added.add(column.name)
    for index in entity.indexes:
        index.create(connection, checkfirst=True)
    connection.execute(text("DROP INDEX IF EXISTS entity_sample"))  # by identifier, once
    return added


def _lacks_tables(connection: Connection) -> bool:
    present = set(inspect(connection).get_table_names())
    return any(table.name not in present for table in OF_HARVESTERS)


# Before this table existed, files on their way had a row without a checksum.
_CLAIMS = (
    """
INSERT INTO arrival (source, area, name, content)
SELECT source, 'FILE', path, '' FROM service_file WHERE sha256 = '' ON CONFLICT DO NOTHING
""",
    "DELETE FROM service_file WHERE sha256 = ''",
)


def meta_values(connection: Connection) -> dict[str, str]:
    return {row.key: row.value for row in connection.execute(select(meta))}


def name_database(connection: Connection) -> None:
    """Gives the database an id: two instances may have the same data store UUID, since that is read
    from the folder."""
    connection.execute(meta.insert().values(key="database", value=uuid.uuid4().hex))
