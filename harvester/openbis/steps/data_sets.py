"""Step 7: data sets, with their files, links and content copies.

What needs no files is written by set. A data set with files that are not here yet is registered
only when all of them have arrived, verified; one that fails does so alone, and since it is not
registered, the next run finds it missing and tries again. What should be in the data store and is
damaged comes again, see `harvester.openbis.inspecting`.

Files that the source cannot give now, because they are archived or a share is not there, are not
asked for: such a data set is registered without, is no failure, and gets them when it can.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence

from harvester.openbis.destination.port.rows import Action
from harvester.openbis.inspecting import irreparable, not_ours_to_look_after
from harvester.openbis.steps.deletions import remove_files
from harvester.openbis.steps.entities import why_blocked
from harvester.openbis.sync_run import SyncRun
from harvester.openbis.transfers.transfers import WantedDataSet
from harvester.runs.report import Outcome, Verb
from shared.checkpoints import checkpoint
from shared.errors import ItemError
from shared.model.kinds import Kind

_TOGETHER = 50
# Data sets that have arrived are put in place and committed in groups: when there are this many, or
# after this number of seconds. A crash costs a look at the files of a group, which lie aside.
_AT_LEAST_EVERY = 2.0


def register_data_sets(run: SyncRun) -> Outcome:
    outcome, data_sets = run.outcome(), run.destination.data_sets
    with run.transaction():
        again = _codes(run.requested) | run.damage.of(Kind.DATA_SET).keys()
        data_sets.plan(leave_alone=run.black_list, again=again)
        _register(run, outcome)
        _note(run, outcome, Action.FOREIGN, Verb.SKIPPED)
        for one in run.destination.plan.blocked((Kind.DATA_SET,)):
            _fail(run, outcome, why_blocked(run, one))
        waiting = data_sets.waiting()
        size = data_sets.waiting_bytes()
    _tell_of_the_rest(run, outcome, frozenset(waiting))
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
        outcome.unknown = data_sets.never_came()
    if kept := run.transfers.set_aside():
        outcome.remark(kept)
    return outcome


def _codes(items: Collection[tuple[str, str]]) -> frozenset[str]:
    return frozenset(code for kind, code in items if kind == Kind.DATA_SET)


def _wanted(run: SyncRun, codes: Sequence[str]) -> Iterator[WantedDataSet]:
    for begin in range(0, len(codes), _TOGETHER):
        if not run.limits.may_begin():
            run.limits.note_left()
            return
        group = codes[begin : begin + _TOGETHER]
        _announce(run, group)
        yield from _wanted_of_group(run, group)


def _wanted_of_group(run: SyncRun, group: Sequence[str]) -> Iterator[WantedDataSet]:
    """Ends early if no more may begin."""
    while group:
        with run.transaction():
            found = run.destination.data_sets.files_of_first(group)
            guarded = run.destination.data_sets.guarded_files(found.keys())
            folders = run.destination.data_sets.empty_folders(found.keys())
        for code, files in found.items():
            if not run.limits.may_begin():
                run.limits.note_left()
                return
            yield WantedDataSet(
                code=code, files=files, folders=folders.get(code, ()), guarded=guarded[code]
            )
        group = group[len(found) :]


def _announce(run: SyncRun, codes: Sequence[str]) -> None:
    """Note that data sets are on their way. Folders that already lie in their places without a row,
    as in a data store taken over from an original harvester, are not noted: they are not ours to
    remove."""
    free = {code for code in codes if not run.transfers.is_occupied(code)}
    with run.transaction():
        run.destination.data_sets.announce(free, set(codes) - free)


def _tell_of_the_rest(run: SyncRun, outcome: Outcome, waiting: frozenset[str]) -> None:
    """Report what is damaged here or asked for, and cannot be brought."""
    damaged = run.damage.of(Kind.DATA_SET)
    lost = {(Kind.DATA_SET.value, code) for code in damaged.keys() - waiting - run.black_list}
    with run.transaction():
        lost = run.destination.file_work.still_here(lost)
    for kind, code in sorted(lost):
        outcome.fail(irreparable(kind, code, run.damage.text(kind, code)))
    for code in sorted(_codes(run.requested) - waiting - run.black_list - damaged.keys()):
        outcome.remark(not_ours_to_look_after(Kind.DATA_SET, code))


def _fail(run: SyncRun, outcome: Outcome, error: ItemError) -> None:
    if run.config.stop_on_first_failure:
        raise error
    outcome.fail(error)


def _admit(run: SyncRun, outcome: Outcome, arrived: list[str]) -> None:
    """Put arrived data sets in place and register them. Their owner is decided in the same
    transaction."""
    if not arrived:
        return
    data_sets = run.destination.data_sets
    with run.transaction():
        data_sets.admit(arrived)
        failed = _install(run, outcome, arrived)
        checkpoint("data sets are in place, and have no rows", " ".join(arrived))
        data_sets.await_files([error.perm_id for error in failed])
        _register(run, outcome)
        data_sets.forget(set(arrived) - {error.perm_id for error in failed})
        outcome.show("files of data sets", _shown_files(run, arrived))
        checkpoint("data sets are about to be committed", " ".join(arrived))
    checkpoint("data sets are committed", " ".join(arrived))
    run.transfers.settle()
    arrived.clear()
    for error in failed:
        _fail(run, outcome, error)


def _install(run: SyncRun, outcome: Outcome, arrived: Collection[str]) -> list[ItemError]:
    """Put the folders in place. A data set that another section has registered meanwhile is left to
    it."""
    found = run.destination.data_sets.hindrances()
    damaged = run.damage.of(Kind.DATA_SET)
    known = run.destination.data_sets.with_files(arrived)
    failed = []
    for code in arrived:
        if code in found.owners:
            run.transfers.give_up(code)
            outcome.note(Verb.SKIPPED, Kind.DATA_SET, (code,))
            outcome.remark(f"DATA_SET {code} is left alone: {_owner(found.owners[code])}")
        elif code in found.moves:
            run.transfers.give_up(code, for_now=True)
            failed.append(ItemError(Kind.DATA_SET, code, _in_the_way(found.moves[code])))
        else:
            try:
                unknown = code in found.unknown_places
                keep = code in damaged or _replaces_more(run, code, known, unknown=unknown)
                run.transfers.install(code, keep=keep)
            except ItemError as error:
                failed.append(error)
    return [*failed, *run.transfers.secure()]


def _replaces_more(run: SyncRun, code: str, known: Collection[str], *, unknown: bool) -> bool:
    """Whether files lie in the place that no row describes, so that they must be set aside: all
    other replaced files are in the trash. After an older database was restored, rows may describe
    some of the files only, or none."""
    if unknown:
        return run.transfers.replaces_more(code)
    brought = run.destination.data_sets.brought_paths
    return code in known and run.transfers.replaces_more(code, brought(code))


def _owner(section: str) -> str:
    return f"section {section} brought it meanwhile" if section else "it was made here meanwhile"


def _in_the_way(section: str) -> str:
    return (
        f"files of section {section} have still to be moved out of its place, or back; the next "
        "run of that section does it"
    )


def _register(run: SyncRun, outcome: Outcome) -> None:
    run.destination.data_sets.apply(run.stamps)
    _note(run, outcome, Action.NEW, Verb.CREATED)
    _note(run, outcome, Action.CHANGED, Verb.UPDATED)
    run.destination.data_sets.settle()


def _note(run: SyncRun, outcome: Outcome, action: Action, verb: Verb) -> None:
    """Count new data sets by what they consist of, as the original does."""
    if not outcome.verbose:
        for kind, number in run.destination.data_sets.counts(action).items():
            outcome.count(verb, Kind.DATA_SET, number, sort=_sort(verb, kind))
        return
    for kind, code in run.destination.data_sets.codes(action):
        outcome.note(verb, Kind.DATA_SET, (code,), sort=_sort(verb, kind))


def _sort(verb: Verb, kind: str) -> str:
    return kind if verb is Verb.CREATED else ""


def _shown_files(run: SyncRun, codes: Collection[str]) -> Iterator[str]:
    for code in codes:
        for file in run.destination.data_sets.listed_files(code):
            yield f"{code}/{file.path} ({file.length:,} bytes)"
