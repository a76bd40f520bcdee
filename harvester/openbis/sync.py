"""The main job: one section, the dry-run pass first, then the same steps in earnest."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby

from harvester.openbis.banner import banner_fields, banner_lines
from harvester.openbis.destination.embedded.whole import opened
from harvester.openbis.destination.port.rows import ORIGINAL_STAMPS, Stamps
from harvester.openbis.destination.port.whole import SectionDestination, Transaction
from harvester.openbis.failed_items import Standing, postponed, remember, standing
from harvester.openbis.inspecting import NO_DAMAGE, Damage, Inspector
from harvester.openbis.reading import read_metadata
from harvester.openbis.section import SectionConfig
from harvester.openbis.selection import changes, written
from harvester.openbis.source.selected_list import selected_list
from harvester.openbis.source.source import Source
from harvester.openbis.state import LastSync, read_state, write_state
from harvester.openbis.steps.attachments import register_attachments
from harvester.openbis.steps.data_sets import register_data_sets
from harvester.openbis.steps.deletions import delete_entities, remove_files
from harvester.openbis.steps.entities import register_entities
from harvester.openbis.steps.frozen_flags import copy_frozen_flags, copy_immutable_times
from harvester.openbis.steps.master_data import register_master_data
from harvester.openbis.steps.service_files import register_service_files
from harvester.openbis.steps.timestamps_and_users import copy_timestamps_and_users
from harvester.openbis.sync_run import Metadata, SyncRun
from harvester.openbis.transfers.real_transfers import RealTransfers
from harvester.openbis.transfers.rehearsed_transfers import RehearsedTransfers
from harvester.openbis.transfers.transfers import Transfers
from harvester.openbis.unchanged import kept
from harvester.runs.job import Job
from harvester.runs.passes import begin_pass, take_step
from harvester.runs.progress import Progress
from harvester.runs.repairing import Repair
from harvester.runs.report import Outcome
from harvester.runs.stopping import RunLimits
from harvester.runs.watchdog import watched
from shared.checkpoints import checkpoint
from shared.errors import FormatError
from shared.store.engine import interrupt, viewing
from shared.store.files import DataStore
from shared.store.kept_list import KeptList


def _always(_config: SectionConfig) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One of the nine. Steps with ``together`` share a transaction; each other step opens its
    own."""

    title: str
    run: Callable[[SyncRun], Outcome]
    wanted: Callable[[SectionConfig], bool] = _always
    together: bool = False


STEPS = (  # step 1, reading the metadata, has filled the incoming tables
    Step(title="Delete entities", run=delete_entities, together=True),
    Step(title="Register master data", run=register_master_data, together=True),
    Step(title="Register entities", run=register_entities, together=True),
    Step(title="Register attachments", run=register_attachments),
    Step(title="Synchronize files of the file service", run=register_service_files),
    Step(title="Register data sets", run=register_data_sets),
    Step(
        title="Update timestamps and users",
        run=copy_timestamps_and_users,
        wanted=lambda config: config.keep_original_timestamps_and_users,
    ),
    Step(
        title="Update frozen flags",
        run=copy_frozen_flags,
        wanted=lambda config: config.keep_original_frozen_flags,
    ),
    Step(
        title="Update immutable data timestamps",
        run=copy_immutable_times,
        wanted=lambda config: not config.keep_original_frozen_flags,
    ),
)


def synchronise(job: Job[SectionConfig]) -> None:
    """Harvest one section; what happens is recorded. Errors of the whole section raise."""
    config, connection, recorder = job.config, job.connection, job.recorder
    last = read_state(config.last_sync_timestamp_file)
    baseline = bool(job.options.repair) or _is_baseline(config, last, job.started)
    recorder.begins(baseline=baseline)
    lines = tuple(banner_lines(config, last, baseline=baseline))
    job.log.begins(lines, banner_fields(config, last), run=job.run, limits=job.limits)
    _tell_of_selection(job, last)
    with (
        Source(config, job.limits, job.log.logger) as source,
        kept(connection, config, job.started, in_full=baseline) as last_list,
    ):
        # A wrong password or a folder that is not mounted ends the run here, before a list is
        # fetched, which may take hours.
        with viewing(connection):
            destination = opened(connection, config, job.destination.settings)
            items = standing(connection, config, job.started, at_once=bool(job.options.repair))
        metadata = _read(job, source, last_list)
        recorder.has_read(metadata)
        store = destination.store
        section = _Section(
            job=job,
            destination=destination,
            metadata=metadata,
            items=items,
            damage=_look(job, store, items, baseline=baseline),
        )
        with watched(job.limits, source.abort, destination.interrupt):
            with destination.rehearsal() as transaction:
                section.perform(transaction, RehearsedTransfers(store))
            if config.dry_run:
                return
            with destination.work() as transaction:
                transfers = RealTransfers(store, source, config, job.limits, metadata.afs_url)
                section.harvest(transaction, transfers)
            destination.tidy()
    remember(connection, config, items, recorder.harvested)
    _save_cutoff(job, metadata, last, baseline=baseline)


def _save_cutoff(
    job: Job[SectionConfig], metadata: Metadata, last: LastSync | None, *, baseline: bool
) -> None:
    # The original skips what was modified before the cutoff, should an operator go back to it; so
    # the earlier of the two clocks counts, which loses no change.
    cutoff = min(metadata.at, job.started)
    full = cutoff if baseline or last is None else last.full
    now = LastSync(incremental=cutoff, full=full, selection=written(job.config))
    write_state(job.config.last_sync_timestamp_file, now)
    job.log.logger.info("The timestamp of this synchronization has been saved")


