"""The main job: one section, the dry-run pass first, then the same steps in earnest."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby

from sqlalchemy import Connection, Engine

from harvester.config import SectionConfig
from harvester.not_synced import NotSynced, read_not_synced, write_not_synced
from harvester.properties import HarvesterSettings
from harvester.reading import read_metadata
from harvester.real_transfers import RealTransfers
from harvester.rehearsed_transfers import RehearsedTransfers
from harvester.report import Outcome, PassReport
from harvester.run import Metadata, SyncRun
from harvester.source import Source
from harvester.spool import spool
from harvester.state import LastSync, read_state, write_state
from harvester.steps.attachments import register_attachments
from harvester.steps.data_sets import register_data_sets
from harvester.steps.deletions import delete_entities, remove_files
from harvester.steps.entities import register_entities
from harvester.steps.frozen_flags import copy_frozen_flags
from harvester.steps.master_data import register_master_data
from harvester.steps.service_files import register_service_files
from harvester.steps.timestamps_and_users import copy_timestamps_and_users
from harvester.transfers import Transfers
from shared.errors import ConfigError, ItemError
from shared.model.ids import PermId
from shared.model.kinds import Kind
from shared.passwords import verify_password
from shared.store.changes import ORIGINAL_STAMPS, Stamps, compare
from shared.store.engine import (
    Transaction,
    data_store_uuid,
    database_errors,
    refresh_statistics,
    rehearsal,
    work,
)
from shared.store.files import DataStore
from shared.store.sources import finish_source, start_source
from shared.store.users import find_person

HELD_BACK_EXIT_CODE = 8


def _always(_config: SectionConfig) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One of the nine. Steps that are ``together`` share a transaction; the others open theirs."""

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
)


@dataclass(slots=True)
class SectionReport:
    """What became of a section: its passes, or the error that ended it."""

    name: str
    passes: list[PassReport] = field(default_factory=list)
    metadata: Metadata | None = None
    error: BaseException | None = None

    @property
    def failed(self) -> list[ItemError]:
        """Items that were not synchronised."""
        faults = list(self.metadata.faults) if self.metadata else []
        return faults + (self.passes[-1].failed if self.passes else [])

    @property
    def exit_code(self) -> int:
        if self.error:
            return int(getattr(self.error, "exit_code", 1))
        if self.failed:
            return ItemError.exit_code
        held_back = self.passes[-1].held_back if self.passes else 0
        return HELD_BACK_EXIT_CODE if held_back else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """The instance that is written to."""

    engine: Engine
    settings: HarvesterSettings


def synchronise(
    config: SectionConfig,
    destination: Destination,
    log: logging.Logger,
    report: SectionReport,
    *,
    deletions_confirmed: bool = False,
) -> None:
    """Harvest one section; what happened is in the report. Errors of the whole section raise."""
    started = datetime.now(UTC)
    last = read_state(config.last_sync_timestamp_file)
    not_synced = read_not_synced(config.not_synced_entities_file)
    baseline = _is_baseline(config, last, started)
    log.info("Data source %s, user %s", config.resource_list_url, config.data_source_auth_user)
    log.info("Last synchronized up to %s", last.incremental if last else "never")
    with (
        Source(config) as source,
        database_errors(destination.engine),
        destination.engine.connect() as connection,
    ):
        with connection.begin():
            authorise(connection, config)
            store = data_store(connection, config, destination.settings)
        with spool(config) as folder:
            log.info("Reading the resource list")
            metadata = read_metadata(source.fetch_list(folder), connection, config.prefix)
        report.metadata = metadata
        _log_metadata(log, metadata)
        section = _Section(
            config=config,
            connection=connection,
            metadata=metadata,
            black_list=frozenset(not_synced.black_listed),
            baseline=baseline,
            deletions_confirmed=deletions_confirmed,
            log=log,
        )
        with rehearsal(connection) as transaction:
            rehearsed = section.perform(transaction, RehearsedTransfers(store))
            report.passes.append(rehearsed)
        if config.dry_run:
            return
        with work(connection) as transaction:
            with transaction():
                start_source(connection, config.alias, config.resource_list_url, started)
            transfers = RealTransfers(store, source, config)
            report.passes.append(section.perform(transaction, transfers))
            complete = not report.failed
            with transaction():
                finish_source(connection, config.alias, metadata.at if complete else None)
        refresh_statistics(connection)
    cutoff = min(metadata.at, started)
    full = cutoff if baseline or last is None else last.full
    _remember(config, not_synced, report, LastSync(incremental=cutoff, full=full))
    log.info("The timestamp of this synchronization has been saved")


