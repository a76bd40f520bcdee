"""What the daemon's ``/healthz`` and ``/metrics`` show (`shared.monitoring` serves them).

The age of the data comes from the destination's memory of runs, which survives the daemon and has
the runs of ``harvester run``, too; the daemon itself counts what was done since it started.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import Connection

from harvester.daemon.activity import Watch
from harvester.memory.failures import failed_items
from harvester.memory.held import held_back_count
from harvester.memory.runs import HARVESTED, SUCCESSES, RunRecord, Verdict, counts_of, last_run
from harvester.settings.section import SectionSettings
from shared.errors import SyncError
from shared.monitoring import Health
from shared.store.engine import database_errors, opened_store, viewing

_PREFIX = "openbis_sync_harvester_"


def health(watch: Watch) -> Health:
    """Whether the daemon works and its database answers. A source that fails does not make the
    daemon unhealthy: the metrics show it."""
    reasons = [] if watch.is_alive else ["the daemon does not look at the clock any more"]
    verdicts = {}
    try:
        with _destination(watch) as connection:
            for section in watch.sections:
                last = last_run(connection, section.alias, Verdict)
                verdicts[section.name] = last.verdict if last else None
    except SyncError as error:
        reasons.append(str(error))
    return Health(
        ok=not reasons,
        details={
            "reasons": reasons,
            "next_run": _timestamp(watch.next_run),
            "running": {name: _timestamp(since) for name, since in watch.running.items()},
            "last_verdicts": verdicts,
        },
    )


def metrics(watch: Watch) -> Iterator[Metric]:
    """While the database does not answer, only what the daemon itself has counted."""
    shown = _Gauges()
    shown.add("build_info", "The program.", 1, version=_version(), python=platform.python_version())
    shown.add("start_time_seconds", "When the daemon was started.", watch.started.timestamp())
    if watch.next_run:
        help_text = "When the next execution is due."
        shown.add("next_run_timestamp_seconds", help_text, watch.next_run.timestamp())
    running = watch.running
    for section in watch.sections:
        help_text = "Whether this daemon works on the section."
        shown.add("running", help_text, section.name in running, section=section.name)
    answers = True
    try:
        with _destination(watch) as connection:
            for section in watch.sections:
                _add_section(shown, connection, section)
    except SyncError:
        answers = False
    shown.add("database_up", "Whether the destination's database answers.", answers)
    yield from shown.families.values()
    yield from _totals(watch)


@contextmanager
def _destination(watch: Watch) -> Iterator[Connection]:
    """A new connection each time, so that the answer is true even if the database has changed.
    Raises `SyncError`."""
    with (
        opened_store(watch.settings.database_url) as engine,
        database_errors(engine),
        engine.connect() as connection,
        viewing(connection),
    ):
        yield connection


@dataclass(slots=True)
class _Gauges:
    """Families of metrics, made when they are first used. The labels of a family never change."""

    families: dict[str, GaugeMetricFamily] = field(default_factory=dict)

    def add(self, name: str, help_text: str, value: float, **labels: str) -> None:
        if name not in self.families:
            self.families[name] = GaugeMetricFamily(_PREFIX + name, help_text, labels=tuple(labels))
        self.families[name].add_metric(tuple(labels.values()), float(value))


def _add_section(shown: _Gauges, connection: Connection, section: SectionSettings) -> None:
    name, now = section.name, datetime.now(UTC)
    success = last_run(connection, section.alias, SUCCESSES)
    if success and success.ended:
        shown.add(
            "last_success_timestamp_seconds",
            "When the last run ended that left nothing to do.",
            success.ended.timestamp(),
            section=name,
        )
        shown.add(
            "last_success_age_seconds",
            "How long ago the last run ended that left nothing to do.",
            (now - success.ended).total_seconds(),
            section=name,
        )
    harvested = last_run(connection, section.alias, HARVESTED)
    if harvested and harvested.at:
        shown.add(
            "lag_seconds",
            "How long ago the source looked as the last list that was harvested.",
            (now - harvested.at).total_seconds(),
            section=name,
        )
    if last := last_run(connection, section.alias, Verdict):
        _add_last_run(shown, name, last, counts_of(connection, last.id))
    shown.add(
        "failed_items_waiting",
        "Items that failed and will be tried again.",
        len(failed_items(connection, section.alias)),
        section=name,
    )
    shown.add(
        "held_back_deletions",
        "Deletions that wait to be released.",
        held_back_count(connection, section.alias),
        section=name,
    )


def _add_last_run(
    shown: _Gauges, name: str, last: RunRecord, counts: dict[tuple[str, str], int]
) -> None:
    ended = last.ended or last.started
    shown.add(
        "last_run_timestamp_seconds",
        "When the last run that has ended began.",
        last.started.timestamp(),
        section=name,
    )
    shown.add(
        "last_run_duration_seconds",
        "How long the last run took.",
        (ended - last.started).total_seconds(),
        section=name,
    )
    shown.add("last_run_transferred_bytes", "Bytes of files in it.", last.bytes, section=name)
    # Each verdict has a value, so that the one before goes to 0 instead of vanishing.
    for verdict in Verdict:
        shown.add(
            "last_run_verdict",
            "How the last run ended: 1 for the verdict that fits.",
            verdict is last.verdict,
            section=name,
            verdict=verdict.value.replace(" ", "_"),
        )
    for (kind, action), number in counts.items():
        shown.add(
            "last_run_items",
            "What the last run did, by kind and action.",
            number,
            section=name,
            kind=kind,
            action=action.replace(" ", "_"),
        )


def _totals(watch: Watch) -> Iterable[Metric]:
    """Counters since the daemon started, as usual in Prometheus. A section without any run shows 0,
    so that the first failure is an increase."""
    totals = watch.totals
    names = [section.name for section in watch.sections]
    runs = _counter("runs", "Runs by verdict.", "section", "verdict")
    for name, verdict in sorted({*totals.runs, *((n, v) for n in names for v in Verdict)}):
        runs.add_metric((name, verdict.value.replace(" ", "_")), totals.runs[name, verdict])
    items = _counter("items", "Items by what was done with them.", "section", "action")
    for (name, action), number in sorted(totals.items.items()):
        items.add_metric((name, action.replace(" ", "_")), number)
    failures = _counter("item_failures", "Tries of items that failed.", "section")
    transferred = _counter("transferred_bytes", "Bytes of files.", "section")
    for name in sorted({*totals.failures, *names}):
        failures.add_metric((name,), totals.failures[name])
        transferred.add_metric((name,), totals.transferred[name])
    return runs, items, failures, transferred


def _counter(name: str, help_text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(
        f"{_PREFIX}{name}", f"{help_text[:-1]}, since the start.", labels=labels
    )


def _version() -> str:
    try:
        return version("openbis-sync")
    except PackageNotFoundError:
        return "unknown"


def _timestamp(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
