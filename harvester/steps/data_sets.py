"""Step 7: data sets, with their files, links and content copies.

What needs no files is written by set. A data set with files that are not here yet is registered
only when all of them have arrived, verified; one that fails does so alone, and since it is not
registered, the next run finds it missing and tries again. A baseline (``full-sync``) also brings
again what should be in the data store and is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harvester.report import Outcome
from harvester.run import SyncRun
from harvester.steps.deletions import remove_files
from harvester.steps.entities import note_plan
from harvester.transfers import WantedDataSet
from shared.errors import ItemError
from shared.model.kinds import Kind
from shared.store.changes import (
    admit_data_sets,
    apply_kind,
    await_data_sets,
    drop_from_plan,
    hold_back_data_sets,
    settle_data_sets,
    waiting_data_sets,
)
from shared.store.incoming import data_set_files
from shared.store.statements import execute

_TOGETHER = 50
"""Data sets that have arrived are committed in groups; a crash costs so many lookups, since their
files lie in place already."""


def register_data_sets(run: SyncRun) -> Outcome:
    outcome = run.outcome()
    with run.transaction():
        drop_from_plan(run.connection, Kind.DATA_SET, run.black_list)
        hold_back_data_sets(run.connection)
        if run.baseline:
            await_data_sets(run.connection, _incomplete(run))
        _register(run, outcome)
        waiting = waiting_data_sets(run.connection)
    arrived: list[str] = []
    for code, error in run.transfers.data_sets(_wanted(run, waiting)):
        if error:
            _fail(run, outcome, error)
            continue
        arrived.append(code)
        if len(arrived) == _TOGETHER:
            _admit(run, outcome, arrived)
    _admit(run, outcome, arrived)
    with run.transaction():
        remove_files(run)
    return outcome


def _wanted(run: SyncRun, codes: Sequence[str]) -> Iterator[WantedDataSet]:
    for code in codes:
        with run.transaction():
            files = data_set_files(run.connection, code)
        yield WantedDataSet(code=code, files=files)


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
        arrived.clear()


def _register(run: SyncRun, outcome: Outcome) -> None:
    apply_kind(run.connection, Kind.DATA_SET, run.source, run.stamps)
    note_plan(run, outcome, frozenset({Kind.DATA_SET}))
    settle_data_sets(run.connection)
