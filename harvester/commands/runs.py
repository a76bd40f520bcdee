"""``harvester runs``: lists the latest runs that the destination remembers."""

from __future__ import annotations

import argparse
from datetime import timedelta

from harvester.commands.listing import print_json, print_table
from harvester.commands.memory import destination
from harvester.commands.options import add_json, add_section
from harvester.memory.runs import RunRecord, counts_of, failure_count, find_runs
from harvester.runs.report import Verb

_CHANGES = (Verb.CREATED, Verb.UPDATED, Verb.DELETED)
_HEADINGS = (
    *("#run", "section", "mode", "began (UTC)", "#took", "how it ended"),
    *("#created", "#updated", "#deleted", "#failed", "#bytes"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_section(parser)
    parser.add_argument(
        "--most", type=int, default=20, metavar="N", help="at most N runs (default: %(default)s)"
    )
    add_json(parser)


def runs(options: argparse.Namespace) -> int:
    """Print the runs, the latest first."""
    with destination(options) as (chosen, engine), engine.connect() as connection:
        # Without --section, runs of sections that the config file has no longer are listed, too.
        aliases = [section.alias for section in chosen.sections] if options.section else None
        # SQLite takes a negative limit for none, PostgreSQL refuses it.
        found = find_runs(connection, sources=aliases, most=max(options.most, 0))
        listed = [
            (run, counts_of(connection, run.id), failure_count(connection, run.id)) for run in found
        ]
    if options.json:
        print_json(
            [
                {**as_object(run), "counts": as_list(counts), "failed": failed}
                for run, counts, failed in listed
            ]
        )
        return 0
    print_table(
        _HEADINGS,
        [
            (
                *(run.id, run.section, mode(run), run.started, took(run), ending(run)),
                *(sum(n for (_, verb), n in counts.items() if verb == v) for v in _CHANGES),
                *(failed, run.bytes),
            )
            for run, counts, failed in listed
        ],
    )
    return 0


def mode(run: RunRecord) -> str:
    """A dry run rehearses only; a full run also checks the files that are here."""
    return "dry run" if run.dry_run else "full" if run.baseline else "real"


def took(run: RunRecord) -> timedelta | None:
    return run.ended - run.started if run.ended else None


def ending(run: RunRecord) -> str:
    return run.verdict or "no end yet: at work, or killed"


def as_object(run: RunRecord) -> dict[str, object]:
    """A run for JSON."""
    return {
        "run": run.id,
        "section": run.section,
        "alias": run.source,
        "mode": mode(run),
        "started": run.started,
        "ended": run.ended,
        "at": run.at,
        "worker": run.worker,
        "records": run.records,
        "bytes": run.bytes,
        "verdict": run.verdict,
        "exit_code": run.exit_code,
        "message": run.message,
    }


def as_list(counts: dict[tuple[str, str], int]) -> list[dict[str, object]]:
    return [
        {"kind": kind, "action": action, "number": number}
        for (kind, action), number in counts.items()
    ]
