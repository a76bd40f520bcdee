"""One run of a repository section: the dry-run pass first, then the real pass.

The repository's lists are read before both passes, so both use the same lists, and no transaction
waits for the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import make_url

from harvester.http.tls import warn_if_unverified
from harvester.memory.failures import remember_failures
from harvester.runs.job import Job
from harvester.runs.passes import begin_pass, take_step
from harvester.runs.progress import Progress
from harvester.runs.read_list import ReadList
from harvester.runs.report import Outcome
from harvester.runs.watchdog import watched
from opendcim.sync.bundles.bundle import Bundle, opened_bundle
from opendcim.sync.bundles.bundled_submissions import push_bundled
from opendcim.sync.installation.database import Database, opened
from opendcim.sync.interval import local_text
from opendcim.sync.one_pass import Outbox, Pass
from opendcim.sync.repository.connection import RepositoryConnection
from opendcim.sync.repository.lists import ListedRecords, Repository
from opendcim.sync.repository.memory import Memory
from opendcim.sync.repository.outbox import RealOutbox, RehearsedOutbox
from opendcim.sync.repository.queue import Queue
from opendcim.sync.section import RepositorySection, Units
from opendcim.sync.steps.manufacturers import synchronize_manufacturers
from opendcim.sync.steps.picture_keeping import RealPictures, RehearsedPictures
from opendcim.sync.steps.pulling import pull_subscriptions
from opendcim.sync.steps.pushing import push_templates
from shared.addresses import shown_url
from shared.store.engine import Transaction, database_errors, interrupt, rehearsal, viewing, work

_READING = "Read the repository"
_STEPS: tuple[tuple[str, Callable[[Pass], Outcome]], ...] = (
    ("Synchronize manufacturers", synchronize_manufacturers),
    ("Pull subscriptions", pull_subscriptions),
    ("Push templates", push_templates),
)
# The order of openDCIM since 4.1.
STEPS = (_READING, *(title for title, _ in _STEPS))


def synchronise(job: Job[RepositorySection]) -> None:
    """Record what happens. Errors of the whole section are raised."""
    with _opened(job) as work_at_hand:
        work_at_hand.perform()


@contextmanager
def _opened(job: Job[RepositorySection]) -> Iterator[_Synchronisation]:
    config = job.config
    memory = Memory(config.opendcim_state_dir, config.repository_url)
    with ExitStack() as stack:
        database = stack.enter_context(opened(config))
        stack.enter_context(database_errors(database.engine))
        local = stack.enter_context(database.engine.connect())
        with viewing(local):
            units = config.units or database.units(local)
        _tell_beginning(job, memory, units)
        warn_if_unverified(config, job.log.logger)
        wire = RepositoryConnection(config, job.limits, job.log.logger, memory)
        stack.callback(wire.close)
        repository = Repository(wire, forced=job.options.forced)
        bundle = opened_bundle(job.options.bundle, config) if job.options.bundle else None
        if bundle:
            stack.callback(bundle.close)
        yield _Synchronisation(
            job=job,
            database=database,
            local=local,
            memory=memory,
            wire=wire,
            repository=repository,
            bundle=bundle,
            units=units,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Synchronisation:
    """What both passes share."""

    job: Job[RepositorySection]
    database: Database
    local: sqlalchemy.Connection
    memory: Memory
    wire: RepositoryConnection
    repository: Repository
    bundle: Bundle | None
    units: Units

    def perform(self) -> None:
        job = self.job
        with watched(job.limits, self.wire.abort, self._interrupt):
            metadata = self._read()
            job.recorder.has_read(metadata)
            job.log.read(metadata)
            with rehearsal(self.local) as transaction:
                self._walk(self._pass(transaction, rehearsed=True))
            if job.config.dry_run:
                return
            with work(self.local) as transaction:
                self._walk(self._pass(transaction, rehearsed=False))
        if self.bundle is not None:
            return
        # A dry run does not come here: the real run after it must be due.
        self.memory.has_run(job.started)
        self.memory.leave_alone(None)
        with work(job.connection) as transaction, transaction():
            alias, failed = job.config.alias, job.recorder.harvested.failed
            remember_failures(job.connection, alias, failed, datetime.now(UTC), waiting=set())

    def _read(self) -> ReadList:
        """Reads all lists that the passes need."""
        with self.job.log.step(_READING) as progress:
            source = self._source
            manufacturers = source.manufacturers()
            faults, count = list(manufacturers.faults), len(manufacturers.values)
            for number in self._subscriptions():
                self.job.limits.check()
                found: ListedRecords[Any] = source.templates(number)
                faults += found.faults
                count += len(found.values)
                progress.advance(len(found.values))
        return ReadList(
            at=self.bundle.made if self.bundle else self.job.started,
            entities=count,
            faults=tuple(faults),
            remarks=tuple(self._remarks()),
        )

    def _remarks(self) -> Iterator[str]:
        yield from self.database.shortcomings
        if self.wire.shows_key:
            yield "the API key goes over the network unencrypted; set an https address"

    def _subscriptions(self) -> list[int]:
        """The repository's ids of manufacturers that will be subscribed after the first step."""
        if self.bundle and self.bundle.submissions is not None:
            return []
        # A manufacturer without a link gets its id only in the first step: it is done here, and
        # rolled back.
        with rehearsal(self.local) as transaction:
            run = self._pass(transaction, rehearsed=True)
            synchronize_manufacturers(run)
            found = run.installation.manufacturers()
            return sorted(one.global_id for one in found if run.is_subscribed(one))

    @property
    def _source(self) -> Bundle | Repository:
        """The bundle, unless it has submissions: these go to the repository."""
        is_published = self.bundle and self.bundle.submissions is None
        return self.bundle if self.bundle and is_published else self.repository

    def _pass(self, transaction: Transaction, *, rehearsed: bool) -> Pass:
        config, memory, source = self.job.config, self.memory, self._source
        folder = config.pictures_dir
        real = RealPictures(folder=folder, memory=memory, source=source)
        seen: dict[int, str] = {}
        run = Pass(
            config=config,
            database=self.database,
            connection=self.local,
            transaction=transaction,
            source=source,
            pictures=RehearsedPictures(folder=folder, memory=memory) if rehearsed else real,
            outbox=self._outbox(seen, rehearsed=rehearsed),
            units=self.units,
            memory=memory,
            seen=seen,
            limits=self.job.limits,
            rehearsed=rehearsed,
        )
        real.run = run
        return run

    def _outbox(
        self,
        seen: dict[int, str],
        *,
        rehearsed: bool,
        folder: Path | None = None,
        units: Units | None = None,
    ) -> RehearsedOutbox | RealOutbox | None:
        folder, units = folder or self.job.config.pictures_dir, units or self.units
        if not self.wire.has_key:
            return None
        if rehearsed:
            return RehearsedOutbox(folder=folder, units=units, memory=self.memory)
        return RealOutbox(
            folder=folder,
            units=units,
            memory=self.memory,
            queue=Queue(self.wire),
            seen=seen,
            repository=self.repository,
        )

    def _walk(self, run: Pass) -> None:
        """One pass through the steps."""
        begin_pass(self.job, dry_run=run.rehearsed)
        for title, step in self._steps(rehearsed=run.rehearsed):
            run.limits.check()
            take_step(self.job, title, partial(_take, step, run))

    def _steps(self, *, rehearsed: bool) -> Sequence[tuple[str, Callable[[Pass], Outcome]]]:
        """A bundle either brings templates, or takes submissions along."""
        if self.bundle is None:
            return _STEPS
        if self.bundle.submissions is None:
            return _STEPS[:2]

        def outbox(folder: Path, units: Units) -> Outbox | None:
            return self._outbox({}, rehearsed=rehearsed, folder=folder, units=units)

        return ((_STEPS[2][0], partial(push_bundled, bundle=self.bundle, outbox=outbox)),)

    def _interrupt(self) -> None:
        """Ends the statement in work on SQLite; those on MariaDB end by their time-out."""
        if self.local.dialect.name == "sqlite":
            interrupt(self.local)


def _take(step: Callable[[Pass], Outcome], run: Pass, progress: Progress) -> Outcome:
    return step(replace(run, progress=progress))


def _tell_beginning(job: Job[RepositorySection], memory: Memory, units: Units) -> None:
    config = job.config
    database = make_url(config.opendcim_database_url.get_secret_value())
    last = memory.last_run
    mode = "dry run only" if config.dry_run else "dry run first, then the same in earnest"
    bundle = job.options.bundle
    source = f"Bundle: {bundle}" if bundle else f"Repository: {config.repository_url}"
    lines = [
        "=" * 60,
        f"{source}, user: {config.api_user_id or 'none'}",
        f"openDCIM: {shown_url(database)}, weights: {units}",
        f"Mode: {mode}",
        f"Last synchronization: {local_text(last) if last else 'never'}",
    ]
    fields: dict[str, object] = {
        "source": config.repository_url,
        "user": config.api_user_id,
        "bundle": str(bundle) if bundle else None,
        "dry_run": config.dry_run,
        "last": last.isoformat() if last else None,
    }
    job.log.begins(lines, fields, run=job.run, limits=job.limits)
