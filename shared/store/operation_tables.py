"""The tables in which a harvester works on the store: deletions and their trash, what files have to
follow, what is on its way, what was restored.

They lie beside what was harvested, so that they are backed up and moved with it. Conventions as in
`shared.store.tables`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table

from shared.store.tables import (
    KEY,
    TEXT,
    attachment,
    content_copy,
    data_set_file,
    entity,
    link,
    metadata,
    service_file,
)

# What a held-back loss of contents consisted of when it was held back: a release lets no more go
# than that.
held_part = Table(
    "held_part",
    metadata,
    Column("source", KEY, primary_key=True),
    Column("kind", KEY, primary_key=True),
    Column("perm_id", KEY, primary_key=True),
    Column("name", KEY, primary_key=True),
)

# All that one run deleted, and that can be restored; its rows are in the tables below.
deletion = Table(
    "deletion",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("source", KEY, nullable=False),
    Column("run", Integer, comment="null: that run is forgotten"),
    Column("deleted", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)


def _in_trash(table: Table) -> Table:
    """A table of the same columns, for rows that were deleted together."""
    return Table(
        f"trash_{table.name}",
        metadata,
        Column(
            "deletion", Integer, ForeignKey("deletion.id", ondelete="CASCADE"), primary_key=True
        ),
        *(
            Column(c.name, c.type, primary_key=c.primary_key, nullable=c.nullable)
            for c in table.columns
        ),
    )


trash_entity = _in_trash(entity)
trash_link = _in_trash(link)
trash_data_set_file = _in_trash(data_set_file)
trash_content_copy = _in_trash(content_copy)
trash_attachment = _in_trash(attachment)
trash_service_file = _in_trash(service_file)
Index("trash_entity_key", trash_entity.c.kind, trash_entity.c.perm_id)
Index("trash_attachment_content", trash_attachment.c.sha256)

# What lies in the trash although it is here still: as it was before an update took a part of it
# away.
trash_part = Table(
    "trash_part",
    metadata,
    Column("deletion", Integer, ForeignKey("deletion.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", KEY, primary_key=True),
    Column("perm_id", KEY, primary_key=True),
    Column("part", TEXT, nullable=False, comment="shared.store.loss_kinds.Loss"),
)

# Files that are not yet where their rows say: written with the rows, emptied when the files have
# followed. Each source moves its own, since only its section knows the folder of the file service.
file_move = Table(
    "file_move",
    metadata,
    Column("source", KEY, primary_key=True),
    Column("area", KEY, primary_key=True, comment="DATA_SET or FILE"),
    Column("name", KEY, primary_key=True, comment="data set code or path"),
    Column("goal", TEXT, nullable=False, comment="TRASH, HOME, MERGED or GONE"),
    Column("deletion", Integer, comment="whose folder of the trash; null: of none"),
)

# What a section is bringing: noted before anything of it lies in the data store, forgotten with the
# commit of its row.
arrival = Table(
    "arrival",
    metadata,
    Column("source", KEY, primary_key=True),
    Column("area", KEY, primary_key=True, comment="DATA_SET, ATTACHMENT or FILE"),
    Column("name", KEY, primary_key=True, comment="data set code, SHA-256 or path"),
    Column("content", TEXT, nullable=False, comment="SHA-256 of a file of the file service"),
)
Index("arrival_name", arrival.c.area, arrival.c.name)

# Contents that updates took away without the operator's word: the same part counts once, however
# often it changes.
unconfirmed_loss = Table(
    "unconfirmed_loss",
    metadata,
    Column("source", KEY, primary_key=True),
    Column("kind", KEY, primary_key=True, comment="shared.store.loss_kinds.Loss"),
    Column("perm_id", KEY, primary_key=True),
    Column("name", KEY, primary_key=True, comment="of the attachment with its version, or path"),
    Column("deleted", BigInteger, nullable=False, comment="at last"),
)

# What the operator took out of the trash: it stays although its source does not have it.
restored = Table(
    "restored",
    metadata,
    Column("kind", KEY, primary_key=True),
    Column("perm_id", KEY, primary_key=True),
)

TABLES = (
    *(deletion, restored, trash_entity, trash_link, trash_data_set_file, trash_content_copy),
    *(trash_attachment, trash_service_file, trash_part, file_move, arrival),
    *(unconfirmed_loss, held_part),
)
