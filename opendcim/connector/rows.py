"""The rows of requests: added, claimed by one process at a time, finished, and removed.

Each method is one transaction that begins with a write, so that SQLite never aborts it halfway.
Each statement names the state that it expects, so processes need no further lock.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    delete,
    func,
    null,
    or_,
    select,
    update,
)
from sqlalchemy import Row as DatabaseRow
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from opendcim.connector.external_response import (
    Json,
    Status,
)
from opendcim.connector.request_row import NewRow, RequestRow
from opendcim.connector.tables import (
    SCHEMA_VERSION,
    meta_table,
    metadata,
    request_table,
)
from shared.addresses import shown_url
from shared.errors import ConfigError, SyncError
from shared.store.engine import connect

# A request that was begun and not finished this often is not tried again.
MOST_BEGINS = 3

_r = request_table.c
_IN_PAGES = [
    null().label(column.name) if column is _r.response else column for column in request_table.c
]


def now() -> int:
    return time.time_ns() // 1_000_000


def open_rows(url: str) -> Rows:
    """Creates missing tables. Raises `ConfigError` if the database cannot be opened."""
    engine = connect(url)
    try:
        metadata.create_all(engine)
        with engine.begin() as connection:
            # A database that has a version keeps it, and is refused below if it is another one.
            version = {"key": "schema_version", "value": SCHEMA_VERSION}
            connection.execute(_insert(connection, meta_table, version))
            found = connection.execute(select(meta_table.c.value)).scalar_one()
    except (SQLAlchemyError, OSError) as error:
        engine.dispose()
        raise ConfigError(
            f"opendcim-connector-database-url: database {shown_url(engine.url)} cannot be opened "
            f"({_reason(error)}); check the URL, and that the server runs and lets this user in"
        ) from error
    if found != SCHEMA_VERSION:
        engine.dispose()
        raise ConfigError(
            f"opendcim-connector-database-url: database {shown_url(engine.url)} was written by "
            f"another version (schema {found}, this program needs {SCHEMA_VERSION})"
        )
    return Rows(engine)


class Rows:
    """Raises `SyncError` if the database cannot be used now."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        self._engine.dispose()

    def add(self, new: NewRow) -> bool:
        """Adds a row; returns False and changes nothing if the id exists."""
        failed = new.response is not None
        values = {
            "id": new.request_id,
            "digest": new.digest,
            "request": new.request,
            "posted_by": new.posted_by,
            "status": Status.FAILED.value if failed else Status.PENDING.value,
            "received": new.received,
            "deadline": new.deadline,
            "finished": new.received if failed else None,
            "begun": 0,
            "error": _error(new.response),
            "response": json.dumps(new.response) if failed else None,
        }
        with self._transaction() as connection:
            insert = _insert(connection, request_table, values).returning(_r.id)
            return connection.execute(insert).scalar_one_or_none() is not None

    def find(self, request_id: str) -> RequestRow | None:
        with self._transaction() as connection:
            found = connection.execute(
                select(request_table).where(_r.id == request_id)
            ).one_or_none()
        return _row(found) if found else None

    def pending(self) -> int:
        with self._transaction() as connection:
            count = select(func.count()).where(_r.status == Status.PENDING.value)
            return int(connection.execute(count).scalar_one())

    def page(
        self, status: Status | None, limit: int, before: RequestRow | None
    ) -> list[RequestRow]:
        """Rows before ``before``, the latest first."""
        query = select(*_IN_PAGES).order_by(_r.received.desc(), _r.id.desc()).limit(limit)
        if status:
            query = query.where(_r.status == status.value)
        if before:
            # Ids order the requests of one millisecond, so that pages neither skip nor repeat any.
            older = and_(_r.received == before.received, _r.id < before.request_id)
            query = query.where(or_(_r.received < before.received, older))
        with self._transaction() as connection:
            return [_row(found) for found in connection.execute(query)]

    def claim(self, worker: str, lease: int) -> RequestRow | None:
        """Claims the oldest unclaimed row for ``lease`` milliseconds."""
        moment = now()
        waiting = and_(_is_free(moment), _r.deadline > moment, _r.begun < MOST_BEGINS)
        oldest = select(_r.id).where(waiting).order_by(_r.received, _r.id).limit(1)
        # SKIP LOCKED: on PostgreSQL, workers do not wait for the same row. SQLite has one writer at
        # a time, and SQLAlchemy leaves the clause out there.
        claim = (
            update(request_table)
            .where(_r.id == oldest.with_for_update(skip_locked=True).scalar_subquery(), waiting)
            .values(claimed_by=worker, claimed_until=moment + lease, begun=_r.begun + 1)
            .returning(request_table)
        )
        with self._transaction() as connection:
            found = connection.execute(claim).one_or_none()
        return _row(found) if found else None

    def renew(self, worker: str, request_ids: Collection[str], lease: int) -> None:
        mine = and_(_is_pending(), _r.claimed_by == worker, _r.id.in_(request_ids))
        with self._transaction() as connection:
            connection.execute(
                update(request_table).where(mine).values(claimed_until=now() + lease)
            )

    def release(self, worker: str, request_id: str) -> None:
        """Gives the claim up, so that another worker can begin the row."""
        mine = and_(_is_pending(), _r.claimed_by == worker, _r.id == request_id)
        # An orderly stop does not count: `begun` is to count the processes that died on the way.
        free = {"claimed_by": None, "claimed_until": None, "begun": _r.begun - 1}
        with self._transaction() as connection:
            connection.execute(update(request_table).where(mine).values(free))

    def finish(
        self,
        request_id: str,
        status: Status,
        content: Json,
        worker: str | None,
        finished: int | None = None,
    ) -> bool:
        """Returns whether the row was Pending and claimed by this worker; ``worker`` None means any
        worker. ``finished`` defaults to now."""
        where = and_(_is_pending(), _r.id == request_id)
        if worker is not None:
            where = and_(where, _r.claimed_by == worker)
        values = {
            "status": status.value,
            "finished": now() if finished is None else finished,
            "claimed_by": None,
            "claimed_until": None,
            "error": _error(content),
            "response": json.dumps(content),
        }
        with self._transaction() as connection:
            return (
                connection.execute(update(request_table).where(where).values(values)).rowcount == 1
            )

    def overdue(self, grace: int) -> list[RequestRow]:
        """Pending rows whose time is over, or that were begun too often."""
        moment = now()
        # A worker that is alive ends its row itself, with the elements that it found until then.
        late = _r.deadline + grace < moment
        given_up = and_(_is_free(moment), or_(_r.begun >= MOST_BEGINS, _r.deadline < moment))
        with self._transaction() as connection:
            query = select(request_table).where(_is_pending(), or_(late, given_up))
            return [_row(found) for found in connection.execute(query)]

    def forget(self, before: int) -> int:
        """Removes rows that were finished before that time; returns how many."""
        old = and_(_r.status != Status.PENDING.value, _r.finished < before)
        with self._transaction() as connection:
            return connection.execute(delete(request_table).where(old)).rowcount

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise SyncError(
                f"the connector's database {shown_url(self._engine.url)} cannot be used now: "
                f"{_reason(error)}"
            ) from error


def _insert(connection: Connection, table: Table, values: Mapping[str, object]) -> Any:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).values(values).on_conflict_do_nothing()


def _error(content: Json | None) -> str | None:
    error = content.get("Error") if content else None
    return json.dumps(error) if error else None


def _is_pending() -> ColumnElement[bool]:
    return _r.status == Status.PENDING.value


def _is_free(moment: int) -> ColumnElement[bool]:
    return and_(_is_pending(), or_(_r.claimed_until.is_(None), _r.claimed_until < moment))


def _row(found: DatabaseRow[Any]) -> RequestRow:
    return RequestRow(
        request_id=found.id,
        digest=found.digest,
        request=found.request,
        status=Status(found.status),
        received=found.received,
        deadline=found.deadline,
        finished=found.finished,
        begun=found.begun,
        error=None if found.error is None else json.loads(found.error),
        response=None if found.response is None else json.loads(found.response),
    )


def _reason(error: Exception) -> str:
    origin = error.orig if isinstance(error, DBAPIError) else error
    return str(origin).strip().partition("\n")[0]
