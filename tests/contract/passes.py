"""A pass over a list of values, without files, for tests of the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection

from harvester.openbis.destination.kept_references import keep_references
from harvester.openbis.destination.losses import find_losses, keep, spare
from harvester.openbis.destination.unknown_parts import complete_unknown
from harvester.openbis.destination.unknown_parts import settle as settle_unknown
from shared.model.entities import Entity
from shared.model.kinds import ENTITY_KINDS
from shared.store.changes import (
    ORIGINAL_STAMPS,
    Action,
    Stamps,
    apply_kind,
    compare,
    copy_flags,
    copy_immutable_times,
    copy_stamps,
    counts,
    delete,
    planned,
    settle_data_sets,
)
from shared.store.engine import work
from shared.store.identity import settle
from shared.store.incoming import Incoming
from tests.support.instances.builders import (
    a_data_set,
    a_material,
    a_project,
    a_sample,
    a_space,
    an_experiment,
)
from tests.support.instances.instance import Instance

Plan = dict[str, set[str]]
WORLD = (
    a_space(),
    a_project(2),
    an_experiment(3),
    a_sample(4, project="KITCHEN"),
    a_data_set(5, experiment="/ALPHA/KITCHEN/EXPERIMENT-3"),
    a_material(6),
)


@contextmanager
def harvesting(instance: Instance, *listed: Entity, source: str = "DS1") -> Iterator[Connection]:
    """A connection with a filled list and a plan, in a transaction that stays."""
    with instance.engine.connect() as connection:
        with connection.begin():
            incoming = Incoming(connection)
            for entity in listed:
                incoming.add(entity)
            incoming.finish()
        with work(connection) as transaction, transaction():
            compare(connection, source)
            yield connection


def harvest(
    instance: Instance, *listed: Entity, source: str = "DS1", stamps: Stamps = ORIGINAL_STAMPS
) -> None:
    """A whole pass without files."""
    with harvesting(instance, *listed, source=source) as connection:
        delete(connection)
        settle(connection)
        for kind in ENTITY_KINDS:
            apply_kind(connection, kind, source, stamps)
        if stamps is ORIGINAL_STAMPS:
            copy_stamps(connection, source)
        copy_flags(connection, source)
        settle_data_sets(connection)
        copy_immutable_times(connection, source)


@contextmanager
def completing(instance: Instance, listed: Sequence[Entity]) -> Iterator[Connection]:
    """A plan as it is when all is decided, and nothing may be lost."""
    with harvesting(instance, *listed) as connection:
        complete_unknown(connection, "DS1")
        find_losses(connection, "DS1")
        spare(connection)
        keep(connection)
        keep_references(connection, "DS1")
        settle_unknown(connection)
        yield connection


def plan(instance: Instance, *listed: Entity, source: str = "DS1") -> Plan:
    """Perm ids by action."""
    with harvesting(instance, *listed, source=source) as connection:
        settle(connection)
        found = {a.value: {p.perm_id for p in planned(connection, a)} for a in Action}
        assert sum(counts(connection).values()) == sum(map(len, found.values()))
    return {action: perm_ids for action, perm_ids in found.items() if perm_ids}
