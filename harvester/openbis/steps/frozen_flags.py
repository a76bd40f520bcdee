"""Step 9: frozen flags as on the data source; last, since they would forbid the other changes."""

from __future__ import annotations

from harvester.openbis.sync_run import SyncRun
from harvester.runs.report import Outcome, Verb


def copy_frozen_flags(run: SyncRun) -> Outcome:
    outcome = run.outcome()
    with run.transaction():
        for entity in run.destination.originals.copy_flags():
            outcome.note(Verb.UPDATED, f"{entity.kind} frozen flags", (entity.identifier,))
    return outcome
