"""``harvester audit``: prints what differs between data sources and destination."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from sqlalchemy import Engine

from harvester.commands.memory import destination
from harvester.openbis.audit import Audit, Difference
from harvester.openbis.destination.access import data_store
from harvester.openbis.not_synced import read_not_synced
from harvester.openbis.reading import read_metadata
from harvester.openbis.section import SectionConfig
from harvester.openbis.source.selected_list import selected_list
from harvester.openbis.source.source import Source
from harvester.settings.chosen import Chosen
from shared.errors import ConfigError, SyncError
from shared.plain_lines import complain, say
from shared.store.engine import database_errors, viewing
from shared.store.mounted import check_mounted

DIFFERENCES_EXIT_CODE = 9


def audit(options: argparse.Namespace) -> int:
    """Returns 0 only if nothing differs; the error's code if a section cannot be compared."""
    with destination(options) as (chosen, engine):
        codes = [ConfigError.exit_code] if chosen.faults else []
        sections = chosen.of_kind(SectionConfig)
        codes.extend(_audit_section(engine, chosen, one, options) for one in sections)
    return next((code for code in codes if code), 0)


def _audit_section(
    engine: Engine, chosen: Chosen, section: SectionConfig, options: argparse.Namespace
) -> int:
    number = 0
    try:
        for difference in _differences(engine, chosen, section, options):
            number += not difference.intended
            note = "note: " if difference.intended else ""
            say(f"[{section.name}] {note}{difference}")
    except SyncError as error:
        complain(f"harvester: [{section.name}] {error}")
        return error.exit_code
    say(f"[{section.name}] {number} differences")
    return DIFFERENCES_EXIT_CODE if number else 0


def _differences(
    engine: Engine, chosen: Chosen, section: SectionConfig, options: argparse.Namespace
) -> Iterator[Difference]:
    black_list = frozenset(read_not_synced(section.not_synced_entities_file).black_listed)
    with Source(section) as source, database_errors(engine), engine.connect() as connection:
        with viewing(connection):
            store = data_store(connection, section, chosen.settings)
            # Without this, a disk that is not mounted would make every file a difference.
            check_mounted(connection, store, section.alias)
        with selected_list(source, section) as items:
            metadata = read_metadata(items, connection, section.prefix)
        with viewing(connection):
            yield from Audit(
                connection=connection,
                config=section,
                metadata=metadata,
                store=store,
                black_list=black_list,
                read_contents=options.contents,
            ).differences()
