"""What a run has done is recorded as far as it came."""

from __future__ import annotations

from datetime import UTC, datetime

from harvester.runs.read_list import ReadList
from harvester.runs.recorder import Recorder
from harvester.runs.report import Outcome, Verb
from shared.errors import ItemError

LIST = ReadList(
    at=datetime(2026, 5, 1, tzinfo=UTC), entities=2, faults=(ItemError("SAMPLE", "1-1", "a fault"),)
)


def an_outcome(number: int) -> Outcome:
    outcome = Outcome()
    outcome.count(Verb.CREATED, "SAMPLE", number)
    return outcome


def test_a_run_that_has_begun_nothing_has_harvested_nothing() -> None:
    done = Recorder().harvested
    assert (done.metadata, done.last, done.failed, done.held_back) == (None, None, [], 0)
    assert done.rehearsed_only


def test_a_pass_that_was_broken_off_has_the_steps_that_were_done() -> None:
    recorder = Recorder()
    recorder.begins(baseline=True)
    recorder.has_read(LIST)
    recorder.pass_begins(dry_run=True)
    recorder.step_ends("one", an_outcome(1))
    recorder.step_ends("two", an_outcome(2))
    recorder.pass_begins(dry_run=False)
    recorder.step_ends("one", an_outcome(1))
    done = recorder.harvested
    assert done.baseline
    assert [(one.dry_run, list(one.steps)) for one in done.passes] == [
        (True, ["one", "two"]),
        (False, ["one"]),
    ]
    assert not done.rehearsed_only
    assert done.failed == list(LIST.faults)


def test_what_was_harvested_so_far_does_not_change_any_more() -> None:
    recorder = Recorder()
    recorder.pass_begins(dry_run=True)
    before = recorder.harvested
    recorder.step_ends("one", an_outcome(1))
    recorder.leaves("max-transfer")
    recorder.waits([ItemError("SAMPLE", "2-2", "later")])
    assert before.last
    assert (before.last.steps, before.unfinished, before.waiting) == ({}, None, ())
    assert recorder.harvested.unfinished == "max-transfer"
