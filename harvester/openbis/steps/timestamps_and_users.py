"""Step 8: timestamps and users as on the data source; users that do not exist are created.

A created user has neither password nor role, so nobody can log in as one.
"""

from __future__ import annotations

from harvester.openbis.sync_run import SyncRun
from harvester.runs.report import Outcome, Verb


def copy_timestamps_and_users(run: SyncRun) -> Outcome:
    outcome = run.outcome()
    with run.transaction():
        outcome.note(Verb.CREATED, "USER", run.destination.originals.add_users())
        for entity in run.destination.originals.copy_stamps():
            outcome.note(Verb.UPDATED, f"{entity.kind} timestamps and users", (entity.identifier,))
    return outcome
