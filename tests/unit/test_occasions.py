"""When operators are told of a run, and when two bad news are the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from harvester.memory.notices import Notice
from harvester.memory.runs import SUCCESSES
from harvester.notices.advice import advice
from harvester.notices.events import Event, event_of, fingerprint, steady, subject_of
from harvester.notices.notifying import AGAIN, is_due
from harvester.runs.harvested import Harvested
from harvester.runs.report import Outcome, PassReport, Verb
from harvester.runs.section_report import SectionReport
from shared.errors import (
    BusyError,
    ConfigError,
    ConflictError,
    FormatError,
    ItemError,
    SourceError,
    SourceRefusedError,
    StoppedError,
    SyncError,
)

FAULT = ItemError("DATA_SET", "20240110090000050-50", "the file a.txt is too short")


@dataclass
class Story:
    """A run: its error, or what its passes did."""

    error: BaseException | None = None
    passes: int = 2
    failed: tuple[ItemError, ...] = ()
    held: dict[str, int] = field(default_factory=dict)
    unfinished: str | None = None

    @property
    def report(self) -> SectionReport:
        passes = []
        for number in range(self.passes):
            outcome = Outcome(failed=list(self.failed))
            for kind, count in self.held.items():
                outcome.count(Verb.HELD_BACK, kind, count)
            passes.append(PassReport(dry_run=number == 0, steps={"a step": outcome}))
        done = Harvested(passes=tuple(passes), unfinished=self.unfinished)
        return SectionReport(name="DS1", error=self.error, harvested=done)


EVENTS = [
    (Story(), Event.RECOVERED, "Synchronization works again"),
    (Story(passes=1), Event.RECOVERED, "Synchronization (dry run) works again"),
    (Story(SourceError("gone"), passes=0), Event.FAILED, "Synchronization (dry run) failed"),
    (Story(FormatError("cut"), passes=1), Event.FAILED, "Synchronization (dry run) failed"),
    (Story(OSError(28, "full")), Event.FAILED, "Synchronization failed"),
    (Story(ValueError("a bug")), Event.FAILED, "Synchronization failed"),
    (Story(FAULT), Event.FAILED, "Synchronization failed"),
    (Story(failed=(FAULT,)), Event.PARTLY_FAILED, "Synchronization partly failed"),
    (
        Story(failed=(FAULT,), passes=1),
        Event.PARTLY_FAILED,
        "Synchronization (dry run) partly failed",
    ),
    (Story(held={"SAMPLE": 9}), Event.HELD_BACK, "Synchronization holds deletions back"),
    (Story(failed=(FAULT,), held={"SAMPLE": 9}), Event.PARTLY_FAILED, None),
    (Story(StoppedError("stuck", stalled=True)), Event.STALLED, "Synchronization stalled"),
    (Story(StoppedError("stuck", stalled=True), passes=0), Event.STALLED, None),
    (Story(StoppedError("SIGTERM"), failed=(FAULT,)), None, None),
    (Story(BusyError("somebody else"), passes=0), None, None),
    (Story(unfinished="enough fetched"), None, None),
]


@pytest.mark.parametrize(("story", "event", "subject"), EVENTS)
def test_each_end_of_a_run_is_told_or_not(
    story: Story, event: Event | None, subject: str | None
) -> None:
    report = story.report
    assert event_of(report) == event
    if event and subject:
        assert subject_of(event, report) == subject


def test_there_is_advice_for_each_news() -> None:
    for story, event, _ in EVENTS:
        if event:
            assert advice(event, story.report.verdict).todo
    for error in (SourceRefusedError("no"), ConflictError(["x"]), ConfigError("y"), SyncError("z")):
        report = Story(error, passes=0).report
        assert report.verdict not in SUCCESSES
        assert advice(Event.FAILED, report.verdict).what


THE_SAME = [
    ("list-ab3d_fgh.xml is cut after 1,234 bytes", "list-xyz_1234.xml is cut after 99 bytes"),
    ("run 17 at 2024-03-05 09:14:07", "run 18 at 2024-03-06 09:14:09"),
    ("no answer from 127.0.0.1:40321", "no answer from 127.0.0.1:50000"),
    ("no answer for 13.5 seconds", "no answer for 600 seconds"),
    (
        "https://source:8444/x answers with status 503: request 4711abc",
        "https://source:8444/x answers with status 503: request 4712xyz, try later",
    ),
    ("<httpx.Client object at 0x7fc54461f9d0>", "<httpx.Client object at 0x7fc54461f000>"),
    ("item 0f8fad5b-d9cb-469f-a165-70867728950e", "item 7c9e6679-7425-40de-944b-e07fc1f90ae7"),
    ("digest 4f3c2b1a0099aabb is wrong", "digest 5f3c2b1a0099aabc is wrong"),
]


@pytest.mark.parametrize(("one", "other"), THE_SAME)
def test_what_differs_each_time_makes_no_other_news(one: str, other: str) -> None:
    assert fingerprint(Story(SourceError(one)).report) == fingerprint(
        Story(SourceError(other)).report
    )


ANOTHER = [
    ("answers with status 503: x", "answers with status 404: x"),
    ("property type NOTES2: other data type", "property type NOTES3: other data type"),
    ("sample type TYPE_2 is missing", "sample type TYPE_3 is missing"),
    ("20240110090000050-50 is unreadable", "20240110090000050-51 is unreadable"),
    ("connection refused", "certificate has expired"),
]


@pytest.mark.parametrize(("one", "other"), ANOTHER)
def test_another_failure_is_other_news(one: str, other: str) -> None:
    assert fingerprint(Story(SourceError(one)).report) != fingerprint(
        Story(SourceError(other)).report
    )


def test_the_verdict_the_items_and_the_deletions_make_the_news() -> None:
    other = ItemError(FAULT.kind, "20240110090000050-51", FAULT.reason)
    stories = [
        Story(SourceError("gone")),
        Story(FormatError("gone")),
        Story(OSError(28, "No space left on device", "/tmp/a")),  # noqa: S108 - only a name
        Story(OSError(13, "Permission denied", "/tmp/a")),  # noqa: S108 - only a name
        Story(FAULT),
        Story(other),
        Story(failed=(FAULT,)),
        Story(failed=(FAULT, other)),
        Story(failed=(FAULT,), held={"SAMPLE": 9}),
        Story(held={"SAMPLE": 9}),
        Story(held={"SAMPLE": 10}),
        Story(held={"DATA_SET": 9}),
    ]
    assert len({fingerprint(story.report) for story in stories}) == len(stories)


def test_neither_order_nor_reason_nor_file_name_make_other_news() -> None:
    other = ItemError("SAMPLE", "1-2", "x")
    again = ItemError(FAULT.kind, FAULT.perm_id, "the file a.txt is too short by 17 bytes")
    assert fingerprint(Story(failed=(FAULT, other)).report) == fingerprint(
        Story(failed=(other, again)).report
    )
    assert fingerprint(Story(OSError(28, "full", "/tmp/x1")).report) == fingerprint(  # noqa: S108 - only a name
        Story(OSError(28, "full", "/tmp/x2")).report  # noqa: S108 - only a name
    )


def test_a_text_that_cannot_be_written_has_a_fingerprint() -> None:
    assert fingerprint(Story(SourceError("file \udcff")).report)


def test_steady_texts_keep_their_words() -> None:
    assert steady("DS1 (run 7):\n  5 of 1,000 records of TYPE_5") == (
        "DS1 (run #): # of # records of TYPE_5"
    )


def test_the_same_is_told_again_each_day_and_after_a_clock_was_set_back() -> None:
    noon = datetime(2024, 3, 5, 12, tzinfo=UTC)
    last = Notice(fingerprint="a", sent=noon)

    def due_after(hours: float, fingerprint: str = "a") -> bool:
        sent = noon + timedelta(hours=hours)
        return is_due(last, Notice(fingerprint=fingerprint, sent=sent))

    assert not due_after(0)
    assert not due_after(1)
    assert not due_after(AGAIN / timedelta(hours=1) - 0.01)
    assert due_after(23.5)  # a daily run that was quicker than yesterday's
    assert due_after(0.1, "b")
    assert due_after(-48)
    assert is_due(None, last)
