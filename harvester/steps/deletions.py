"""Step 2: delete entities that are no longer on the data source, if ``deletion-allowed``.

Only rows of this section are ever deleted. What would go although it looks like an accident is held
back: additions and updates go on, and it waits until the operator releases it or the source has it
again. What is deleted goes to the trash, if the section has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from harvester.report import Outcome, Verb
from harvester.run import SyncRun
from harvester.steps.suspicions import remember, suspicions
from harvester.trusted_clock import trusted
from shared.store.changes import Action, counts, delete, plan_files, planned
from shared.store.file_work import finish_files
from shared.store.held import (
    brought_count,
    earliest_waiting,
    forget_done,
    forget_returned,
    hold,
    new_count,
    vanished_spaces,
)
from shared.store.restoring import forget_marks
from shared.store.trash import discard, expired, purge

_NAMED = 20
"""So many of a sort are named where nobody wants all; all are counted."""


def delete_entities(run: SyncRun) -> Outcome:
    outcome = run.outcome()
    connection, source = run.connection, run.source
    forget_marks(connection, source)
    plan_files(connection, source)
    forget_returned(connection, source)
    if run.config.deletion_allowed:
        _hold_back(run, outcome)
        _delete(run, outcome)
    else:
        _leave(run, outcome)
    _tell_of_what_stays(run, outcome)
    _purge(run, outcome)
    return outcome


def _purge(run: SyncRun, outcome: Outcome) -> None:
    """Empty the trash of what is old by both clocks, ours and the source's."""
    now, kept = datetime.now(UTC), timedelta(days=run.config.trash_retention_days)
    old = expired(run.connection, now - kept, run.source)
    if kept:
        agreed = trusted(now, run.metadata.at) or now
        certain = expired(run.connection, agreed - kept, run.source)
    else:
        certain = old  # nothing is to be kept, whatever the time is
    if len(old) > len(certain):
        outcome.remark(
            f"{len(old) - len(certain)} deletions stay in the trash although they are older than "
            f"trash-retention-days by the clock of this machine ({now:%Y-%m-%d %H:%M} UTC): the "
            f"source's list is of {run.metadata.at:%Y-%m-%d %H:%M} UTC; set the clock that is wrong"
        )
    purge(run.connection, certain)


def remove_files(run: SyncRun) -> None:
    """Let the files follow their rows, after the deletion is committed: to the trash, or away. What
    a killed run left undone is done by the next one."""
    finish_files(run.connection, run.source, run.transfers.files, run.leash.moved)


def _leave(run: SyncRun, outcome: Outcome) -> None:
    if number := _count(run, outcome, Action.GONE, Verb.SKIPPED):
        outcome.remark(
            f"{number} items are no longer on the data source and stay here, because "
            "deletion-allowed is false"
        )


def _hold_back(run: SyncRun, outcome: Outcome) -> None:
    if run.deletions_confirmed:
        return
    reasons = doubts = list(_doubts(run))
    if (since := earliest_waiting(run.connection, run.source)) is not None:
        reasons = [*doubts, f"what run {since} and later ones held back waits until it is released"]
    number = hold(run.connection, run.source, run.run_id or 0, new=bool(doubts))
    if not number:
        return
    _note(run, outcome, Action.HELD, Verb.HELD_BACK)
    outcome.remark(
        f"{number} deletions are held back: {'; '.join(reasons)}. If they are right: "
        f"'harvester release {run.run_id or 'RUN'}', or run once with --allow-deletions"
    )
    if not outcome.verbose:
        outcome.remark(f"held back: {_names(run, Action.HELD, number)}")


def _doubts(run: SyncRun) -> Iterator[str]:
    """Why what is newly gone may be an accident. What was held back or released before is not
    judged again."""
    new = new_count(run.connection, run.source)
    if not new:
        return
    brought = brought_count(run.connection, run.source)
    if run.metadata.deletions_unsafe:
        yield run.metadata.deletions_unsafe
    if run.metadata.entities == 0:
        yield "the resource list is empty"
    yield from suspicions(run, new, brought)
    if 2 * new > brought:
        yield (
            f"the list is suddenly smaller than half: {new} of the {brought} items that this "
            "section brought here are gone"
        )
    if run.config.max_deletions.is_exceeded(new, brought):
        yield (
            f"{new} of the {brought} items that this section brought here are gone, more than "
            f"{run.config.max_deletions} (max-deletions)"
        )
    if spaces := vanished_spaces(run.connection, run.source):
        named = [f"{space.code} ({space.inside} items)" for space in spaces[:_NAMED]]
        yield (
            f"spaces vanished with all that was in them: {_listed(named, len(spaces))}; deleted "
            "on the source, or its user may not see them any more, or this section's own "
            "space-white-list or space-black-list leaves them out"
        )


def _delete(run: SyncRun, outcome: Outcome) -> None:
    connection, source = run.connection, run.source
    number = _note(run, outcome, Action.GONE, Verb.DELETED)
    remember(run)
    forget_done(connection, source)
    if number and run.config.trash_retention_days:
        discard(connection, source, run.run_id, datetime.now(UTC))
    elif number:
        delete(connection)


def _tell_of_what_stays(run: SyncRun, outcome: Outcome) -> None:
    if number := _note(run, outcome, Action.KEPT, Verb.SKIPPED):
        outcome.remark(
            "no longer on the data source, but stays, because something lies in it that is not "
            f"from this section or was restored: {_names(run, Action.KEPT, number)}"
        )
    if number := _note(run, outcome, Action.RESTORED, Verb.SKIPPED):
        outcome.remark(
            "not on the data source, but stays, because it was restored from the trash: "
            f"{_names(run, Action.RESTORED, number)}"
        )


def _note(run: SyncRun, outcome: Outcome, action: Action, verb: Verb) -> int:
    """Count what the plan has for an action, by name if the section is verbose; how many."""
    if not outcome.verbose:
        return _count(run, outcome, action, verb)
    number = 0
    for entity in planned(run.connection, action):
        outcome.note(verb, entity.kind, (entity.identifier,))
        number += 1
    return number


def _count(run: SyncRun, outcome: Outcome, action: Action, verb: Verb) -> int:
    numbers = {kind: n for (kind, found), n in counts(run.connection).items() if found == action}
    for kind, number in numbers.items():
        outcome.count(verb, kind, number)
    return sum(numbers.values())


def _names(run: SyncRun, action: Action, number: int) -> str:
    found = planned(run.connection, action, most=_NAMED)
    return _listed([f"{entity.kind} {entity.identifier}" for entity in found], number)


def _listed(names: list[str], number: int) -> str:
    more = number - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
