"""The daemon's next run: the daemon writes it, ``harvester status`` shows it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from shared.store.rows import milliseconds, moment
from shared.store.tables import meta

_KEY = "next_run"


def remember_next_run(connection: Connection, when: datetime | None) -> None:
    """Write the time of the next run; None if the daemon ends."""
    connection.execute(meta.delete().where(meta.c.key == _KEY))
    if when is not None:
        connection.execute(meta.insert().values(key=_KEY, value=str(milliseconds(when))))


def next_run(connection: Connection) -> datetime | None:
    """The time of the next run; None if no daemon has written one."""
    value = connection.execute(select(meta.c.value).where(meta.c.key == _KEY)).scalar()
    return None if value is None else moment(int(value))
