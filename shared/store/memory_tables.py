"""The tables in which a harvester remembers its runs: what each did, what failed, which deletions
wait for the operator, which notices were sent.

They are part of the store's schema: whichever program creates a database or brings it up has the
rights to make them, and they are backed up with it. None of them refers to what was harvested, so
that they can lie in a database of their own. Conventions as in `shared.store.tables`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table

from shared.store.tables import KEY, TEXT, metadata

# Every execution of a section. A killed one is told by the next, which finds it without an end.
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
    Column("verdict", TEXT, comment="how it ended"),
    Column("exit_code", Integer),
    Column("message", TEXT, comment="the last line, which says what to do"),
    sqlite_autoincrement=True,
)
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

# What failed and has not succeeded since; tried again with growing pauses.
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

# Deletions that wait for the operator. One stays here until it is released and done, or until the
# source has the entity again.
held_deletion = Table(
    "held_deletion",
    metadata,
    Column("source", KEY, primary_key=True),
    Column("kind", KEY, primary_key=True),
    Column("perm_id", KEY, primary_key=True, comment="of a file of the file service: its path"),
    Column("run", Integer, nullable=False, comment="that held it back first"),
    Column("released", Boolean, nullable=False, default=False),
)

# The last bad news of a section that was told; so the same is not told again every run, and good
# news are told once.
notice = Table(
    "notice",
    metadata,
    Column("source", KEY, primary_key=True),
    Column("fingerprint", TEXT, nullable=False, comment="what was told: a digest"),
    Column("sent", BigInteger, nullable=False),
)

# How many items each run deleted without the operator's word: small deletions, day after day, must
# not add up to the loss of most of what was harvested.
unconfirmed_deletion = Table(
    "unconfirmed_deletion",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("source", KEY, nullable=False),
    Column("deleted", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("brought", Integer, nullable=False, comment="how many were here before"),
)
Index("unconfirmed_deletion_source", unconfirmed_deletion.c.source, unconfirmed_deletion.c.deleted)

TABLES = (*(run, run_count, run_failure, failed_item, held_deletion, notice, unconfirmed_deletion),)
