"""Step 7: data sets, with their files, links and content copies.

What needs no files is written by set. A data set with files that are not here yet is registered
only when all of them have arrived, verified; one that fails does so alone, and since it is not
registered, the next run finds it missing and tries again. A baseline (``full-sync``) also brings
again what should be in the data store and is not.

Files that the source cannot give now, because they are archived or a share is not there, are not
asked for: such a data set is registered without, is no failure, and gets them when it can.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence

from harvester.fetching.transfers import WantedDataSet
from harvester.report import Outcome, Verb
from harvester.run import SyncRun
from harvester.steps.deletions import remove_files
from shared.errors import ItemError
from shared.model.kinds import Kind
from shared.store.arrivals import (
    DATA_SET,
    announce,
    announce_stored,
    forget_arrivals,
    interrupted_data_sets,
)
from shared.store.changes import (
    Action,
    admit_data_sets,
    apply_kind,
    await_data_sets,
    drop_from_plan,
    hold_back_data_sets,
    settle_data_sets,
    waiting_data_sets,
)
from shared.store.data_set_plans import (
    data_set_codes,
    data_set_counts,
    files_of_first,
    waiting_bytes,
)
from shared.store.incoming import data_set_files
from shared.store.statements import execute
from shared.store.unknown_parts import never_came, waits_for_files

_TOGETHER = 50
_AT_LEAST_EVERY = 2.0
"""Data sets that have arrived are committed in groups, of so many or after so many seconds. A crash
costs a look at the files of a group, which lie in place already; large ones take long to read."""


def register_data_sets(run: SyncRun) -> Outcome:
    outcome = run.outcome()
    with run.transaction():
        drop_from_plan(run.connection, Kind.DATA_SET, run.black_list)
        hold_back_data_sets(run.connection)
        never = run.black_list | waits_for_files(run.connection)
        if run.baseline:
            await_data_sets(run.connection, frozenset(_incomplete(run)) - never)
        doubtful = interrupted_data_sets(run.connection, run.source)
        await_data_sets(run.connection, (doubtful | _codes(run.requested)) - never)
        _register(run, outcome)
        _note(run, outcome, Action.FOREIGN, Verb.SKIPPED)
        waiting = waiting_data_sets(run.connection)
        size = waiting_bytes(run.connection)
    later = _codes(run.paused).intersection(waiting)
    outcome.postponed.extend((Kind.DATA_SET, code) for code in sorted(later))
    waiting = [code for code in waiting if code not in later]
    run.progress.expect(len(waiting), size=size)
    arrived: list[str] = []
    due = time.monotonic() + _AT_LEAST_EVERY
    for code, error in run.transfers.data_sets(_wanted(run, waiting)):
        run.progress.advance()
        if error:
            _fail(run, outcome, error)
            continue
        arrived.append(code)
        if len(arrived) == _TOGETHER or time.monotonic() > due:
            _admit(run, outcome, arrived)
            due = time.monotonic() + _AT_LEAST_EVERY
    _admit(run, outcome, arrived)
    with run.transaction():
        remove_files(run)
        outcome.unknown = never_came(run.connection, run.source)
    return outcome


def _codes(items: Collection[tuple[str, str]]) -> frozenset[str]:
    return frozenset(code for kind, code in items if kind == Kind.DATA_SET)


def _wanted(run: SyncRun, codes: Sequence[str]) -> Iterator[WantedDataSet]:
    for begin in range(0, len(codes), _TOGETHER):
        if not run.leash.may_fetch:
            return
        group = codes[begin : begin + _TOGETHER]
        _announce(run, group)
        while group:
            with run.transaction():
                found = files_of_first(run.connection, group)
            for code, files in found.items():
                if not run.leash.may_fetch:
                    return
                yield WantedDataSet(code=code, files=files)
            group = group[len(found) :]


def _announce(run: SyncRun, codes: Sequence[str]) -> None:
    """What lies in the place of a data set without anybody knowing of it, as in a data store that
    was taken over from an original harvester, is not noted: it would not be ours to remove."""
    free = {code for code in codes if not run.transfers.is_occupied(code)}
    with run.transaction():
        announce(run.connection, run.source, DATA_SET, free)
        announce_stored(run.connection, run.source, set(codes) - free)


def _incomplete(run: SyncRun) -> list[str]:
    """Codes of data sets whose files are not in the data store as they were when they came."""
    rows = execute(run.connection, "physical_files", source=run.source)
    missing = {
        code for code, path, length, *_ in rows if not run.transfers.is_here(code, path, length)
    }
    return sorted(missing - run.black_list)


def _fail(run: SyncRun, outcome: Outcome, error: ItemError) -> None:
    if run.config.stop_on_first_failure:
        raise error
    outcome.fail(error)


def _admit(run: SyncRun, outcome: Outcome, arrived: list[str]) -> None:
    if arrived:
        with run.transaction():
            admit_data_sets(run.connection, arrived)
            _register(run, outcome)
            forget_arrivals(run.connection, run.source, DATA_SET, arrived)
            outcome.show("files of data sets", _shown_files(run, arrived))
        arrived.clear()


def _register(run: SyncRun, outcome: Outcome) -> None:
    apply_kind(run.connection, Kind.DATA_SET, run.source, run.stamps)
    _note(run, outcome, Action.NEW, Verb.CREATED)
    _note(run, outcome, Action.CHANGED, Verb.UPDATED)
    settle_data_sets(run.connection)


def _note(run: SyncRun, outcome: Outcome, action: Action, verb: Verb) -> None:
    """New ones by what they consist of, as the original does."""
    if not outcome.verbose:
        for kind, number in data_set_counts(run.connection, action).items():
            outcome.count(verb, Kind.DATA_SET, number, sort=_sort(verb, kind))
        return
    for kind, code in data_set_codes(run.connection, action):
        outcome.note(verb, Kind.DATA_SET, (code,), sort=_sort(verb, kind))


def _sort(verb: Verb, kind: str) -> str:
    return kind if verb is Verb.CREATED else ""


def _shown_files(run: SyncRun, codes: Collection[str]) -> Iterator[str]:
    for code in codes:
        for file in data_set_files(run.connection, code):
            yield f"{code}/{file.path} ({file.length:,} bytes)"
