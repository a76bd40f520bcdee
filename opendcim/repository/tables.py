"""The repository's tables.

A template is one row with its record as JSON: no query asks for parts of it. Times are texts in
UTC, as on the wire. ``change`` is the number of the change that last touched a row; it grows by one
with each change, and ETags are made of it.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

SCHEMA_VERSION = "1"

metadata = MetaData()

# ``schema_version``; ``repository``, a random id; ``change`` and ``changed``, number and time of
# the last change. Writers lock the row of ``change``.
meta = Table(
    "dcim_meta",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

# A user without a key can do nothing, but is still named as a submitter.
user = Table(
    "dcim_user",
    metadata,
    Column("user_id", String(255), primary_key=True),
    Column("folded", String(255), nullable=False, unique=True),
    Column("key_hash", String(64), unique=True),
    Column("administrator", Boolean, nullable=False, server_default=false()),
    Column("created", String(19), nullable=False),
)

moderator = Table(
    "dcim_moderator",
    metadata,
    Column("user_id", ForeignKey("dcim_user.user_id"), primary_key=True),
    Column("manufacturer_id", ForeignKey("dcim_manufacturer.manufacturer_id"), primary_key=True),
)

# ``templates_change`` is the last change of any of its templates.
manufacturer = Table(
    "dcim_manufacturer",
    metadata,
    Column("manufacturer_id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("folded", String(400), nullable=False, unique=True),
    Column("last_modified", String(19), nullable=False),
    Column("change", Integer, nullable=False),
    Column("templates_change", Integer, nullable=False, server_default="0"),
    Column("templates_changed", String(19), nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

# Published templates. ``pictures`` is JSON: name and hash of the content, by side.
template = Table(
    "dcim_template",
    metadata,
    Column("template_id", Integer, primary_key=True),
    Column("manufacturer_id", ForeignKey("dcim_manufacturer.manufacturer_id"), nullable=False),
    Column("folded", String(400), nullable=False),
    Column("version", Integer, nullable=False),
    Column("record", Text, nullable=False),
    Column("pictures", Text, nullable=False),
    Column("last_modified", String(19), nullable=False),
    Column("change", Integer, nullable=False),
    UniqueConstraint("manufacturer_id", "folded"),
    sqlite_autoincrement=True,
)

# All published versions, the present one included.
template_version = Table(
    "dcim_template_version",
    metadata,
    Column("template_id", ForeignKey("dcim_template.template_id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("record", Text, nullable=False),
    Column("pictures", Text, nullable=False),
    Column("request_id", Integer, nullable=False),
    Column("approved", String(19), nullable=False),
    # There is no foreign key: commands decide as ``operator``, who has no row (`OPERATOR`).
    Column("approved_by", String(255), nullable=False),
)

# The queues of manufacturers and templates; ids are one sequence and never used again.
submission = Table(
    "dcim_submission",
    metadata,
    Column("request_id", Integer, primary_key=True),
    Column("kind", String(12), nullable=False),
    # Either is 0 while it is not known, so neither can be a foreign key.
    Column("manufacturer_id", Integer, nullable=False),
    Column("template_id", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("folded", String(400), nullable=False),
    Column("record", Text, nullable=False),
    Column("pictures", Text, nullable=False, server_default="{}"),
    Column("content_hash", String(64), nullable=False),
    Column("submitted", String(19), nullable=False),
    Column("submitted_by", ForeignKey("dcim_user.user_id"), nullable=False),
    Column("state", String(10), nullable=False),
    Column("decided", String(19), nullable=False, server_default=""),
    Column("decided_by", String(255), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Index("dcim_submission_state", "state", "kind"),
    Index("dcim_submission_by", "submitted_by", "content_hash"),
    sqlite_autoincrement=True,
)
