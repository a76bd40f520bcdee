"""``harvester status``: shows how old the data of each section are, and what waits."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from harvester.commands.listing import print_json, print_table
from harvester.commands.memory import destination
from harvester.commands.options import add_json, add_section
from harvester.memory.failures import failed_items
from harvester.memory.held import held_back_count
from harvester.memory.next_run import next_run
from harvester.memory.runs import HARVESTED, SUCCESSES, at_work, last_run
from harvester.settings.section import SectionSettings
from shared.model.unknown import Part
from shared.store.engine import viewing
from shared.store.locks import section_lock
from shared.store.sources import stored_unknown

_HEADINGS = (
    *("section", "last success (UTC)", "#age", "#lag", "last run", "next run (UTC)"),
    *("#failed items", "#held back", "waiting for files", "at work"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionStatus:
    """``age``: time since the last run after which nothing was left to do. ``lag``: time since the
    moment up to which the source's data are here."""

    section: str
    last_success: datetime | None
    age: timedelta | None
    lag: timedelta | None
    last_verdict: str | None
    next_run: datetime | None
    failed_items: int
    held_back: int
    # The number of data sets that never got their files, by the reason that the source gives.
    waiting_files: dict[str, int]
    at_work: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_section(parser)
    add_json(parser)


def status(options: argparse.Namespace) -> int:
    """Print a line for each section of the config file."""
    now = datetime.now(UTC)
    with destination(options) as (chosen, engine), engine.connect() as connection:
        found = [status_of(connection, section, now) for section in chosen.sections]
    if options.json:
        print_json(found)
        return 0
    print_table(
        _HEADINGS,
        [
            (
                *(one.section, one.last_success, one.age, one.lag, one.last_verdict or "never"),
                *(one.next_run, one.failed_items, one.held_back, _waiting_text(one.waiting_files)),
                one.at_work or "nobody",
            )
            for one in found
        ],
    )
    return 0


def _waiting_files(connection: Connection, source: str) -> dict[str, int]:
    found = sorted(stored_unknown(connection, source).items())
    return {str(reason): number for (part, reason), number in found if part is Part.FILES}


def _waiting_text(waiting: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {reason}" for reason, number in waiting.items()) or "none"


def status_of(connection: Connection, section: SectionSettings, now: datetime) -> SectionStatus:
    """Call it outside of a transaction."""
    source = section.alias
    with section_lock(connection, source) as idle, viewing(connection):
        success = last_run(connection, source, SUCCESSES)
        harvested = last_run(connection, source, HARVESTED)
        last = last_run(connection, source)
        # A run without an end was killed if the section's lock is free.
        worker = None if idle else at_work(connection, source)
        ended = success.ended if success else None
        return SectionStatus(
            section=section.name,
            last_success=ended,
            age=now - ended if ended else None,
            lag=now - harvested.at if harvested and harvested.at else None,
            last_verdict=last.verdict if last else None,
            next_run=next_run(connection),
            failed_items=len(failed_items(connection, source)),
            held_back=held_back_count(connection, source),
            waiting_files=_waiting_files(connection, source),
            at_work=worker.worker if worker else None,
        )
