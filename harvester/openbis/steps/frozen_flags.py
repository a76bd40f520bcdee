"""Step 9: frozen flags as on the data source, and since when AFS data can no longer change; last,
since they would forbid the other changes."""

from __future__ import annotations

from harvester.openbis.sync_run import SyncRun
from harvester.runs.report import Outcome, Verb


def copy_frozen_flags(run: SyncRun) -> Outcome:
    outcome = run.outcome()
    with run.transaction():
        for entity in run.destination.originals.copy_flags():
            outcome.note(Verb.UPDATED, f"{entity.kind} frozen flags", (entity.identifier,))
        _copy_immutable_times(run, outcome)
    return outcome


def copy_immutable_times(run: SyncRun) -> Outcome:
    """The step without frozen flags, for sections that do not want them."""
    outcome = run.outcome()
    with run.transaction():
        _copy_immutable_times(run, outcome)
    return outcome


def _copy_immutable_times(run: SyncRun, outcome: Outcome) -> None:
    for entity in run.destination.originals.copy_immutable_times():
        outcome.note(Verb.UPDATED, f"{entity.kind} immutable data timestamps", (entity.identifier,))