def _is_baseline(config: SectionConfig, last: LastSync | None, started: datetime) -> bool:
    """Whether the files that are here are to be looked after: every ``full-sync-interval`` days."""
    if last is None or not config.full_sync:
        return False
    return (started - last.full).days >= config.full_sync_interval


def authorise(connection: Connection, config: SectionConfig) -> None:
    """The harvester's user must be an instance admin here, as the manual asks."""
    user = find_person(connection, config.harvester_user)
    password = config.harvester_pass.get_secret_value()
    if user is None or not user.active or not user.password_hash:
        raise ConfigError(
            f"[{config.name}] harvester-user: {config.harvester_user!r} cannot log in to the "
            "destination; create the user with 'harvester init'"
        )
    if not verify_password(user.password_hash, password):
        raise ConfigError(
            f"[{config.name}] harvester-pass: wrong password for {config.harvester_user!r}"
        )
    if not user.is_instance_admin:
        raise ConfigError(
            f"[{config.name}] harvester-user: {config.harvester_user!r} is no instance admin of "
            "the destination"
        )


def data_store(
    connection: Connection, config: SectionConfig, settings: HarvesterSettings
) -> DataStore:
    return DataStore(
        root=settings.storeroot_dir,
        uuid=data_store_uuid(connection),
        service_root=config.file_service_repository_path,
        temporary=config.harvester_tmp_dir / config.alias,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """What both passes of a section have in common."""

    config: SectionConfig
    connection: Connection
    metadata: Metadata
    black_list: frozenset[str]
    baseline: bool
    deletions_confirmed: bool
    log: logging.Logger

    def perform(self, transaction: Transaction, transfers: Transfers) -> PassReport:
        """Walk through the steps once."""
        rehearsed = isinstance(transfers, RehearsedTransfers)
        report = PassReport(dry_run=rehearsed)
        self.log.info("%s pass", "DRY RUN" if rehearsed else "REAL")
        run = SyncRun(
            config=self.config,
            connection=self.connection,
            transaction=transaction,
            metadata=self.metadata,
            transfers=transfers,
            stamps=self._stamps(),
            black_list=self.black_list,
            baseline=self.baseline,
            deletions_confirmed=self.deletions_confirmed,
        )
        with transaction():
            remove_files(run)
            compare(self.connection, run.source)
        for together, steps in groupby(STEPS, key=lambda step: step.together):
            if together:
                with transaction():
                    self._walk(run, report, list(steps))
                with transaction():
                    remove_files(run)
            else:
                self._walk(run, report, list(steps))
        return report

    def _walk(self, run: SyncRun, report: PassReport, steps: list[Step]) -> None:
        for step in steps:
            if step.wanted(self.config):
                began = time.monotonic()
                outcome = report.steps[step.title] = step.run(run)
                _log_outcome(self.log, step.title, outcome, time.monotonic() - began)

    def _stamps(self) -> Stamps:
        if self.config.keep_original_timestamps_and_users:
            return ORIGINAL_STAMPS
        return Stamps(user_id=self.config.harvester_user, now=round(time.time() * 1000))


def _log_metadata(log: logging.Logger, metadata: Metadata) -> None:
    log.info("The list shows %d items as of %s", metadata.entities, metadata.at)
    for fault in metadata.faults:
        log.warning("Not readable: %s", fault)
    for remark in metadata.remarks:
        log.warning("%s", remark)


def _log_outcome(log: logging.Logger, title: str, outcome: Outcome, seconds: float) -> None:
    log.info("[%s] %.1f s", title, seconds)
    for verb, kind, name in outcome.items:
        log.info("    %s %s %s", verb, kind, name)
    for line in outcome.lines():
        log.info("%s", line)
    for remark in outcome.remarks:
        log.warning("    %s", remark)
    for error in outcome.failed:
        log.error("    failed: %s", error)


def _remember(
    config: SectionConfig, not_synced: NotSynced, report: SectionReport, last: LastSync
) -> None:
    """Only after a real pass: what failed, then up to when everything else is here."""
    failed = {(Kind(e.kind), PermId(e.perm_id)) for e in report.failed if e.kind in set(Kind)}
    write_not_synced(
        config.not_synced_entities_file,
        NotSynced(
            failed=frozenset(failed),
            black_listed=not_synced.black_listed,
            other_lines=not_synced.other_lines,
        ),
    )
    write_state(config.last_sync_timestamp_file, last)
