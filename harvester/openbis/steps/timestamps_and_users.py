"""Step 8: timestamps and users as on the data source; users that do not exist are created.

A created user has neither password nor role, so nobody can log in as one.
"""

from __future__ import annotations

from harvester.openbis.sync_run import SyncRun
from harvester.runs.report import Outcome, Verb
from shared.store.changes import copy_stamps, users
from shared.store.users import add_persons


def copy_timestamps_and_users(run: SyncRun) -> Outcome:
    outcome = run.outcome()
    with run.transaction():
        new = add_persons(run.connection, run.source, users(run.connection))
        outcome.note(Verb.CREATED, "USER", new)
        for entity in copy_stamps(run.connection, run.source):
            outcome.note(Verb.UPDATED, f"{entity.kind} timestamps and users", (entity.identifier,))
    return outcome
