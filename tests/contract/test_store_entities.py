"""The store's promise: what is loaded is what is read, within a scope and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import ItemError
from shared.model.entities import Entity
from shared.model.ids import Identifier, PermId
from shared.model.kinds import DataSetKind, Kind, Relation
from shared.store.engine import work
from shared.store.load import load
from shared.store.read import BATCH
from tests.properties import strategies
from tests.support.instances.builders import (
    a_data_set,
    a_material,
    a_sample,
    a_space,
    an_entity,
)
from tests.support.instances.full_instance import a_full_instance, connected, full_master_data
from tests.support.instances.instance import Instance, stored_in

each_alone = settings(
    max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


def is_storable(entity: Entity) -> bool:
    return entity.kind is not Kind.DATA_SET or entity.code not in {".", ".."}


def as_stored(entity: Entity, among: Sequence[Entity]) -> Entity:
    """What can be read again of an entity: references lead only to what is there, files and
    attachments are sorted, and nothing is said twice."""
    places = {(e.kind, e.identifier) for e in among}
    edges = dict.fromkeys(
        c for c in entity.connections if (entity.kind, c.to) in {(e.kind, e.perm_id) for e in among}
    )
    files = {file.path: file for file in entity.files}
    return replace(
        entity,
        connections=tuple(edges),
        experiment=_there(Kind.EXPERIMENT, entity.experiment, places),
        sample=_there(Kind.SAMPLE, entity.sample, places),
        files=tuple(files[path] for path in sorted(files)),
        attachments=tuple(sorted(entity.attachments, key=lambda each: each.file_name)),
    )


def _there(
    kind: Kind, identifier: Identifier | None, places: set[tuple[Kind, Identifier]]
) -> Identifier | None:
    return identifier if identifier and (kind, identifier) in places else None


def without_components(entity: Entity) -> Entity:
    """Components of samples are named after their container; they have tests of their own."""
    children = tuple(c for c in entity.connections if c.relation is Relation.CHILD)
    return replace(entity, connections=children) if entity.kind is Kind.SAMPLE else entity


worlds = st.lists(
    strategies.entities().filter(is_storable).map(without_components),
    max_size=6,
    unique_by=lambda entity: (entity.kind, entity.perm_id),
)


@each_alone
@given(world=worlds, again=st.booleans())
def test_what_is_loaded_is_what_is_read(
    instance: Instance, world: list[Entity], *, again: bool
) -> None:
    for table in ("entity", "link", "data_set_file", "content_copy", "attachment"):
        instance.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    instance.load(*world)
    if again:
        instance.load(*reversed(world))
    spaces = {e.home[0] for e in world if e.home[0]}
    assert stored_in(instance, spaces) == {
        (entity.kind, entity.perm_id): as_stored(entity, world) for entity in world
    }


@each_alone
@given(
    world=worlds,
    changed=st.lists(strategies.entities().filter(is_storable).map(without_components), max_size=3),
)
def test_what_is_loaded_later_replaces_what_was_there(
    instance: Instance, world: list[Entity], changed: list[Entity]
) -> None:
    for table in ("entity", "link", "data_set_file", "content_copy", "attachment"):
        instance.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    # the same perm ids with the content of others of their kind
    later = [
        replace(new, perm_id=old.perm_id, code=old.code, type=old.type)
        for old, new in zip(world, changed, strict=False)
        if old.kind is new.kind
    ]
    instance.load(*world)
    instance.load(*later)
    then = {(e.kind, e.perm_id): e for e in [*world, *later]}
    for entity in later:  # what a list says nothing of stays
        if not entity.attachments:
            old = next(e for e in world if (e.kind, e.perm_id) == (entity.kind, entity.perm_id))
            then[entity.kind, entity.perm_id] = replace(entity, attachments=old.attachments)
    spaces = {e.home[0] for e in then.values() if e.home[0]}
    stored = stored_in(instance, spaces)
    assert stored == {key: as_stored(e, list(then.values())) for key, e in then.items()}


ODD_TEXTS = (
    "\\u0000",
    "\\",
    "'\"%_:x",
    "a\r\nb\t",
    "\u2028\x7f\x85",
    "😀",
    "NULL",
    "{}",
    "%s :now",
)


@pytest.mark.parametrize("odd", ODD_TEXTS)
def test_odd_texts_survive(instance: Instance, odd: str) -> None:
    sample = a_sample(properties={"NOTES": odd, odd: "x"}, registrator=odd)
    space = a_space(description=odd)
    instance.load(space, sample)
    assert stored_in(instance) == {(e.kind, e.perm_id): e for e in (space, sample)}


@pytest.mark.parametrize(
    "entity",
    [
        a_sample(properties={"NOTES": "a\0b"}),
        a_sample(properties={"\0": ""}),
        a_space(description="\0"),
    ],
)
def test_a_nul_is_refused_with_the_entity_that_has_it(instance: Instance, entity: Entity) -> None:
    with instance.engine.connect() as connection, work(connection) as transaction, transaction():
        loaded = load(connection, instance.store, [entity, a_material()])
    assert [(fault.kind, fault.perm_id) for fault in loaded.faults] == [
        (entity.kind, entity.perm_id)
    ]
    assert "U+0000" in str(loaded.faults[0])
    assert [kind for kind, _ in stored_in(instance)] == [Kind.MATERIAL]


@pytest.mark.parametrize("code", ["..", ".", "a/b", "../../x", "/etc", "a\\b", "x" * 201])
def test_a_data_set_code_that_is_no_folder_name_is_refused(instance: Instance, code: str) -> None:
    with instance.engine.connect() as connection, work(connection) as transaction, transaction():
        loaded = load(connection, instance.store, [a_data_set(perm_id=code)])
    assert isinstance(loaded.faults[0], ItemError)
    assert loaded.faults[0].perm_id == code
    assert stored_in(instance) == {}
    with pytest.raises(ValueError, match=r"path|code"):
        instance.store.data_set_folder(code)


def test_more_than_a_batch_is_read_once_and_in_byte_order(instance: Instance) -> None:
    number = 2 * BATCH + 7
    samples = [
        a_sample(
            n,
            perm_id=PermId(f"{n * 7919 % number:05d}-{'aBü'[n % 3]}"),
            code=f"S{n}",
            connections=connected(Relation.CHILD, PermId(f"{(n + 1) * 7919 % number:05d}-x")),
        )
        for n in range(number)
    ]
    instance.load(a_space(), *samples)
    found = [perm_id for kind, perm_id in stored_in(instance) if kind is Kind.SAMPLE]
    assert found == sorted((s.perm_id for s in samples), key=str.encode)


def test_perm_ids_are_kept_apart_by_case(instance: Instance) -> None:
    samples = [
        a_sample(n, perm_id=PermId(name)) for n, name in enumerate(("a-1", "A-1", "b-1", "B"))
    ]
    instance.load(a_space(), *samples)
    found = [perm_id for kind, perm_id in stored_in(instance) if kind is Kind.SAMPLE]
    assert found == ["A-1", "B", "a-1", "b-1"]


def test_a_whole_instance_is_what_was_loaded(instance: Instance) -> None:
    full_instance = a_full_instance(instance)
    assert stored_in(instance) == {(e.kind, e.perm_id): e for e in full_instance.everything}
    flat = full_master_data()
    stored = instance.master_data()
    assert {t.code for t in stored.entity_types} == {t.code for t in flat.entity_types}
    assert stored.external_dms == flat.external_dms


def test_each_kind_of_data_set_is_read_as_it_was(instance: Instance) -> None:
    data_sets = [an_entity(Kind.DATA_SET, n, data_set_kind=k) for n, k in enumerate(DataSetKind)]
    instance.load(*data_sets)
    assert list(stored_in(instance, []).values()) == data_sets
