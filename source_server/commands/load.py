"""``source-server load`` and ``demo``: fill an embedded instance."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from sqlalchemy import Engine

from shared.blocks import blocks
from shared.errors import ConfigError, FormatError, ItemError
from shared.plain_lines import complain, say
from shared.resourcesync.items import ListHead, ListIndex, RecordFault
from shared.resourcesync.reader import read_resource_list
from shared.resourcesync.v20.version import V20
from shared.store.engine import create_store, data_store_uuid, work
from shared.store.files import DataStore
from shared.store.load import Loadable, Loaded
from shared.store.load import load as load_values
from source_server.demo.commands import DEMO_PASSWORD, DEMO_USER, let_a_day_pass, make_demo
from source_server.settings import SourceSettings, read_settings
from source_server.settings.choices import CatalogueKind


def load(options: argparse.Namespace) -> int:
    """Load a whole resource list; of one that is not whole, load nothing."""
    settings = read_settings(options.config)
    try:
        with options.file.open("rb") as file:
            reading = _Reading(file)
            loaded = _load(settings, reading)
    except OSError as error:
        raise ConfigError(f"{options.file}: cannot be read: {error.strerror}") from error
    except FormatError as error:
        raise FormatError(f"{options.file}: {error}") from error
    return _report(Loaded(items=loaded.items, faults=[*reading.faults, *loaded.faults]))


def demo(options: argparse.Namespace) -> int:
    """Load an invented instance with entities of every kind."""
    settings = read_settings(options.config)
    engine = _store(settings)
    make = let_a_day_pass if options.next_day else make_demo
    try:
        loaded = make(engine, settings.storeroot_dir, settings.file_service_repository_path)
    finally:
        engine.dispose()
    print(f"user {DEMO_USER}, password {DEMO_PASSWORD}")
    return _report(loaded)


def _store(settings: SourceSettings) -> Engine:
    if settings.catalogue is CatalogueKind.NONE:
        raise ConfigError("catalogue = none: there is nothing to load into; set it to embedded")
    if settings.catalogue is CatalogueKind.OPENBIS:
        raise ConfigError(
            "catalogue = openbis: a real openBIS is only read; set catalogue = embedded"
        )
    return create_store(settings.instance_url)


def _load(settings: SourceSettings, reading: _Reading) -> Loaded:
    engine = _store(settings)
    try:
        # The list is read within the transaction: one that breaks off leaves no row.
        with engine.connect() as connection, work(connection) as transaction, transaction():
            store = DataStore(
                root=settings.storeroot_dir,
                uuid=data_store_uuid(connection),
                service_root=settings.file_service_repository_path,
                temporary=settings.storeroot_dir / "temp",
            )
            return load_values(connection, store, reading.values())
    finally:
        engine.dispose()


@dataclass(slots=True)
class _Reading:
    """A file with a resource list; ``faults`` are the records that could not be read."""

    file: BinaryIO
    faults: list[ItemError] = field(default_factory=list)

    def values(self) -> Iterator[Loadable]:
        for item in read_resource_list(blocks(self.file), V20):
            match item:
                case RecordFault():
                    self.faults.append(ItemError(item.kind, item.perm_id, item.reason))
                case ListIndex():
                    raise FormatError("this is an index of parts; load each of them instead")
                case ListHead():
                    pass
                case _:
                    yield item


def _report(loaded: Loaded) -> int:
    """Print what was loaded, and on standard error what was not."""
    say(f"{loaded.items} entities and files loaded")
    for fault in loaded.faults:
        complain(f"not loaded: {fault}")
    return ItemError.exit_code if loaded.faults else 0