def _tell_of_selection(job: Job[SectionConfig], last: LastSync | None) -> None:
    if changed := "; ".join(changes(last.selection if last else None, job.config)):
        job.log.logger.warning(
            "The selection changed since the last run: %s. What is no longer selected is deleted "
            "only if this section has brought it and deletion-allowed is true",
            changed,
        )


def _read(job: Job[SectionConfig], source: Source, last_list: KeptList | None) -> Metadata:
    """Step 1."""
    config, connection = job.config, job.connection
    with (
        job.log.step("Read the resource list") as progress,
        watched(job.limits, source.abort, partial(interrupt, connection)),
        selected_list(source, config, job.log.logger) as items,
    ):
        metadata = read_metadata(
            items, connection, config.prefix, partial(_observe, job.limits, progress), last_list
        )
    job.log.read(metadata)
    faults, records = len(metadata.faults), metadata.entities + len(metadata.faults)
    if config.max_failed_records.is_exceeded(faults, records):
        raise FormatError(
            f"{faults} of {records} records of the list cannot be read, which is more than "
            f"{config.max_failed_records} (max-failed-records); the first: {metadata.faults[0]}"
        )
    return metadata


def _look(job: Job[SectionConfig], store: DataStore, items: Standing, *, baseline: bool) -> Damage:
    """Check the files that are here. This comes before the passes: it takes long, and no writer
    must wait for it."""
    only = None if baseline else items.to_look_after
    if only is not None and not only:
        return NO_DAMAGE
    title = "Look after the files that are here"
    with (
        job.log.step(title) as progress,
        watched(job.limits, partial(interrupt, job.connection)),
    ):
        inspector = Inspector(
            connection=job.connection,
            store=store,
            source=job.config.alias,
            moved=partial(_observe, job.limits, progress, 0),
        )
        # Without a baseline, only items that failed or are asked for are read, which are few.
        contents = not baseline or job.options.repair is Repair.CONTENTS
        return inspector.look(contents=contents, only=only)


def _observe(limits: RunLimits, progress: Progress, count: int) -> None:
    limits.progressed()
    limits.check()
    progress.advance(count)


def _run(step: Step, run: SyncRun, progress: Progress) -> Outcome:
    return step.run(replace(run, progress=progress))


def _is_baseline(config: SectionConfig, last: LastSync | None, started: datetime) -> bool:
    """Whether this run checks the files that are here: every ``full-sync-interval`` days."""
    if last is None or not config.full_sync:
        return False
    return (started - last.full).days >= config.full_sync_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """What both passes of a section have in common."""

    job: Job[SectionConfig]
    destination: SectionDestination
    metadata: Metadata
    items: Standing
    damage: Damage

    def harvest(self, transaction: Transaction, transfers: RealTransfers) -> None:
        """The pass in earnest."""
        job, recorder = self.job, self.job.recorder
        with transaction():
            self.destination.begins(job.config.resource_list_url, job.started)
        self.perform(transaction, transfers)
        recorder.leaves(job.limits.volume_is_used_up)
        complete = not recorder.harvested.failed and not recorder.harvested.unfinished
        checkpoint("all steps are done, and the source does not know")
        with transaction():
            # While items are missing, the mark of this source stays: their rows come later with
            # earlier times, and other harvesters of this destination must not miss them.
            self.destination.ends(self.metadata.at if complete else None)

    def perform(self, transaction: Transaction, transfers: Transfers) -> None:
        """Walk through the steps once."""
        rehearsed = isinstance(transfers, RehearsedTransfers)
        begin_pass(self.job, dry_run=rehearsed)
        checkpoint("a pass begins", "dry run" if rehearsed else "real")
        run = self._run(transaction, transfers)
        # Files that a killed run has left to be moved may lie where the steps put others.
        with transaction():
            remove_files(run)
        for together, steps in groupby(STEPS, key=lambda step: step.together):
            run.limits.check()
            if together:
                with transaction():  # the plan too, so that no other section writes in between
                    run.destination.plan.compare()
                    self._walk(run, list(steps))
                    checkpoint("the steps of one transaction are about to be committed")
                checkpoint("the steps of one transaction are committed")
                with transaction():
                    remove_files(run)
            else:
                self._walk(run, list(steps))
        self.job.recorder.waits(postponed(self.items, self.job.recorder.harvested))

    def _run(self, transaction: Transaction, transfers: Transfers) -> SyncRun:
        return SyncRun(
            config=self.job.config,
            destination=self.destination,
            transaction=transaction,
            metadata=self.metadata,
            transfers=transfers,
            limits=self.job.limits,
            stamps=self._stamps(),
            run_id=self.job.run,
            black_list=self.items.black_list,
            paused=self.items.paused,
            requested=self.items.requested,
            damage=self.damage,
            deletions_confirmed=self.job.options.deletions_confirmed,
        )

    def _walk(self, run: SyncRun, steps: list[Step]) -> None:
        for step in steps:
            if not step.wanted(run.config):
                continue
            take_step(self.job, step.title, partial(_run, step, run))
            # A stop between steps that share a transaction would undo those that are done.
            if not step.together:
                run.limits.check()

    def _stamps(self) -> Stamps:
        config = self.job.config
        if config.keep_original_timestamps_and_users:
            return ORIGINAL_STAMPS
        return Stamps(user_id=config.harvester_user, now=round(time.time() * 1000))
