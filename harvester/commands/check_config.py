"""``harvester check-config``: checks all settings and changes nothing."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator

from harvester.execution.online_checks import check_online
from harvester.execution.trial import daemon_faults, unwritable
from harvester.http.client import proxies_of, uses_own_transport
from harvester.http.tls import tls_context
from harvester.runs.findings import Verdict
from harvester.runs.section_work import work_of
from harvester.settings.chosen import Chosen, choose
from shared.errors import ConfigError
from shared.plain_lines import complain, say
from shared.store.engine import opened_store


def check_config(options: argparse.Namespace) -> int:
    """Print every fault; returns 0 only if there is none. Without ``--online`` no data source is
    asked."""
    chosen = choose(options.config, options.section)
    faults = [*chosen.faults, *daemon_faults(chosen.settings), *_file_faults(chosen)]
    # Sections share the environment, so each of them reports the same fault.
    faults += dict.fromkeys(_connection_faults(chosen))
    # With --online, the findings about the destination include these faults.
    if not options.online:
        faults += _destination_faults(chosen)
    for fault in faults:
        complain(f"harvester: {fault}")
    names = ", ".join(f"[{section.name}]" for section in chosen.sections)
    say(f"{chosen.settings.harvester_config_file}: {names or 'no section'} can run")
    if options.online:
        return _check_online(chosen, len(faults))
    say(_number_of(len(faults)))
    return ConfigError.exit_code if faults else 0


def _number_of(faults: int) -> str:
    match faults:
        case 0:
            return "no fault found"
        case 1:
            return "1 fault found"
    return f"{faults} faults found"


def _file_faults(chosen: Chosen) -> Iterator[str]:
    """Log files and state files that a run could not write."""
    for section in chosen.sections:
        for key, file in section.written_files.items():
            if file.exists() and not file.is_dir() and not file.is_file():
                continue  # a pipe or a device
            if fault := unwritable(file):
                yield f"[{section.name}] {key} = {file}: {fault}"


def _connection_faults(chosen: Chosen) -> Iterator[str]:
    """Faults of proxies, certificates and the transport, in the settings and the environment."""
    try:
        uses_own_transport()
    except ConfigError as error:
        yield from error.faults
    for section in chosen.sections:
        for prepare in (proxies_of, tls_context):
            try:
                prepare(section)
            except ConfigError as error:
                yield from error.faults


def _check_online(chosen: Chosen, faults: int) -> int:
    """Print each finding as it is made; returns the exit code of the severest one."""
    counts: Counter[Verdict] = Counter()
    codes = {ConfigError.exit_code} if faults else set()
    shown = ""
    for heading, finding in check_online(chosen.settings, chosen.sections):
        if heading != shown:
            shown = heading
            say(heading)
        say(f"  {finding}", flush=True)
        counts[finding.verdict] += 1
        codes.add(finding.exit_code)
    failed, doubtful = counts[Verdict.FAILED] + faults, counts[Verdict.WARNING]
    say(f"{failed} failed, {doubtful} {'warning' if doubtful == 1 else 'warnings'}")
    return min(codes - {0}, default=0)


def _destination_faults(chosen: Chosen) -> Iterator[str]:
    """Why the destination cannot be opened, or what it lacks for a section."""
    try:
        with (
            opened_store(chosen.settings.database_url) as engine,
            engine.connect() as connection,
        ):
            for section in chosen.sections:
                check = work_of(section).check_destination
                findings = check(section, chosen.settings, connection)
                yield from (each.text for each in findings if each.verdict is Verdict.FAILED)
    except ConfigError as error:
        yield str(error)
