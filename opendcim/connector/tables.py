"""The connector's tables. Times are milliseconds since 1970: both databases compare these alike."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

SCHEMA_VERSION = "1"

metadata = MetaData()

request_table = Table(
    "opendcim_connector_request",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False),  # digest of the content
    Column("request", Text),  # as `ExternalRequest.to_json` writes it; null if malformed
    Column("posted_by", Text),
    Column("status", Text, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("deadline", BigInteger, nullable=False),
    Column("finished", BigInteger),
    Column("claimed_by", Text),  # the process that works on it
    Column("claimed_until", BigInteger),  # when the claim ends; a living process renews it before
    Column("begun", Integer, nullable=False),  # how often it was begun
    Column("error", Text),  # JSON, copied from the response, which the list of rows does not read
    Column("response", Text),  # JSON
    Index("opendcim_connector_request_by_status", "status", "received"),
    Index("opendcim_connector_request_by_received", "received", "id"),
)

meta_table = Table(
    "opendcim_connector_meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
