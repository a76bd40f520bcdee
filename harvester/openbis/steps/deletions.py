"""Step 2: delete entities that are no longer on the data source, if ``deletion-allowed``.

Only rows of this section are ever deleted. A deletion that looks like an accident is held back:
additions and updates go on, and the deletion waits until the operator releases it or the source has
the item again. Deleted items go to the trash, if the section has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from harvester.openbis.destination.port.rows import Action
from harvester.openbis.steps.suspicions import remember, suspicions
from harvester.openbis.sync_run import SyncRun
from harvester.runs.report import Outcome, Verb
from harvester.runs.trusted_clock import dated, trusted
from harvester.runs.unknown_words import described

# So many of a sort are named where nobody wants all; all are counted.
_NAMED = 20
# Parts that would be lost and that a sentence names at most.
_FEW = 3


def delete_entities(run: SyncRun) -> Outcome:
    outcome = run.outcome()
    run.destination.deletions.prepare(leave_alone=run.black_list)
    if run.config.deletion_allowed:
        _hold_back(run, outcome)
        _delete(run, outcome)
    else:
        _leave(run, outcome)
    run.destination.deletions.keep_what_stays()
    _tell_of_what_stays(run, outcome)
    _tell_of_what_is_unknown(run, outcome)
    if run.config.deletion_allowed:  # else nothing that was ever harvested goes
        _purge(run, outcome)
    return outcome


def _purge(run: SyncRun, outcome: Outcome) -> None:
    """Remove from the trash what is old enough by both clocks, ours and the source's."""
    now, kept = datetime.now(UTC), timedelta(days=run.config.trash_retention_days)
    old = run.destination.trash.expired(now - kept)
    if kept:
        agreed = trusted(now, run.metadata.at) or now
        certain = run.destination.trash.expired(agreed - kept)
    else:
        certain = old  # nothing is to be kept, whatever the time is
    if len(old) > len(certain):
        outcome.remark(
            f"{len(old) - len(certain)} deletions stay in the trash although they are older than "
            f"trash-retention-days by the clock of this machine ({now:%Y-%m-%d %H:%M} UTC): the "
            f"source's list is of {run.metadata.at:%Y-%m-%d %H:%M} UTC; set the clock that is wrong"
        )
    run.destination.trash.purge(certain)


def remove_files(run: SyncRun) -> None:
    """Move or remove the files of deleted rows, after the deletion was committed. What a killed run
    left undone is done by the next one."""
    run.destination.file_work.follow(run.transfers.files, run.limits.progressed)


def _leave(run: SyncRun, outcome: Outcome) -> None:
    parts = run.destination.deletions.loss_count(Action.GONE)
    if number := _count(run, outcome, Action.GONE, Verb.SKIPPED) - parts:
        outcome.remark(
            f"{number} items are no longer on the data source and stay here, because "
            "deletion-allowed is false"
        )
    if parts:
        outcome.remark(
            f"{parts} items have lost files or other contents on the data source, or have others "
            "now; what was harvested stays here as it was, because deletion-allowed is false: "
            f"{_lost(run)}"
        )
    run.destination.deletions.spare()


def _hold_back(run: SyncRun, outcome: Outcome) -> None:
    if run.deletions_confirmed:
        return
    guard = run.destination.guard
    outgrown = guard.hold_outgrown(run.run_id or 0)
    reasons = doubts = list(_doubts(run))
    if contents := guard.new_contents_count():
        text = (
            f"{contents} data sets have fewer or other files than were brought, which openBIS "
            "never does, though people remove AFS data of samples and experiments "
            f"({_lost(run)}); the source may not see them now"
        )
        reasons = [*doubts, text]
    if (since := guard.earliest_waiting()) is not None:
        reasons = [
            *reasons,
            f"what run {since} and later ones held back waits until it is released",
        ]
    if outgrown:
        text = f"{outgrown} losses of contents are larger now than when they were held back"
        reasons = [*reasons, text]
    # What data sets would lose, and what waits already, is held back without doubts, too.
    number = guard.hold(run.run_id or 0, new=bool(doubts))
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
    """The reasons why new deletions may be an accident. What was held back or released before is
    not judged again."""
    guard = run.destination.guard
    new = guard.new_count()
    if not new:
        return
    brought = guard.brought_count()
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
    if (files := guard.vanished_service_files()) > 1:
        yield (
            f"all {files} files of the file service vanished; its folder may not be there on the "
            "source"
        )
    if spaces := guard.vanished_spaces():
        named = [f"{space.code} ({space.inside} items)" for space in spaces[:_NAMED]]
        yield (
            f"spaces vanished with all that was in them: {_listed(named, len(spaces))}; deleted "
            "on the source, or its user may not see them any more, or this section's own "
            "space-white-list, space-black-list or exportable-perm-ids leaves them out"
        )


def _lost(run: SyncRun) -> str:
    found = run.destination.deletions.losses()
    names = [f"{one.kind} {one.perm_id}: {one}" for one in islice(found, _FEW + 1)]
    return "; ".join(names[:_FEW]) + (" and more" if len(names) > _FEW else "")


def _delete(run: SyncRun, outcome: Outcome) -> None:
    number = _note(run, outcome, Action.GONE, Verb.DELETED)
    remember(run)
    run.destination.guard.forget_done()
    if number and run.config.trash_retention_days:
        run.destination.trash.discard(run.run_id, dated(datetime.now(UTC), run.metadata.at))
    elif number:
        run.destination.deletions.delete()


def _tell_of_what_stays(run: SyncRun, outcome: Outcome) -> None:
    if number := _note(run, outcome, Action.KEPT, Verb.SKIPPED):
        outcome.remark(
            "no longer on the data source, but stays, because something lies in it that is not "
            "from this section, was restored or could not be read: "
            f"{_names(run, Action.KEPT, number)}"
        )
    if number := _note(run, outcome, Action.RESTORED, Verb.SKIPPED):
        outcome.remark(
            "not on the data source, but stays, because it was restored from the trash: "
            f"{_names(run, Action.RESTORED, number)}"
        )


def _tell_of_what_is_unknown(run: SyncRun, outcome: Outcome) -> None:
    if shown := run.destination.deletions.unknown():
        outcome.remark(
            f"the data source cannot show now: {described(shown)}; what is here of it stays, and "
            "what is not comes when it can"
        )


def _note(run: SyncRun, outcome: Outcome, action: Action, verb: Verb) -> int:
    """Count what the plan has for an action, by name if the section is verbose; returns the
    number."""
    if not outcome.verbose:
        return _count(run, outcome, action, verb)
    number = 0
    for entity in run.destination.plan.planned(action):
        outcome.note(verb, entity.kind, (entity.identifier,))
        number += 1
    return number


def _count(run: SyncRun, outcome: Outcome, action: Action, verb: Verb) -> int:
    numbers = {k: n for (k, found), n in run.destination.plan.counts().items() if found == action}
    for kind, number in numbers.items():
        outcome.count(verb, kind, number)
    return sum(numbers.values())


def _names(run: SyncRun, action: Action, number: int) -> str:
    found = run.destination.plan.planned(action, most=_NAMED)
    return _listed([f"{entity.kind} {entity.identifier}" for entity in found], number)


def _listed(names: list[str], number: int) -> str:
    more = number - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
