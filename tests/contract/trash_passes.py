"""Deletions and restorations of a store, with their files, for tests of the trash."""

from __future__ import annotations

from datetime import UTC, datetime

from harvester.openbis.destination.file_work import StoreFiles, finish_files
from harvester.openbis.destination.restoring import Restoration, Wish, forget_marks, restore
from harvester.openbis.destination.trash import discard
from shared.model.entities import Entity
from shared.store.changes import plan_files
from tests.contract.passes import harvesting
from tests.support.instances.full_instance import FullInstance, a_full_instance
from tests.support.instances.instance import Instance

NOW = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)


def harvested_kitchen(instance: Instance) -> FullInstance:
    """All of it was brought by the section DS1."""
    full_instance = a_full_instance(instance)
    for table in ("entity", "service_file"):
        instance.execute(f"UPDATE {table} SET source = 'DS1'")  # noqa: S608 - our own names
    return full_instance


def deletes(instance: Instance, *listed: Entity, now: datetime = NOW, run: int = 3) -> int:
    """A pass that moves to the trash what is not listed; returns the deletion's number."""
    with harvesting(instance, *listed) as connection:
        forget_marks(connection, "DS1")
        plan_files(connection, "DS1")
        number = discard(connection, "DS1", run, now)
    finish(instance)
    return number


def finish(instance: Instance) -> None:
    with instance.engine.begin() as connection:
        finish_files(connection, "DS1", StoreFiles(instance.store))


def nothing(_kind: str, _name: str) -> None:
    """Stands in the way."""


def restores(instance: Instance, wish: Wish) -> Restoration:
    with instance.engine.begin() as connection:
        restoration = restore(connection, wish, nothing)
    finish(instance)
    return restoration
