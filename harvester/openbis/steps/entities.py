"""Step 4: spaces, projects, experiments, samples and materials.

What is not here is registered, what differs from the list is updated. The content decides whether
it differs, so an item that only becomes visible, or moves with its project, arrives although its
modification timestamp is old.
"""

from __future__ import annotations

from collections import Counter

from harvester.openbis.destination.port.rows import Action, Blocked
from harvester.openbis.sync_run import SyncRun
from harvester.runs.report import Outcome, Verb
from shared.errors import ItemError
from shared.model.kinds import ENTITY_KINDS, Kind

_KINDS = tuple(kind for kind in ENTITY_KINDS if kind is not Kind.DATA_SET)
_VERBS = {Action.NEW: Verb.CREATED, Action.CHANGED: Verb.UPDATED, Action.FOREIGN: Verb.SKIPPED}


# What the plan says of the one that has an identifier, in words.
_WHY_IT_STAYS = {
    Action.HELD.value: (
        "which is no longer on the data source and whose deletion is held back; release it with "
        "'harvester release RUN', and the next run brings the new one"
    ),
    Action.RESTORED.value: (
        "which was restored from the trash; let it go with 'harvester trash follow', or rename "
        "the new one on the data source"
    ),
    Action.KEPT.value: (
        "which is no longer on the data source but stays, because something lies in it that "
        "stays; move that elsewhere, or rename the new one on the data source"
    ),
    Action.GONE.value: (
        "which is no longer on the data source but stays, because deletion-allowed is false; set "
        "it to true, or rename the new one on the data source"
    ),
    Action.TAKEN.value: "which the list renames or moves, but that failed itself; see there",
    Action.STRANDED.value: "which the list renames or moves, but that failed itself; see there",
}


def register_entities(run: SyncRun) -> Outcome:
    outcome = run.outcome()
    run.destination.entities.settle_identifiers()
    expected = _expected(run)
    run.progress.expect(expected.total())
    for kind in _KINDS:
        run.destination.entities.apply(kind, run.stamps)
        run.progress.advance(expected[kind])
    note_plan(run, outcome, frozenset(_KINDS))
    _tell_of_others(run, outcome)
    for one in run.destination.plan.blocked(_KINDS):
        outcome.fail(why_blocked(run, one))
    return outcome


def _tell_of_others(run: SyncRun, outcome: Outcome) -> None:
    """Report items of other sections, data sets included: a section that was renamed does not own
    what it brought before."""
    for owner, number in run.destination.plan.foreign_owners().items():
        whose = f"belong to {owner}, not to this section" if owner else "were made in this instance"
        hint = f"; was this section renamed? Then set data-source-alias = {owner}" if owner else ""
        outcome.remark(f"{number} items of the list are left as they are here: they {whose}{hint}")


def why_blocked(run: SyncRun, one: Blocked) -> ItemError:
    """The error of an item that cannot come or move, with what to do."""
    if one.holder is None:
        reason = (
            f"it lies in {one.subject}, which another section brought and which lies elsewhere "
            "here than in this list; it comes as soon as both agree: harvest that section, too"
            if one.elsewhere
            else f"it waits for {one.subject}, in which it lies or with which it moves and which "
            "failed itself; see there"
        )
        return ItemError(one.kind, one.perm_id, reason, waits=True)
    reason = f"{one.identifier} is {one.kind} {one.holder} here, {_why_it_stays(run, one)}"
    return ItemError(one.kind, one.perm_id, reason, waits=True)


def _why_it_stays(run: SyncRun, one: Blocked) -> str:
    """Why the item that has the identifier stays."""
    if one.owner != run.source:
        whose = f"section {one.owner}" if one.owner else "this instance"
        return (
            f"which belongs to {whose}; rename or move one of them, or set "
            "translate-using-data-source-alias = true"
        )
    if one.unread:
        return "whose record in the list cannot be taken; see there"
    return _WHY_IT_STAYS.get(one.action or "") or (
        f"or comes to it ({one.name} before) together with its project; rename one of them on the "
        "data source"
    )


def _expected(run: SyncRun) -> Counter[Kind]:
    """How many entities of each kind are to be registered or updated."""
    expected: Counter[Kind] = Counter()
    for (kind, action), number in run.destination.plan.counts().items():
        if kind in _KINDS and action in {Action.NEW, Action.CHANGED}:
            expected[Kind(kind)] += number
    return expected


def note_plan(run: SyncRun, outcome: Outcome, kinds: frozenset[Kind]) -> None:
    """Count what the plan has of these kinds, by name if the section is verbose."""
    if not outcome.verbose:
        for (kind, action), number in run.destination.plan.counts().items():
            if kind in kinds and action in _VERBS:
                outcome.count(_VERBS[action], kind, number)
        return
    for action, verb in _VERBS.items():
        for entity in run.destination.plan.planned(action):
            if entity.kind in kinds:
                outcome.note(verb, entity.kind, (entity.identifier,))
