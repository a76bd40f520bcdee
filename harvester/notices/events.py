"""Which events of a run are sent to operators, and when two of them are the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from hashlib import blake2b

from harvester.memory.runs import SUCCESSES, Verdict
from harvester.runs.report import Verb
from harvester.runs.section_report import SectionReport
from shared.errors import BusyError, ItemError, StoppedError, SyncError


class Event(StrEnum):
    """What is sent. The web hook has the same words."""

    FAILED = "failed"
    PARTLY_FAILED = "partly-failed"
    HELD_BACK = "deletions-held-back"
    STALLED = "stalled"
    # Sent only after one of the events above.
    RECOVERED = "recovered"
    # An event of the settings, not of a run.
    CANNOT_START = "cannot-start"


# The first subject is the original's, since operators filter by it.
SUBJECTS = {
    Event.FAILED: "Synchronization{} failed",
    Event.PARTLY_FAILED: "Synchronization{} partly failed",
    Event.HELD_BACK: "Synchronization{} holds deletions back",
    Event.STALLED: "Synchronization stalled",
    Event.RECOVERED: "Synchronization{} works again",
    Event.CANNOT_START: "Synchronization cannot start",
}
_DRY_RUN = " (dry run)"


def event_of(report: SectionReport) -> Event | None:
    """None if nothing is to be sent, and the run was no success either."""
    match report.error:
        case StoppedError(stalled=True):
            return Event.STALLED
        case StoppedError() | BusyError():
            return None
        case None:
            return _event_without_error(report)
        case _:
            return Event.FAILED


def _event_without_error(report: SectionReport) -> Event | None:
    if report.verdict in SUCCESSES:
        return None if report.not_due else Event.RECOVERED
    events = {Verdict.PARTIAL: Event.PARTLY_FAILED, Verdict.HELD_BACK: Event.HELD_BACK}
    return events.get(report.verdict)


def subject_of(event: Event, report: SectionReport) -> str:
    """A run that ended before its real pass began counts as a dry run, as in the original."""
    return SUBJECTS[event].format(_DRY_RUN if report.rehearsed_only else "")


def fingerprint(report: SectionReport) -> str:
    """The same text for the same failure in each run."""
    return digest(*_marks(report))


def digest(*marks: str) -> str:
    return blake2b("\n".join(marks).encode(errors="replace"), digest_size=16).hexdigest()


def _marks(report: SectionReport) -> Iterator[str]:
    yield f"{event_of(report)} {report.verdict}"
    if report.error:
        yield _mark_of(report.error)
        return
    yield from sorted(f"{error.kind} {error.perm_id}" for error in report.failed)
    counts = report.passes[-1].counts if report.passes else {}
    for (kind, verb), number in sorted(counts.items()):
        if verb == Verb.HELD_BACK:
            yield f"{kind} {number}"


def _mark_of(error: BaseException) -> str:
    match error:
        case ItemError():
            return f"{error.kind} {error.perm_id}"
        case OSError(errno=int()):  # its text may name a temporary file
            return f"{type(error).__name__} {error.errno}"
        case SyncError():
            return steady(str(error))
        case _:
            return f"{type(error).__name__} {steady(str(error))}"


# Memory addresses, ids, temporary files, times, and numbers outside of names. Codes and perm ids
# stay, since they say what has failed.
_VOLATILE = (
    re.compile(r"0x[0-9a-fA-F]+"),
    re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"),
    re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{12,}\b"),
    re.compile(r"\blist-\w{8}\b"),
    re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?Z?)?"),
    re.compile(r"(?<![\w-])\d+(?:[.,:]\d+)*(?![\w-])"),
)
# The status of an HTTP answer. It counts; the body may differ each time.
_STATUS = re.compile(r"\bstatus (\d{3})\b.*", re.DOTALL)


def steady(text: str) -> str:
    """The text without what differs between two occurrences of one fault."""
    text = _STATUS.sub(r"status_\1", text)
    for pattern in _VOLATILE:
        text = pattern.sub("#", text)
    return " ".join(text.split())
