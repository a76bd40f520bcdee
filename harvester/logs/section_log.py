"""The log of a section: what its runs did, in the original's order, and nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from harvester.logs.log_files import LogFileHandler, tidy
from harvester.logs.log_format import formatter
from harvester.logs.step_progress import StepProgress, every
from harvester.logs.summaries import called, figures, groups, short_summary, title_lines
from harvester.runs.name_list import NameList
from harvester.runs.progress import WATCH, Progress
from harvester.runs.read_list import ReadList
from harvester.runs.report import Outcome
from harvester.runs.run_log import Fields
from harvester.runs.stopping import RunLimits
from harvester.settings.section import SectionSettings
from shared.edges import OnError
from shared.errors import ConfigError, ItemError

# Bytes; mail servers refuse much larger mails.
_LONGEST_TAIL = 5_000_000
# Seconds between two lines about the progress of a step.
_NOW_AND_THEN = 10.0
_NO_FIELDS: Fields = {}
_PLAN = "Changes, field by field"


@dataclass(slots=True)
class _Context:
    """The section, run, pass and step of the records of a log."""

    section: str
    run: int | None = None
    dry_run: bool | None = None
    step: str | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        told: dict[str, object] = {"section": self.section}
        if self.run is not None:
            told["run"] = self.run
        if self.dry_run is not None:
            told["pass"] = "dry run" if self.dry_run else "real"
        if self.step is not None:
            told["step"] = self.step
        record.context = told
        return True


class SectionLog:
    """The log of one run of a section."""

    def __init__(self, log: logging.Logger, file: LogFileHandler, config: SectionSettings) -> None:
        self.logger = log
        self._file = file
        self._config = config
        self._limits: RunLimits | None = None
        self._context = _Context(config.name)
        file.addFilter(self._context.filter)

    def begins(
        self, lines: Sequence[str], fields: Fields, *, run: int | None, limits: RunLimits | None
    ) -> None:
        """Write the head of a run; its last line is the most important. ``run`` is the number of
        the run; the ``limits`` know how many bytes have come."""
        self._context.run, self._limits = run, limits
        self._tell("banner", lines[-1], fields, lines=tuple(lines))

    def read(self, metadata: ReadList) -> None:
        """Write what the list shows."""
        at = metadata.at.astimezone().isoformat(sep=" ", timespec="milliseconds")
        unchanged = ""
        if metadata.unchanged:
            unchanged = f"; {metadata.unchanged:,} of them are as they were in the last list"
        self._tell(
            "list",
            f"The list shows {metadata.entities:,} items as of {at}{unchanged}",
            {
                "items": metadata.entities,
                "unchanged": metadata.unchanged,
                "at": metadata.at.isoformat(),
                "unreadable": len(metadata.faults),
            },
        )
        for fault in metadata.faults:
            self._failed("unreadable", fault)
        self._remark(metadata.remarks)

    def pass_begins(self, *, dry_run: bool) -> None:
        if self._context.dry_run:
            self._tell("pass", "The dry run is finished")
        self._context.dry_run, self._context.step = dry_run, None
        mode = "DRY RUN: nothing is changed" if dry_run else "REAL RUN: the same in earnest"
        self._tell("pass", mode)

    @contextmanager
    def step(self, title: str) -> Iterator[Progress]:
        """Surrounds each step, reading included; gives the step its progress."""
        self._context.step = title
        self._tell("step", f"[{title}] monitoring started")
        rehearsed = " (dry run)" if self._context.dry_run else ""
        label = f"[{self._config.name}] {title}{rehearsed}"
        with WATCH.bar(label, self._received) as bar:
            progress = StepProgress(title, self._progress, self._received, bar)
            # inner to the step's context, so that lines about an error name this step
            with (
                OnError(partial(progress.tell, "broken off")),
                every(_NOW_AND_THEN, progress.tell_if_moved),
            ):
                yield progress
        progress.tell("finished")
        self._context.step = None

    def outcome(self, title: str, outcome: Outcome) -> None:
        """Write what a step did: always the counts; the items if the section is verbose;
        definitions of master data in every dry run, too."""
        self._context.step = title
        changes = f"{title}: {outcome.changes:,} changes"
        self._tell("summary", changes, figures(outcome), lines=tuple(short_summary(title, outcome)))
        if self._config.verbose or (self._context.dry_run and outcome.verbose):
            self._itemize(outcome)
        for names in (*outcome.names.values(), *outcome.lists.values()):
            names.forget()
        if outcome.plan:
            self._tell("items", _PLAN, {"number": len(outcome.plan)}, lines=title_lines(_PLAN))
            for line in outcome.plan:
                self._tell("item", line)
        self._remark(outcome.remarks)
        for error in outcome.failed:
            self._failed("failed", error)
        self._context.step = None

    def tail(self) -> bytes:
        """What this run has written so far, for the mail; without its beginning if it is very
        long."""
        try:
            return self._file.tail(_LONGEST_TAIL)
        except OSError as error:
            return f"The log cannot be read: {error}\n".encode()

    def _itemize(self, outcome: Outcome) -> None:
        for group in groups(outcome):
            kind, verb, _ = group
            self._list(called(group), outcome.names[group], {"kind": kind, "verb": verb})
        for title, names in sorted(outcome.lists.items()):
            self._list(title, names, {})

    def _list(self, title: str, names: NameList, fields: Fields) -> None:
        self._tell("items", title, fields | {"number": len(names)}, lines=title_lines(title))
        for name in names:
            self._tell("item", name, fields)
        if names.lost:
            self._tell("items", f"and {names.lost:,} more, for whose names the disk had no space")

    def _remark(self, remarks: Iterable[str]) -> None:
        for remark in remarks:
            self._tell("remark", f"Note: {remark}", level=logging.WARNING)

    def _failed(self, event: str, error: ItemError) -> None:
        fields: Fields = {"kind": error.kind, "perm_id": error.perm_id, "reason": error.reason}
        self._tell(event, f"{event.upper()}: {error}", fields, level=logging.ERROR)

    def _progress(self, line: str, fields: Fields) -> None:
        self._tell("progress", line, fields)

    def _received(self) -> int:
        return self._limits.transferred if self._limits else 0

    def _tell(
        self,
        event: str,
        text: str,
        fields: Fields = _NO_FIELDS,
        *,
        level: int = logging.INFO,
        lines: Sequence[str] = (),
    ) -> None:
        extra = {"event": event, "lines": lines, "fields": fields}
        self.logger.log(level, "%s", text, extra=extra)


@contextmanager
def section_log(config: SectionSettings) -> Iterator[SectionLog]:
    """The log file of a section; its lines appear nowhere else. `ConfigError` if the file cannot be
    opened."""
    log = logging.getLogger(f"harvester.section.{config.alias}")
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        config.log_file.parent.mkdir(parents=True, exist_ok=True)
        tidy(config.log_file, config.log_retention_days)
        file = LogFileHandler(config.log_file)
    except OSError as error:
        raise ConfigError(f"[{config.name}] log-file: cannot be opened: {error}") from error
    file.setFormatter(formatter(config.log_format))
    log.addHandler(file)
    try:
        yield SectionLog(log, file, config)
    finally:
        log.removeHandler(file)
        file.close()
