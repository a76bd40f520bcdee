"""The law of identity: however a source reuses identifiers, none ever means two entities here, and
what hangs on something hangs on what the list means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.model.entities import Entity
from shared.model.kinds import ENTITY_KINDS, Kind, Relation
from shared.store.changes import (
    ORIGINAL_STAMPS,
    apply_kind,
    copy_flags,
    copy_stamps,
    delete,
)
from shared.store.identity import blocked, settle
from tests.contract.passes import harvesting
from tests.properties.worlds import World, worlds
from tests.support.instances.instance import Instance

PLACES = (Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE)
TABLES = ("entity", "link", "data_set_file", "content_copy", "attachment")
Key = tuple[str, str]
# A history is not made shorter: that takes minutes, and the first one found is short enough.
PHASES = (Phase.explicit, Phase.generate)


@pytest.fixture(params=["sqlite", "postgresql"])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Instance]:
    on_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres_store_url") if on_postgres else None
    instance = Instance.create(tmp_path / "instance", url)
    yield instance
    instance.engine.dispose()


def run(instance: Instance, listed: Sequence[Entity], *, deleting: bool) -> set[Key]:
    """A pass; returns what could not come or move."""
    with harvesting(instance, *listed) as connection:
        if deleting:
            delete(connection)
        settle(connection)
        found = {(str(one.kind), one.perm_id) for one in blocked(connection, ENTITY_KINDS)}
        for kind in ENTITY_KINDS:
            apply_kind(connection, kind, "DS1", ORIGINAL_STAMPS)
        copy_stamps(connection, "DS1")
        copy_flags(connection, "DS1")
    return found


def identifiers(listed: Sequence[Entity]) -> dict[Key, str]:
    """Kind and identifier of what others may lie in, with its perm id."""
    containers = {
        edge.to: entity.code
        for entity in listed
        for edge in entity.connections
        if entity.kind is Kind.SAMPLE and edge.relation is Relation.COMPONENT
    }
    found = {}
    for entity in listed:
        head = entity.identifier.removesuffix(entity.code)
        container = containers.get(entity.perm_id) if entity.kind is Kind.SAMPLE else None
        name = f"{head}{container}:{entity.code}" if container else entity.identifier
        found[str(entity.kind), name] = str(entity.perm_id)
    return found


def check_each_means_one(instance: Instance) -> dict[Key, tuple[object, ...]]:
    """Returns all rows."""
    rows = instance.rows(
        "SELECT kind, perm_id, identifier, project, space, experiment, sample, project_perm_id,"
        " experiment_perm_id, sample_perm_id, home_project FROM entity"
    )
    number = Counter((row[0], row[2]) for row in rows if row[0] in PLACES)
    assert [name for name, times in number.items() if times > 1] == []
    stored = {(str(row[0]), str(row[1])): row for row in rows}
    for row in rows:
        for reference, perm_id in (("EXPERIMENT", row[8]), ("SAMPLE", row[9])):
            place = stored.get((reference, str(perm_id)))
            if place is not None:  # else it is gone
                assert row[5 if reference == "EXPERIMENT" else 6] == place[2]
        project = stored.get(("PROJECT", str(row[7])))
        if project is not None:
            assert row[10] == project[2]
    return stored


days = st.lists(st.tuples(worlds(), st.booleans()), min_size=2, max_size=5)


@settings(max_examples=30, suppress_health_check=list(HealthCheck), derandomize=True, phases=PHASES)
@given(history=days, last=worlds())
def test_no_identifier_ever_means_two(
    instance: Instance, *, history: list[tuple[World, bool]], last: World
) -> None:
    for table in TABLES:
        instance.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    kept: set[Key] = set()
    for world, deleting in history:
        waiting = run(instance, world.entities, deleting=deleting)
        stored = check_each_means_one(instance)
        listed = {(str(entity.kind), str(entity.perm_id)) for entity in world.entities}
        assert listed - waiting <= stored.keys()
        if deleting:  # the list does not contradict itself, so all of it comes
            assert not waiting
            assert stored.keys() == listed
        else:
            assert kept <= stored.keys()
        kept = set(stored)
        meant = identifiers(world.entities)
        for entity in world.entities:
            key = str(entity.kind), str(entity.perm_id)
            if key not in waiting and entity.experiment:
                assert stored[key][8] == meant["EXPERIMENT", entity.experiment]
            if key not in waiting and entity.sample:
                assert stored[key][9] == meant["SAMPLE", entity.sample]
        again = run(instance, world.entities, deleting=False)
        assert again == waiting
        assert check_each_means_one(instance) == stored
    assert run(instance, last.entities, deleting=True) == set()
    assert list(instance.entities().values()) == in_order(last.entities)


def in_order(listed: Sequence[Entity]) -> list[Entity]:
    return sorted(listed, key=lambda e: (ENTITY_KINDS.index(e.kind), e.perm_id.encode()))
