"""A source that does not see everything, and harvests of what it shows.

A list is read from a real source server, made blind as a list of values, and harvested with the
real steps and transfers: with the marks that a source of ours sets, or without any, as an original
writes it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from harvester.openbis.destination.access import data_store
from harvester.openbis.destination.embedded.whole import EmbeddedDestination
from harvester.openbis.section import SectionConfig
from harvester.openbis.source.source import Source
from harvester.openbis.source.spool import spool
from harvester.openbis.steps.deletions import remove_files
from harvester.openbis.sync import STEPS
from harvester.openbis.sync_run import Metadata, SyncRun
from harvester.openbis.transfers.real_transfers import RealTransfers
from harvester.runs.report import PassReport
from harvester.runs.stopping import RunLimits
from harvester.settings.chosen import choose
from harvester.settings.harvester import HarvesterSettings
from shared.errors import ItemError
from shared.model.entities import Entity, FileNode, ServiceFile
from shared.model.kinds import DataSetKind, Kind
from shared.model.master_data import MasterData
from shared.model.unknown import Part, Reason, Unknown
from shared.resourcesync.items import ListHead
from shared.resourcesync.reader import read_resource_list
from shared.resourcesync.v20.version import V20
from shared.store.changes import ORIGINAL_STAMPS
from shared.store.engine import work
from shared.store.incoming import Incoming
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance

AT = datetime(2026, 5, 1, tzinfo=UTC)
# What a reader of a list meets.
Item = Any
# What a source shows that has stopped seeing something; with its marks.
Way = Callable[[Sequence[Item]], list[Item]]


def all_seen(items: Sequence[Item]) -> list[Item]:
    return list(items)


def of_entities(change: Callable[[Entity], Entity | None]) -> Way:
    """A way that treats each entity by itself; None leaves it out."""

    def way(items: Sequence[Item]) -> list[Item]:
        changed = [change(i) if isinstance(i, Entity) else i for i in items]
        return [item for item in changed if item is not None]

    return way


def without_marks(way: Way) -> Way:
    """The same as an original writes it."""

    def unmarked(items: Sequence[Item]) -> list[Item]:
        return [
            replace(i, unknown=()) if isinstance(i, Entity | ListHead) else i for i in way(items)
        ]

    return unmarked


def without_files(reason: Reason, *, shown: int = 0, only: str | None = None) -> Way:
    """Physical data sets (or one of them) show only this number of files."""

    def change(entity: Entity) -> Entity:
        concerned = only in {None, entity.code}
        if entity.data_set_kind is not DataSetKind.PHYSICAL or not concerned:
            return entity
        mark = Unknown(part=Part.FILES, reason=reason)
        return replace(entity, files=entity.files[:shown], unknown=(mark,))

    return of_entities(change)


def archived_but_listed(entity: Entity) -> Entity:
    """Path info knows the files still, and the source cannot give them."""
    if entity.data_set_kind is not DataSetKind.PHYSICAL:
        return entity
    files = tuple(replace(f, href="http://localhost:9/gone") for f in entity.files)
    mark = Unknown(part=Part.FILES, reason=Reason.ARCHIVED)
    return replace(entity, files=files, unknown=(mark,))


def truncated(entity: Entity) -> Entity:
    """No source can know that these are not the files."""
    empty = hashlib.sha256(b"").hexdigest()
    files = tuple(
        FileNode(path=f.path, length=0, crc32=0, checksum=f"SHA256:{empty}") for f in entity.files
    )
    return replace(entity, files=files)


def without_attachments(entity: Entity) -> Entity:
    if not entity.attachments:
        return entity
    mark = Unknown(part=Part.ATTACHMENTS, reason=Reason.UNREADABLE)
    return replace(entity, attachments=(), unknown=(mark,))


def without_file_service(items: Sequence[Item]) -> list[Item]:
    mark = Unknown(part=Part.FILE_SERVICE, reason=Reason.NOT_MOUNTED)
    return [
        replace(item, unknown=(mark,)) if isinstance(item, ListHead) else item
        for item in items
        if not isinstance(item, ServiceFile)
    ]


def without_copies(entity: Entity) -> Entity:
    if not entity.content_copies:
        return entity
    mark = Unknown(part=Part.CONTENT_COPIES, reason=Reason.OUT_OF_SCOPE)
    return replace(entity, content_copies=(), unknown=(mark,))


def in_a_narrower_role(hidden: str) -> Way:
    """One entity cannot be seen, and so nothing that leads to it."""

    def change(entity: Entity) -> Entity | None:
        if entity.perm_id == hidden:
            return None
        connections = tuple(c for c in entity.connections if c.to != hidden)
        shown = {code: v for code, v in entity.properties.items() if v != hidden}
        marks = []
        if connections != entity.connections:
            marks.append(Unknown(part=Part.CONNECTIONS, reason=Reason.OUT_OF_SCOPE))
        if codes := sorted(entity.properties.keys() - shown.keys()):
            text = " ".join(codes)
            marks.append(Unknown(part=Part.PROPERTIES, reason=Reason.OUT_OF_SCOPE, detail=text))
        return replace(entity, connections=connections, properties=shown, unknown=tuple(marks))

    return of_entities(change)


def as_container(entity: Entity) -> Entity:
    """The files are shown as a container's are when they are archived."""
    if entity.data_set_kind is not DataSetKind.PHYSICAL:
        return entity
    return replace(entity, data_set_kind=DataSetKind.CONTAINER, files=())


