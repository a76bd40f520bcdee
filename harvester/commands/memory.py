"""What commands that read or change the destination's memory have in common."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from harvester.memory.runs import RunRecord, find_run
from harvester.settings.chosen import Chosen, choose
from harvester.settings.section import S
from shared.errors import ConfigError
from shared.plain_lines import complain
from shared.store.engine import database_errors, opened_store


@contextmanager
def destination(options: argparse.Namespace) -> Iterator[tuple[Chosen, Engine]]:
    """The chosen sections and the database. Faults of settings are printed, and stop nothing."""
    chosen = choose(options.config, getattr(options, "section", None))
    for fault in chosen.faults:
        complain(f"harvester: {fault}")
    with opened_store(chosen.settings.database_url) as engine, database_errors(engine):
        yield chosen, engine


def the_section(chosen: Chosen, name: str, kind: type[S]) -> S:
    """The section of this name. Raises `ConfigError` if its settings cannot be read, or if it is of
    another kind."""
    for section in chosen.sections:
        if section.name == name and isinstance(section, kind):
            return section
        if section.name == name:
            raise ConfigError(f"[{name}] is a section of another kind, which has nothing of that")
    raise ConfigError(f"[{name}] cannot be read; correct it first (see 'harvester check-config')")


def the_run(connection: Connection, number: int) -> RunRecord:
    """Raises `ConfigError` if the destination does not remember the run."""
    run = find_run(connection, number)
    if run is None:
        raise ConfigError(f"there is no run {number}; 'harvester runs' lists them")
    return run
