"""Step 4: spaces, projects, experiments, samples and materials.

What is not here is registered, what differs from the list is updated. Whether it differs is
decided by content, so that something that only becomes visible, or moves with its project,
arrives although its modification timestamp is old.
"""

from __future__ import annotations

from collections import Counter

from harvester.report import Outcome, Verb
from harvester.run import SyncRun
from shared.errors import ItemError
from shared.model.kinds import ENTITY_KINDS, Kind
from shared.store.changes import Action, apply_kind, counts, planned

_KINDS = tuple(kind for kind in ENTITY_KINDS if kind is not Kind.DATA_SET)
_VERBS = {Action.NEW: Verb.CREATED, Action.CHANGED: Verb.UPDATED, Action.FOREIGN: Verb.SKIPPED}


def register_entities(run: SyncRun) -> Outcome:
    outcome = run.outcome()
    expected = _expected(run)
    run.progress.expect(expected.total())
    for kind in _KINDS:
        apply_kind(run.connection, kind, run.source, run.stamps)
        run.progress.advance(expected[kind])
    note_plan(run, outcome, frozenset(_KINDS))
    for taken in planned(run.connection, Action.TAKEN):
        outcome.fail(
            ItemError(
                taken.kind,
                taken.perm_id,
                f"{taken.identifier} exists here already and is not from this section; rename or "
                "move that one, or set translate-using-data-source-alias = true; if that one was "
                "restored from the trash, see 'harvester trash follow'",
            )
        )
    return outcome


def _expected(run: SyncRun) -> Counter[Kind]:
    """How many entities of each kind are to be registered or updated."""
    expected: Counter[Kind] = Counter()
    for (kind, action), number in counts(run.connection).items():
        if kind in _KINDS and action in {Action.NEW, Action.CHANGED}:
            expected[Kind(kind)] += number
    return expected


def note_plan(run: SyncRun, outcome: Outcome, kinds: frozenset[Kind]) -> None:
    """Count what the plan has of these kinds, by name if the section is verbose."""
    if not outcome.verbose:
        for (kind, action), number in counts(run.connection).items():
            if kind in kinds and action in _VERBS:
                outcome.count(_VERBS[action], kind, number)
        return
    for action, verb in _VERBS.items():
        for entity in planned(run.connection, action):
            if entity.kind in kinds:
                outcome.note(verb, entity.kind, (entity.identifier,))
