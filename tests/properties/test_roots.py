"""Laws of the roots: whatever the graph, the roots and the flags, a list has the union of what each
root alone leads to, and it is closed."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.model.entities import Entity
from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.master_data import DataType, MasterData
from source_server.catalogues.embedded import EmbeddedCatalogue
from source_server.publication.catalogue import Scope, Snapshot
from source_server.publication.contents import RootedContents
from source_server.publication.expansion import expand
from source_server.publication.roots import Flag, Roots
from tests.properties.worlds import World, become, worlds
from tests.support.instances.builders import (
    a_property_type,
    an_assignment,
    an_entity_type,
)
from tests.support.instances.instance import Instance
from tests.support.instances.roots_model import Key, Model, key_of, root_of

FRIEND = Code("FRIEND")
KINDS = (Kind.SPACE, Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE, Kind.DATA_SET)
EVERYTHING = Scope(spaces=frozenset({Code("A"), Code("B")}))


def definitions() -> MasterData:
    types = tuple(
        an_entity_type(kind, an_assignment("NOTES", 1), an_assignment(FRIEND, 2))
        for kind in (Kind.SAMPLE, Kind.EXPERIMENT, Kind.DATA_SET)
    )
    friend = a_property_type(FRIEND, data_type=DataType.SAMPLE)
    return MasterData(property_types=(friend, a_property_type("NOTES")), entity_types=types)


@st.composite
def friendly_worlds(draw: st.DrawFn) -> World:
    """Some entities have a friend: a property whose value is a sample."""
    world = draw(worlds())
    samples = [each.perm_id for each in world.entities if each.kind is Kind.SAMPLE]

    def with_friend(entity: Entity) -> Entity:
        if not samples or not entity.properties or draw(st.booleans()):
            return entity
        return replace(
            entity, properties={**entity.properties, FRIEND: draw(st.sampled_from(samples))}
        )

    return replace(world, entities=tuple(map(with_friend, world.entities)))


def keys_of(snapshot: Snapshot, roots: Roots) -> set[Key]:
    chosen = expand(snapshot, EVERYTHING, roots, snapshot.master_data())
    return {(kind, perm_id) for kind, its in chosen.members.items() for perm_id in its}


def check_closed(contents: RootedContents) -> None:
    """Whatever an entity of the list names is in the list."""
    shown = {kind: list(contents.entities(kind)) for kind in KINDS}
    there = {(kind, each.perm_id) for kind, its in shown.items() for each in its}
    identifiers = {each.identifier for its in shown.values() for each in its}
    declared = {each.code for each in contents.master_data().property_types}
    for kind, its in shown.items():
        for each in its:
            assert all((kind, connection.to) in there for connection in each.connections)
            assert each.properties.keys() <= declared
            assert FRIEND not in each.properties or (Kind.SAMPLE, each.properties[FRIEND]) in there
            assert each.experiment is None or each.experiment in identifiers
            assert each.sample is None or ":" in each.sample or each.sample in identifiers


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_list_has_what_each_root_alone_leads_to_and_is_closed(data: st.DataObject) -> None:
    world = data.draw(friendly_worlds())
    with tempfile.TemporaryDirectory() as folder:
        instance = Instance.create(Path(folder))
        become(instance, world)
        instance.load(definitions())
        catalogue = EmbeddedCatalogue(
            instance.engine, store_root=Path(folder, "store"), service_root=Path(folder, "files")
        )
        with catalogue.snapshot() as snapshot:
            entities = [each for kind in KINDS for each in snapshot.entities(kind, EVERYTHING)]
            flags = data.draw(st.frozensets(st.sampled_from(list(Flag))))
            chosen = data.draw(
                st.lists(st.sampled_from(entities), min_size=1, max_size=3, unique_by=key_of)
            )
            roots = Roots(roots=tuple(map(root_of, chosen)), flags=flags, is_asked=True)
            model = Model(entities=entities, of_samples=[FRIEND])
            assert keys_of(snapshot, roots) == model.closure(roots.roots, flags)
            check_closed(RootedContents(snapshot, EVERYTHING, roots, None))
        instance.engine.dispose()
