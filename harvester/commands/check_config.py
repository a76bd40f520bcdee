"""``harvester check-config``: everything that can be checked without changing anything."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from harvester.commands.sections import Chosen, choose
from harvester.sync import authorise
from shared.errors import ConfigError, SyncError
from shared.store.engine import open_store


def check_config(options: argparse.Namespace) -> int:
    """Names every fault; returns 0 only if there is none. No data source is asked."""
    chosen = choose(options.config, None)
    faults = [*chosen.faults, *_destination_faults(chosen)]
    for fault in faults:
        print(f"harvester: {fault}", file=sys.stderr)
    names = ", ".join(f"[{section.name}]" for section in chosen.sections)
    print(f"{chosen.settings.harvester_config_file}: {names or 'no section'} can run")
    print("no fault found" if not faults else f"{len(faults)} faults found")
    return ConfigError.exit_code if faults else 0


def _destination_faults(chosen: Chosen) -> Iterator[str]:
    """Whether the destination can be opened, and the harvester's users may write to it."""
    try:
        engine = open_store(chosen.settings.database_url.get_secret_value())
    except ConfigError as error:
        yield str(error)
        return
    with engine.connect() as connection:
        for section in chosen.sections:
            try:
                authorise(connection, section)
            except SyncError as error:
                yield str(error)
    engine.dispose()
