"""The text of the mail about a run."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

from harvester.memory.notices import Notice, Setbacks
from harvester.notices.advice import advice
from harvester.notices.events import Event, subject_of
from harvester.runs.plain_text import plain_line
from harvester.runs.report import PassReport, Verb
from harvester.runs.section_report import SectionReport
from harvester.runs.section_work import steps_of
from harvester.settings.section import SectionSettings
from shared.errors import ConfigError, ConflictError, SyncError
from shared.masking import masked

# Deletions that are named.
MOST_HELD = 20
_MOST_ITEMS = 10
_LONGEST_LINE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is to be sent about a run. ``held`` names some of the deletions that wait; ``setbacks``
    and ``last`` are the failures that a recovery ends, and the last notice of them."""

    event: Event
    config: SectionSettings
    report: SectionReport
    ended: datetime
    held: Sequence[str] = ()
    setbacks: Setbacks | None = None
    last: Notice | None = None

    @property
    def subject(self) -> str:
        return subject_of(self.event, self.report)

    @property
    def source(self) -> str:
        return without_query(self.config.source_url)

    @property
    def failing_since(self) -> datetime | None:
        if self.setbacks:
            return self.setbacks.since
        return self.last.sent if self.last else None

    @property
    def held_by_kind(self) -> dict[str, int]:
        counts = last_pass(self.report).counts
        return {kind: n for (kind, verb), n in sorted(counts.items()) if verb == Verb.HELD_BACK}

    @property
    def held_reasons(self) -> list[str]:
        """The remarks of the steps that hold back, without the names in ``held``."""
        remarks = last_pass(self.report).held_back_remarks
        return [text for text in remarks if not (self.held and text.startswith("held back: "))]

    @property
    def release(self) -> str | None:
        """The command that lets the deletions through; a rehearsal holds nothing back."""
        waits = self.report.held_back and self.report.run and not self.report.rehearsed_only
        return f"harvester release {self.report.run}" if waits else None


def without_query(url: str) -> str:
    """The query may hold a token."""
    return urlunsplit(urlsplit(url)._replace(query=""))


def last_pass(report: SectionReport) -> PassReport:
    return report.harvested.last or PassReport(dry_run=True)


def body_of(news: News) -> str:
    """All that an operator needs to know before reading the log."""
    known = advice(news.event, news.report.verdict)
    parts = [
        [known.what, *_effect(news)],
        list(_place(news)),
        list(_error(news)),
        list(_failures(news)),
        list(_held_back(news)),
        list(_waiting(news)),
        list(_recovery(news)),
        [f"What to do: {known.todo}"],
        list(_more(news)),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _effect(news: News) -> Iterator[str]:
    if news.report.rehearsed_only:
        yield "Nothing was changed here: it was only rehearsed so far."
    elif news.event in {Event.FAILED, Event.STALLED}:
        yield "What was done before stays, and is consistent; the next run goes on from there."


def _place(news: News) -> Iterator[str]:
    report, config = news.report, news.config
    yield f"Section:     [{config.name}], alias {config.alias}"
    yield f"Data source: {news.source}, as user {config.source_user or 'nobody'}"
    yield f"Harvester:   {socket.gethostname()}"
    yield f"Run:         {_times(news)}"
    if news.event in {Event.FAILED, Event.STALLED} and (step := _step(news)):
        yield f"Step:        {step}"
    if news.event in {Event.PARTLY_FAILED, Event.RECOVERED}:
        yield f"It ended:    {plain_line(report.last_line)}"


def _times(news: News) -> str:
    number = news.report.run or "without a number, since it could not be noted down"
    return f"{number}; {shown(news.report.started)} to {shown(news.ended)}"


def shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _step(news: News) -> str | None:
    """The step that failed: the first one that is not done."""
    reading, *following = steps_of(news.config)
    if not news.report.passes:
        return reading
    done = news.report.passes[-1].steps
    left = (title for title in following if title not in done)
    which = "dry run" if news.report.rehearsed_only else "real pass"
    return next((f"{title} ({which})" for title in left), None)


def _error(news: News) -> Iterator[str]:
    error = news.report.error
    if error is None:
        return
    yield "The error:"
    match error:
        case ConflictError():
            yield from _listed(error.reasons)
        case ConfigError():
            yield from _listed(error.faults)
        case SyncError():
            yield from _listed([str(error)])
        case _:
            yield from _listed([masked(f"{type(error).__name__}: {error}")])


def _listed(lines: Sequence[str], most: int = _MOST_ITEMS) -> Iterator[str]:
    for line in lines[:most]:
        yield f"  {plain_line(line, _LONGEST_LINE)}"
    if len(lines) > most:
        yield f"  ... and {len(lines) - most:,} more"


def _failures(news: News) -> Iterator[str]:
    failed = news.report.failed
    if not failed:
        return
    counts = Counter(error.kind or "unknown" for error in failed)
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(counts.items()))
    yield f"Not synchronized: {kinds}"
    yield from _listed([str(error) for error in failed])


def _held_back(news: News) -> Iterator[str]:
    kinds = news.held_by_kind
    if not kinds:
        return
    numbers = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items())
    yield f"Deletions held back: {numbers}"
    yield from _listed(news.held_reasons)
    if news.held:
        yield "Among them:"
        yield from _listed(news.held, MOST_HELD)
    if more := news.report.held_back - len(news.held):
        yield f"  ... and {more:,} more" if news.held else f"  {more:,} in all"
    if news.release:
        yield f"If they are right: {news.release}"


def _waiting(news: News) -> Iterator[str]:
    """Files that have not come, which is no failure."""
    if text := news.report.waiting_files:
        yield f"{text}: the data source cannot give them now; they come when it can."


def _recovery(news: News) -> Iterator[str]:
    if news.event is not Event.RECOVERED:
        return
    if since := news.failing_since:
        yield f"It had failed since {shown(since)}."
    if news.setbacks:
        runs = ", ".join(f"{number:,} {name}" for name, number in news.setbacks.runs.items())
        yield f"Runs without success in between: {runs}"
    yield "What this run did:"
    counts = sorted(last_pass(news.report).counts.items())
    yield from (f"  {number:,} {kind} {verb}" for (kind, verb), number in counts)
    if not counts:
        yield "  nothing: nothing differs"


def _more(news: News) -> Iterator[str]:
    if news.report.run:
        yield f"More: harvester show {news.report.run}"
    yield f"Log:  {news.config.log_file}"
