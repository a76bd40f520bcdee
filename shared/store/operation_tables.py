"""The tables of what a harvester remembers: its runs, what failed, what it deleted.

They lie in the destination beside what was harvested, so that they are backed up and moved with it.
Conventions as in `shared.store.tables`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table

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

run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("source", KEY, nullable=False, comment="the alias"),
    Column("section", TEXT, nullable=False),
    Column("dry_run", Boolean, nullable=False, comment="only rehearsed"),
    Column("baseline", Boolean, nullable=False, default=False),
    Column("started", BigInteger, nullable=False),
    Column("ended", BigInteger, comment="null: at work, or killed; see the lock of the section"),
    Column("at", BigInteger, comment="that of the list"),
    Column("worker", TEXT, nullable=False, comment="process and machine, for people"),
    Column("bytes", BigInteger, nullable=False, default=0, comment="of files that were fetched"),
    Column("records", Integer, comment="that the list shows"),
    Column("verdict", TEXT, comment="shared.store.runs.Verdict"),
    Column("exit_code", Integer),
    Column("message", TEXT, comment="the last line, which says what to do"),
    sqlite_autoincrement=True,
)
"""Every execution of a section. A killed one is told by the next, which finds it without an end."""
Index("run_source", run.c.source, run.c.id)

run_count = Table(
    "run_count",
    metadata,
    Column("run", Integer, ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", KEY, primary_key=True),
    Column(
        "action", KEY, primary_key=True, comment="created, updated, deleted, skipped, held back"
    ),
    Column("number", Integer, nullable=False),
)

run_failure = Table(
    "run_failure",
    metadata,
    Column("run", Integer, ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", KEY, primary_key=True),
    Column("perm_id", KEY, primary_key=True),
    Column("reason", TEXT, nullable=False),
)

failed_item = Table(
    "failed_item",
    metadata,
    Column("source", KEY, primary_key=True),
    Column("kind", KEY, primary_key=True),
    Column("perm_id", KEY, primary_key=True),
    Column("reason", TEXT, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_failed", BigInteger, nullable=False),
    Column("last_failed", BigInteger, nullable=False),
    Column("next_try", BigInteger, nullable=False, comment="not before"),
)
"""What failed and has not succeeded since; tried again with growing pauses."""

held_deletion = Table(
    "held_deletion",
    metadata,
    Column("source", KEY, primary_key=True),
    Column("kind", KEY, primary_key=True),
    Column("perm_id", KEY, primary_key=True, comment="of a file of the file service: its path"),
    Column("run", Integer, nullable=False, comment="that held it back first"),
    Column("released", Boolean, nullable=False, default=False),
)
"""Deletions that wait for the operator. One stays here until it is released and done, or until the
source has the entity again."""

held_part = Table(
    "held_part",
    metadata,
    Column("source", KEY, primary_key=True),
    Column("kind", KEY, primary_key=True),
    Column("perm_id", KEY, primary_key=True),
    Column("name", KEY, primary_key=True),
)
"""What a held-back loss of contents consisted of when it was held back: a release lets no more
go than that."""

notice = Table(
    "notice",
    metadata,
    Column("source", KEY, primary_key=True),
    Column("fingerprint", TEXT, nullable=False, comment="what was told: a digest"),
    Column("sent", BigInteger, nullable=False),
)
"""The last bad news of a section that was told; so the same is not told again every run, and good
news are told once."""

deletion = Table(
    "deletion",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("source", KEY, nullable=False),
    Column("run", Integer, comment="null: that run is forgotten"),
    Column("deleted", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
"""All that one run deleted, and that can be restored; its rows are in the tables below."""


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

trash_part = Table(
    "trash_part",
    metadata,
    Column("deletion", Integer, ForeignKey("deletion.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", KEY, primary_key=True),
    Column("perm_id", KEY, primary_key=True),
    Column("part", TEXT, nullable=False, comment="shared.store.loss_kinds.Loss"),
)
"""What lies in the trash although it is here still: as it was before an update took a part of it
away."""

file_move = Table(
    "file_move",
    metadata,
    Column("source", KEY, primary_key=True),
    Column("area", KEY, primary_key=True, comment="DATA_SET or FILE"),
    Column("name", KEY, primary_key=True, comment="data set code or path"),
    Column("goal", TEXT, nullable=False, comment="shared.store.file_work.Goal"),
    Column("deletion", Integer, comment="whose folder of the trash; null: of none"),
)
"""Files that are not yet where their rows say: written with the rows, emptied when the files have
followed. Each source moves its own, since only its section knows the folder of the file service."""

arrival = Table(
    "arrival",
    metadata,
    Column("source", KEY, primary_key=True),
    Column("area", KEY, primary_key=True, comment="DATA_SET, ATTACHMENT or FILE"),
    Column("name", KEY, primary_key=True, comment="data set code, SHA-256 or path"),
    Column("content", TEXT, nullable=False, comment="SHA-256 of a file of the file service"),
)
"""What a section is bringing: noted before anything of it lies in the data store, forgotten with
the commit of its row (`shared.store.arrivals`)."""
Index("arrival_name", arrival.c.area, arrival.c.name)

unconfirmed_deletion = Table(
    "unconfirmed_deletion",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("source", KEY, nullable=False),
    Column("deleted", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("brought", Integer, nullable=False, comment="how many were here before"),
)
"""How many items each run deleted without the operator's word: small deletions, day after day, must
not add up to the loss of most of what was harvested."""
Index("unconfirmed_deletion_source", unconfirmed_deletion.c.source, unconfirmed_deletion.c.deleted)

unconfirmed_loss = Table(
    "unconfirmed_loss",
    metadata,
    Column("source", KEY, primary_key=True),
    Column("kind", KEY, primary_key=True, comment="shared.store.loss_kinds.Loss"),
    Column("perm_id", KEY, primary_key=True),
    Column("name", KEY, primary_key=True, comment="of the attachment with its version, or path"),
    Column("deleted", BigInteger, nullable=False, comment="at last"),
)
"""Contents that updates took away without the operator's word (`shared.store.decay`)."""

restored = Table(
    "restored",
    metadata,
    Column("kind", KEY, primary_key=True),
    Column("perm_id", KEY, primary_key=True),
)
"""What the operator took out of the trash: it stays although its source does not have it."""

TABLES = (
    *(run, run_count, run_failure, failed_item, held_deletion, notice, deletion, restored),
    *(trash_entity, trash_link, trash_data_set_file, trash_content_copy, trash_attachment),
    *(trash_service_file, trash_part, file_move, arrival),
    *(unconfirmed_deletion, unconfirmed_loss, held_part),
)
