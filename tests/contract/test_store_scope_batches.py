"""What lies within a scope is the same, however it is looked for and in whatever batches."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import event

from shared.model.entities import Entity
from shared.model.ids import Code
from shared.model.kinds import ENTITY_KINDS, Kind, Relation
from shared.store import read
from shared.store.read import Reader
from shared.store.scope_queries import ScopeQueries
from tests.support.instances.builders import a_data_set, a_sample, a_space, perm_id
from tests.support.instances.full_instance import connected
from tests.support.instances.instance import Instance

SPACES = ("ALPHA", "BETA", "GAMMA", "DELTA")
SAMPLES = 60


def some_samples() -> Iterator[Entity]:
    """Spread over the spaces and over none, each with a child in the next one."""
    for number in range(SAMPLES):
        space = (*SPACES, None)[number % 5]
        yield a_sample(
            100 + number,
            code=f"S{number}",
            space=space,
            properties={"NAME": f"{number} ü"},
            connections=connected(Relation.CHILD, perm_id(100 + (number + 1) % SAMPLES)),
        )
        if number % 7 == 0:
            home = f"/{space}/S{number}" if space else f"/S{number}"
            yield a_data_set(300 + number, sample=home)


@pytest.fixture
def filled(instance: Instance) -> Instance:
    instance.load(*map(a_space, SPACES), *some_samples())
    return instance


def found(instance: Instance, spaces: tuple[str, ...]) -> list[object]:
    with instance.engine.connect() as connection:
        reader = Reader(connection, frozenset(map(Code, spaces)))
        entities = [entity for kind in ENTITY_KINDS for entity in reader.entities(kind)]
        samples = [entity.perm_id for entity in entities if entity.kind is Kind.SAMPLE]
        assert samples == sorted(samples)
        return [*entities, reader.data_sets_of(samples)]


@pytest.mark.parametrize("batch", [1, 7, 1000])
@pytest.mark.parametrize("number", range(len(SPACES) + 1))
def test_both_ways_find_the_same(
    filled: Instance, monkeypatch: pytest.MonkeyPatch, number: int, batch: int
) -> None:
    monkeypatch.setattr(read, "BATCH", batch)
    monkeypatch.setattr(read, "_FEWEST", 2)
    for spaces in combinations(SPACES, number):
        monkeypatch.setattr(read, "_PART_OF_SPACES", 0)
        passing_over = found(filled, spaces)
        monkeypatch.setattr(read, "_PART_OF_SPACES", 1)
        assert found(filled, spaces) == passing_over
        assert len(passing_over) > SAMPLES // 5 * (number + 1)


def test_who_sees_all_spaces_is_shown_the_same_without_a_look_at_each_row(filled: Instance) -> None:
    all_at_once = found(filled, SPACES)
    filled.load(a_space("OMEGA"))
    assert found(filled, SPACES) == all_at_once


def test_one_space_of_many_comes_from_the_index(filled: Instance) -> None:
    asked: list[tuple[str, Any]] = []
    with filled.engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", lambda *call: asked.append(call[2:4]))
        queries = ScopeQueries(connection, frozenset({Code("BETA")}), frozenset(), sparse=True)
        assert len(queries.perm_ids_in(Kind.SAMPLE, Code("BETA"), "", 100)) == SAMPLES // 5
        statement, values = asked[-1]
        on_sqlite = connection.dialect.name == "sqlite"
        if not on_sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")  # so small a table is walked
        explain = "EXPLAIN QUERY PLAN " if on_sqlite else "EXPLAIN "
        plan = str(connection.exec_driver_sql(explain + statement, values).all())
    assert "entity_home" in plan, plan
    assert "SCAN entity" not in plan, plan
    assert "Sort" not in plan, plan
