"""The incoming tables: what they are called and which columns they have.

On SQLite they may be kept from one run to the next (`shared.store.kept_list`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

from shared.store import scratch, tables

TEMPORARY = MetaData(schema=scratch.SCHEMA)


def _incoming(stored: Table, *more: Column[Any], drop: tuple[str, ...] = ()) -> Table:
    columns = [
        Column(c.name, c.type, nullable=c.nullable) for c in stored.columns if c.name not in drop
    ]
    return Table(f"incoming_{stored.name}", TEMPORARY, *columns, *more)


entities = _incoming(
    tables.entity,
    # SQLite then finds a row by its position without an index.
    Column(
        "position",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    drop=("source", "source_modified", *tables.REFERENCES),
)
links = _incoming(tables.link, Column("position", BigInteger))
files = _incoming(tables.data_set_file, Column("href", Text), Column("position", BigInteger))
copies = _incoming(tables.content_copy, Column("position", BigInteger))
attachments = _incoming(tables.attachment, Column("href", Text), Column("position", BigInteger))
service_files = _incoming(
    tables.service_file, Column("href", Text), Column("content", LargeBinary), drop=("source",)
)
unknown = Table(
    "incoming_unknown",
    TEMPORARY,
    Column("kind", Text),
    Column("perm_id", Text),
    Column("part", Text),
    Column("reason", Text),
    Column("position", BigInteger),
)
faults = Table(
    "incoming_fault",
    TEMPORARY,
    Column("kind", Text),
    Column("perm_id", Text),
)
# Places of entities, by perm id. A separate table, so that no row of a list is written twice.
references = Table(
    "incoming_reference",
    TEMPORARY,
    Column("kind", tables.KEY, nullable=False),
    Column("perm_id", tables.KEY, nullable=False),
    *(Column(name, tables.KEY) for name in tables.REFERENCES),
)
# References that lead out of the list.
outward = Table(
    "incoming_outward",
    TEMPORARY,
    Column("kind", tables.KEY, nullable=False),
    Column("perm_id", tables.KEY, nullable=False),
    Column("target_kind", tables.KEY, nullable=False),
    Column("target", tables.KEY, nullable=False, comment="its identifier"),
    Column("found", tables.KEY, comment="its perm id, if it is certain who is meant"),
)
INDEXES = (
    Index("incoming_entity_key", entities.c.kind, entities.c.perm_id),
    Index("incoming_entity_identifier", entities.c.kind, entities.c.identifier),
    Index("incoming_link_from", links.c.kind, links.c.from_perm_id),
    Index("incoming_link_to", links.c.kind, links.c.to_perm_id),
    Index("incoming_file_code", files.c.code),
    Index("incoming_copy_code", copies.c.code),
    Index("incoming_attachment_key", attachments.c.kind, attachments.c.perm_id),
    Index("incoming_service_file_path", service_files.c.path),
    Index("incoming_reference_key", references.c.kind, references.c.perm_id),
    Index("incoming_outward_key", outward.c.kind, outward.c.perm_id),
    Index("incoming_unknown_key", unknown.c.kind, unknown.c.perm_id),
)
