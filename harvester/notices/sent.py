"""Remembers the last notice about a section.

It is stored in the destination. If the destination cannot be written, the process remembers, so
that a daemon does not send the same notice at every run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from harvester.memory.held import held_back
from harvester.memory.notices import (
    Notice,
    Setbacks,
    forget_notice,
    last_notice,
    remember_notice,
    setbacks_before,
)
from shared.errors import SyncError
from shared.store.engine import database_errors, viewing, work

logger = logging.getLogger(__name__)

T = TypeVar("T")

# By database and source: notices that could not be written to the database.
_NOT_WRITTEN: dict[tuple[str, str], Notice | None] = {}


class SentNotices:
    """The memory of one source. ``engine`` is None if the destination cannot be opened;
    ``database`` is its URL as configured, the key under which the process remembers."""

    def __init__(self, engine: Engine | None, database: str, source: str) -> None:
        self._engine = engine
        self._source = source
        self._key = (database, source)

    def last(self) -> Notice | None:
        """The last notice of a failure that no success has followed."""
        if self._key in _NOT_WRITTEN:
            return _NOT_WRITTEN[self._key]
        return self._ask(last_notice)

    def remember(self, notice: Notice) -> None:
        self._write(notice, partial(remember_notice, told=notice))

    def forget(self) -> None:
        self._write(None, forget_notice)

    def setbacks(self, run: int | None) -> Setbacks | None:
        """The failures between a run and the success before it."""
        return None if run is None else self._ask(partial(setbacks_before, run_id=run))

    def held(self, most: int) -> list[str]:
        """Names of some deletions that wait for the operator."""
        waiting = self._ask(partial(held_back, most=2 * most)) or []
        return [f"{one.kind} {one.identifier}" for one in waiting if not one.released][:most]

    def _ask(self, ask: Callable[[Connection, str], T | None]) -> T | None:
        """The notice in the database; None also if the database cannot be read."""
        if self._engine is None:
            return None
        try:
            with (
                database_errors(self._engine),
                self._engine.connect() as connection,
                viewing(connection),
            ):
                return ask(connection, self._source)
        except (SyncError, SQLAlchemyError) as error:
            logger.warning(
                "the notices that were sent cannot be read from the destination: %s", error
            )
            return None

    def _write(self, meant: Notice | None, write: Callable[[Connection, str], None]) -> None:
        _NOT_WRITTEN[self._key] = meant
        if self._engine is None:
            return
        try:
            with (
                database_errors(self._engine),
                self._engine.connect() as connection,
                work(connection) as transaction,
                transaction(),
            ):
                write(connection, self._source)
        except (SyncError, SQLAlchemyError) as error:
            logger.warning(
                "the notice that was sent cannot be recorded in the destination: %s", error
            )
        else:
            del _NOT_WRITTEN[self._key]
