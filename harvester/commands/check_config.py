"""``harvester check-config``: everything that can be checked without changing anything."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator

from harvester.checks.findings import Verdict
from harvester.commands.sections import Chosen, choose
from harvester.destination import authorise
from harvester.online_checks import check_online
from shared.errors import ConfigError, SyncError
from shared.plain_lines import complain, say
from shared.store.engine import open_store


def check_config(options: argparse.Namespace) -> int:
    """Names every fault; returns 0 only if there is none. Without ``--online`` no data source is
    asked."""
    chosen = choose(options.config, options.section)
    faults = [*chosen.faults, *(() if options.online else _destination_faults(chosen))]
    for fault in faults:
        complain(f"harvester: {fault}")
    names = ", ".join(f"[{section.name}]" for section in chosen.sections)
    say(f"{chosen.settings.harvester_config_file}: {names or 'no section'} can run")
    if options.online:
        return _check_online(chosen)
    say("no fault found" if not faults else f"{len(faults)} faults found")
    return ConfigError.exit_code if faults else 0


def _check_online(chosen: Chosen) -> int:
    """The findings, as they are made; returns the code of what weighs most."""
    counts: Counter[Verdict] = Counter()
    codes = {ConfigError.exit_code} if chosen.faults else set()
    told = ""
    for heading, finding in check_online(chosen.settings, chosen.sections):
        if heading != told:
            told = heading
            say(heading)
        say(f"  {finding}", flush=True)
        counts[finding.verdict] += 1
        codes.add(finding.exit_code)
    failed, doubtful = counts[Verdict.FAILED] + len(chosen.faults), counts[Verdict.WARNING]
    say(f"{failed} failed, {doubtful} {'warning' if doubtful == 1 else 'warnings'}")
    return min(codes - {0}, default=0)


def _destination_faults(chosen: Chosen) -> Iterator[str]:
    """Whether the destination can be opened, and the harvester's users may write to it."""
    try:
        engine = open_store(chosen.settings.database_url.get_secret_value())
    except ConfigError as error:
        yield str(error)
        return
    with engine.connect() as connection:
        for section in chosen.openbis:
            try:
                authorise(connection, section)
            except SyncError as error:
                yield str(error)
    engine.dispose()
