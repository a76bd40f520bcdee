"""Step 2: delete entities that are no longer on the data source, if ``deletion-allowed``.

Only rows of this section are ever deleted. What would go although the list does not look like a
whole one is held back: additions and updates go on, and the report says so.
"""

from __future__ import annotations

from collections import Counter

from harvester.report import Outcome, Verb
from harvester.run import SyncRun
from shared.model.kinds import Kind
from shared.store.changes import Action, counts, delete, planned
from shared.store.sources import held_back, remember_held_back
from shared.store.statements import execute

_SMALL = 10
"""Up to so many deletions are believed even if they are more than half of everything."""


def delete_entities(run: SyncRun) -> Outcome:
    outcome = run.outcome()
    gone = _gone_by_kind(run)
    files = list(execute(run.connection, "service_files_gone", source=run.source).scalars())
    if files:
        gone[Kind.FILE] = len(files)
    waiting = 0
    if not run.config.deletion_allowed:
        _count(outcome, Verb.SKIPPED, gone)
        if gone:
            outcome.remark(
                f"{sum(gone.values())} items are no longer on the data source and stay here, "
                "because deletion-allowed is false"
            )
    elif reason := _doubt(run, gone):
        _count(outcome, Verb.HELD_BACK, gone)
        waiting = sum(gone.values())
        outcome.remark(
            f"{waiting} deletions are held back: {reason}. If they are right, "
            "run once with --allow-deletions"
        )
    else:
        _delete(run, outcome, files)
    remember_held_back(run.connection, run.source, waiting)
    return outcome


def _gone_by_kind(run: SyncRun) -> Counter[Kind]:
    planned_counts = counts(run.connection)
    return Counter({kind: n for (kind, action), n in planned_counts.items() if action == "gone"})


def _count(outcome: Outcome, verb: Verb, gone: Counter[Kind]) -> None:
    for kind, number in gone.items():
        outcome.count(verb, kind, number)


def _doubt(run: SyncRun, gone: Counter[Kind]) -> str | None:
    """Why the list may not be whole, although it reads so; None if there is no doubt."""
    if not gone or run.deletions_confirmed:
        return None
    if run.metadata.deletions_unsafe:
        return run.metadata.deletions_unsafe
    if run.metadata.entities == 0:
        return "the resource list is empty"
    stored = execute(run.connection, "stored_count", source=run.source).scalar_one()
    if sum(gone.values()) > max(_SMALL, stored / 2):
        return f"they are more than half of the {stored} entities that this section brought here"
    if sum(gone.values()) > held_back(run.connection, run.source) / 2 > 0:
        return "they wait since an earlier run"
    return None


def _delete(run: SyncRun, outcome: Outcome, files: list[str]) -> None:
    for entity in planned(run.connection, Action.GONE):
        outcome.note(Verb.DELETED, entity.kind, (entity.identifier,))
    delete(run.connection)
    for path in files:
        execute(run.connection, "delete_service_file", path=path)
    outcome.note(Verb.DELETED, Kind.FILE, files)
    for entity in planned(run.connection, Action.KEPT):
        outcome.note(Verb.SKIPPED, entity.kind, (entity.identifier,))
        outcome.remark(
            f"{entity.kind} {entity.identifier} is no longer on the data source and stays, because "
            "something that is not from this section lies in it"
        )


def remove_files(run: SyncRun) -> None:
    """Remove the files of what has been deleted, after the deletion is committed. What a killed
    run left undone is done by the next one."""
    for area, name, needed in execute(run.connection, "removals").all():
        if not needed:
            run.transfers.remove(area, name)
        execute(run.connection, "removed", area=area, name=name)
