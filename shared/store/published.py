"""Tells whether anything that an instance publishes has changed, without reading it.

The database has a mark. Every transaction that writes rows of the tables below replaces it, as its
last statement, by a new unique one. So the same mark means the same rows, also after a backup was
restored, and with several programs.
"""

from __future__ import annotations

import re
import secrets
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, event, select, text

from shared.store.tables import (
    attachment,
    content_copy,
    data_set_file,
    entity,
    link,
    master_data,
    meta,
    person,
    role_assignment,
)

# Tables that resource lists show, or that decide who may see them.
SHOWN = frozenset(
    table.name
    for table in (
        *(entity, link, data_set_file, content_copy, attachment, master_data),
        *(person, role_assignment),
    )
)

_KEY = "published"
_CHANGED = "published_changed"
_WRITES = re.compile(
    rf'\b(?:INTO|UPDATE|DELETE\s+FROM|TRUNCATE|COPY)\s+"?(?:{"|".join(sorted(SHOWN))})\b',
    re.IGNORECASE,
)
_RENEW = text(
    "INSERT INTO meta (key, value) VALUES (:key, :mark)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


def published_mark(connection: Connection) -> str | None:
    """The mark; None in an instance that was not written since marks were introduced."""
    return connection.execute(select(meta.c.value).where(meta.c.key == _KEY)).scalar()


def renew_mark(connection: Connection) -> None:
    """Replaces the mark. Call it after writing such rows without SQLAlchemy; other writes are
    noticed."""
    connection.execute(_RENEW, {"key": _KEY, "mark": secrets.token_hex(16)})


def watch(engine: Engine) -> None:
    """Makes the transactions of an engine renew the mark."""
    event.listen(engine, "after_cursor_execute", _executed)
    event.listen(engine, "commit", _commits)
    event.listen(engine, "rollback", _forget)


def _executed(connection: Connection, cursor: Any, statement: str, *_: object) -> None:
    """Drivers do not always know how many rows a statement wrote; then it counts as a write."""
    if writes_what_is_shown(statement) and cursor.rowcount != 0:
        connection.info[_CHANGED] = True


@lru_cache(maxsize=1024)
def writes_what_is_shown(statement: str) -> bool:
    """Whether a statement may write one of the tables."""
    return _WRITES.search(statement) is not None


def _commits(connection: Connection) -> None:
    if connection.info.pop(_CHANGED, False):
        renew_mark(connection)


def _forget(connection: Connection) -> None:
    connection.info.pop(_CHANGED, None)
