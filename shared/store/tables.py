"""The tables of an embedded instance, the same on SQLite and PostgreSQL.

Times are integer milliseconds since 1970-01-01 UTC. ``source`` names the section that harvested a
row; `LOCAL` marks local rows. Text keys sort by bytes on both databases.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql

SCHEMA_VERSION = "4"
# The source of rows that no section harvested.
LOCAL = ""

metadata = MetaData()

TEXT = Text()
KEY = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")

meta = Table(
    "meta",
    metadata,
    Column("key", KEY, primary_key=True),
    Column("value", TEXT, nullable=False),
)

source = Table(
    "source",
    metadata,
    Column("name", KEY, primary_key=True),
    Column("url", TEXT, nullable=False),
    Column("at", BigInteger, comment="all that the source committed before is here"),
    Column("running_since", BigInteger, comment="set while a real pass is at work"),
    Column("held_back", Integer, nullable=False, server_default="0", comment="not used any more"),
)

person = Table(
    "person",
    metadata,
    Column("user_id", KEY, primary_key=True),
    Column("source", KEY, nullable=False, default=LOCAL),
    Column("active", Boolean, nullable=False, default=True),
    Column("password_hash", TEXT, comment="Argon2; a person without one cannot log in"),
    Column("registered", BigInteger, nullable=False),
)

role_assignment = Table(
    "role_assignment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("user_id", KEY, ForeignKey("person.user_id", ondelete="CASCADE"), nullable=False),
    Column("role", TEXT, nullable=False),
    Column("place", KEY, nullable=False, comment="'' instance, /SPACE or /SPACE/PROJECT"),
    UniqueConstraint("user_id", "role", "place"),
)

master_data = Table(
    "master_data",
    metadata,
    Column("kind", KEY, primary_key=True),
    Column("owner", KEY, primary_key=True, comment="vocabulary of a term, type of an assignment"),
    Column("code", KEY, primary_key=True),
    Column("source", KEY, nullable=False),
    Column("content", TEXT, nullable=False, comment="the value as JSON"),
)

entity = Table(
    "entity",
    metadata,
    Column("kind", KEY, primary_key=True),
    Column("perm_id", KEY, primary_key=True),
    Column("code", TEXT, nullable=False),
    Column("identifier", KEY, nullable=False),
    Column("type", TEXT),
    Column("space", TEXT),
    Column("project", TEXT),
    Column("experiment", TEXT),
    Column("sample", TEXT),
    Column("project_perm_id", KEY, comment="of home_project: decides, the texts only follow"),
    Column("experiment_perm_id", KEY, comment="of experiment; null: it leads nowhere"),
    Column("sample_perm_id", KEY, comment="of sample; null: it leads nowhere"),
    Column("home_space", KEY, comment="decides visibility; null: shared or instance-wide"),
    Column("home_project", KEY, comment="/SPACE/PROJECT"),
    Column("description", TEXT),
    Column("registrator", TEXT),
    Column("modifier", TEXT),
    Column("registered", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
    Column("frozen", Integer, nullable=False, comment="shared.model.kinds.Frozen"),
    Column(
        "properties",
        TEXT,
        nullable=False,
        comment="JSON object, keys sorted; several values of a property are an array",
    ),
    Column("data_set_kind", TEXT),
    Column("content_hash", LargeBinary, nullable=False),
    Column("unknown", TEXT, comment="parts that the source cannot see: shared.store.rows"),
    Column("meta_data", TEXT, comment="JSON object, keys sorted; null: not known"),
    Column("immutable_since", BigInteger),
    Column("afs", TEXT, comment="JSON array of the empty folders of AFS data; null: no AFS data"),
    Column("source", KEY, nullable=False),
    Column("source_modified", BigInteger, nullable=False, comment="lastmod at the last harvest"),
)
# The place of an entity, by perm id; known only when a list is complete (`shared.store.identity`).
REFERENCES = ("project_perm_id", "experiment_perm_id", "sample_perm_id")
# Columns of an entity, except those about its source; incoming rows have them too.
ENTITY_COLUMNS = tuple(
    c for c in entity.columns if not c.name.startswith("source") and c.name not in REFERENCES
)

Index("entity_home", entity.c.kind, entity.c.home_space, entity.c.perm_id)
Index("entity_identifier", entity.c.kind, entity.c.identifier)
Index("entity_sample_perm_id", entity.c.kind, entity.c.sample_perm_id)

link = Table(
    "link",
    metadata,
    Column("kind", KEY, primary_key=True),
    Column("from_perm_id", KEY, primary_key=True),
    Column("relation", KEY, primary_key=True),
    Column("to_perm_id", KEY, primary_key=True),
    Column("ordinal", Integer, nullable=False),
)
Index("link_reverse", link.c.kind, link.c.to_perm_id)

data_set_file = Table(
    "data_set_file",
    metadata,
    Column("code", KEY, primary_key=True),
    Column("path", KEY, primary_key=True),
    Column("length", BigInteger, nullable=False),
    Column("crc32", BigInteger),
    Column("checksum", TEXT),
    Column("modified", BigInteger),
)

content_copy = Table(
    "content_copy",
    metadata,
    Column("code", KEY, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("external_dms", TEXT, nullable=False),
    Column("external_code", TEXT),
    Column("path", TEXT),
    Column("git_commit_hash", TEXT),
    Column("git_repository_id", TEXT),
    Column("id", TEXT),
)

attachment = Table(
    "attachment",
    metadata,
    Column("kind", KEY, primary_key=True),
    Column("perm_id", KEY, primary_key=True),
    Column("file_name", KEY, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("title", TEXT),
    Column("description", TEXT),
    Column("registrator", TEXT),
    Column("registered", BigInteger),
    Column("length", BigInteger),
    Column("sha256", KEY, comment="names the content below the data store folder"),
)
Index("attachment_content", attachment.c.sha256)

service_file = Table(
    "service_file",
    metadata,
    Column("path", KEY, primary_key=True),
    Column("source", KEY, nullable=False),
    Column("modified", BigInteger, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("sha256", TEXT, nullable=False),
)

# Files whose rows were deleted: written with the deletion, removed with the files.
file_removal = Table(
    "file_removal",
    metadata,
    Column("area", KEY, primary_key=True, comment="DATA_SET, ATTACHMENT, FILE or TRASH"),
    Column("name", KEY, primary_key=True, comment="data set code, SHA-256 or path"),
)