def touched(way: Way) -> Way:
    """The same, and metadata of each data set have changed meanwhile."""

    def changed(items: Sequence[Item]) -> list[Item]:
        return [
            replace(item, properties={**item.properties, "NOTES": "changed meanwhile"})
            if isinstance(item, Entity) and item.kind is Kind.DATA_SET
            else item
            for item in way(items)
        ]

    return changed


@dataclass(frozen=True, slots=True)
class BlindHarvest:
    """Harvests what a source shows, in a way, into the destination of a harvester."""

    harvest: Harvest
    section: str = "DS1"

    def run(self, way: Way = all_seen, *, run: int = 1, confirmed: bool = False) -> PassReport:
        """Fails if anything raises; what failed item by item is in the report."""
        config = self._config
        log = logging.getLogger("tests.support.faults.blind_source")
        with Source(config, RunLimits(config), log) as source:
            with spool(config) as folder, source.list_on_its_way(folder) as parts:
                items = list(read_resource_list(parts[0].blocks(), V20))
            return self.take(way(items), source, run=run, confirmed=confirmed)

    def take(
        self, items: Sequence[Item], source: Any, *, run: int = 1, confirmed: bool = False
    ) -> PassReport:
        """Harvest a list of values; ``source`` gives the files."""
        config = self._config
        engine = self.harvest.instance.engine
        with engine.connect() as connection:
            metadata = _fill(connection, items)
            with connection.begin():
                store = data_store(connection, config, self._settings)
            destination = EmbeddedDestination(
                connection=connection, source=config.alias, store=store
            )
            with work(connection) as transaction:
                transfers = RealTransfers(store, source, config, RunLimits(config))
                return _perform(
                    SyncRun(
                        config=config,
                        destination=destination,
                        transaction=transaction,
                        metadata=metadata,
                        transfers=transfers,
                        limits=RunLimits(config),
                        stamps=ORIGINAL_STAMPS,
                        run_id=run,
                        deletions_confirmed=confirmed,
                    )
                )

    @property
    def _config(self) -> SectionConfig:
        chosen = choose(self.harvest.root / "harvester.properties", [self.section])
        (config,) = chosen.of_kind(SectionConfig)
        return config

    @property
    def _settings(self) -> HarvesterSettings:
        return choose(self.harvest.root / "harvester.properties", [self.section]).settings


class BytesSource:
    """Gives files from memory: ``contents`` by address."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents

    def download(self, url: str, target: Path, **_expected: object) -> None:
        target.write_bytes(self._contents[url])

    def session_file_url(self, code: str, path: str) -> str:
        raise ItemError(Kind.DATA_SET, code, f"file {path} has no address")

    def tidy_partials(self, *, all_is_here: bool) -> None:
        """There are none."""


def _fill(connection: Connection, items: Iterable[Item]) -> Metadata:
    """Fill the incoming tables as `harvester.openbis.reading` does, without translating names."""
    master_data, number = MasterData(), 0
    with connection.begin():
        incoming = Incoming(connection)
        for item in items:
            match item:
                case ListHead():
                    incoming.add_unknown(item.unknown)
                case MasterData():
                    master_data = item
                case ServiceFile():
                    incoming.add_service_file(item)
                case Entity():
                    incoming.add(item)
            number += isinstance(item, Entity | ServiceFile)
        incoming.finish()
    return Metadata(at=AT, master_data=master_data, entities=number)


def _perform(run: SyncRun) -> PassReport:
    steps = {}
    with run.transaction():
        remove_files(run)
    with run.transaction():
        run.destination.plan.compare()
        for step in STEPS:
            if step.together:
                steps[step.title] = step.run(run)
    with run.transaction():
        remove_files(run)
    for step in STEPS:
        if not step.together and step.wanted(run.config):
            steps[step.title] = step.run(run)
    return PassReport(dry_run=False, steps=steps)


def digests(instance: Instance) -> dict[str, str]:
    """The SHA-256 of every file in the data store, the trash included, and of the file service."""
    roots = (instance.store.root, instance.store.service_root)
    return {
        str(path.relative_to(instance.root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for root in roots
        for path in root.rglob("*")
        if path.is_file() and instance.store.temporary not in path.parents
    }
