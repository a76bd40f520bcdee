"""The memory of what operators were told of a section.

It lies in the destination. If just that is what is broken, the process remembers, so that a daemon
does not tell the same again at every run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from shared.errors import SyncError
from shared.store.engine import database_errors, viewing, work
from shared.store.held import held_back
from shared.store.notices import (
    Notice,
    Setbacks,
    forget_notice,
    last_notice,
    remember_notice,
    setbacks_before,
)

logger = logging.getLogger(__name__)

T = TypeVar("T")

_NOT_WRITTEN: dict[tuple[str, str], Notice | None] = {}
"""By database and source, what the database should say, but could not be told."""


class Told:
    """Of one source. ``engine`` is None if the destination cannot even be opened; ``database`` is
    its URL as configured, by which the process remembers."""

    def __init__(self, engine: Engine | None, database: str, source: str) -> None:
        self._engine = engine
        self._source = source
        self._key = (database, source)

    def last(self) -> Notice | None:
        """The bad news that were told, and have not turned into good ones."""
        if self._key in _NOT_WRITTEN:
            return _NOT_WRITTEN[self._key]
        return self._ask(last_notice)

    def remember(self, told: Notice) -> None:
        self._write(told, partial(remember_notice, told=told))

    def forget(self) -> None:
        self._write(None, forget_notice)

    def setbacks(self, run: int | None) -> Setbacks | None:
        """What went wrong between a run and the success before it."""
        return None if run is None else self._ask(partial(setbacks_before, run_id=run))

    def held(self, most: int) -> list[str]:
        """Some of the deletions that wait for the operator."""
        waiting = self._ask(partial(held_back, most=2 * most)) or []
        return [f"{one.kind} {one.identifier}" for one in waiting if not one.released][:most]

    def _ask(self, ask: Callable[[Connection, str], T | None]) -> T | None:
        """What the database says; None also if it cannot be asked."""
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
            logger.warning("it cannot be looked up what operators were told: %s", error)
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
            logger.warning("it cannot be noted what operators were told: %s", error)
        else:
            del _NOT_WRITTEN[self._key]
