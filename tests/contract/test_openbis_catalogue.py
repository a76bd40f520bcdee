"""The catalogue over each openBIS database, made or given, shows what plain SQL counts in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.model.entities import Entity
from shared.model.kinds import ENTITY_KINDS, FACTS, DataSetKind, Kind, Relation
from shared.model.master_data import MasterData
from shared.model.properties import texts_among
from source_server.catalogues.openbis.catalogue import open_openbis
from source_server.publication.catalogue import Scope
from tests.conftest import LoadOpenBis
from tests.support.openbis_made import database as openbis_made
from tests.support.servers.postgres import counted

# The made ones, and all given ones that have a schema of 154 or later.
DATABASES = (
    *openbis_made.NAMES,
    "openbis_unittest_154",
    "openbis_unittest_178",
    "openbis_unittest_192",
    "openbis_scu_microscopy",
    "openbis_sync_big_harvester",
    "m192_3v",
    "m192_scu_microscopy",
    "m192_sync_big_harvester",
    "m192_yeastx",
    "x192_features",
    "unittest_213",
    "x207_features",
    "x213_features",
)

# Schemas 210 and 211 took them away.
LOST_TABLES = (
    *("materials", "material_types", "material_properties", "material_type_property_types"),
    "file_format_types",
)

Entities = Mapping[Kind, tuple[Entity, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A database, and what the catalogue says of it: to an instance admin, to somebody who sees
    the first space only, and to somebody who sees none."""

    url: str
    everything: Entities
    one_space: Entities
    no_space: Entities
    master_data: MasterData

    def count(self, query: str) -> int:
        return counted(self.url, query)


@pytest.fixture(scope="module", params=DATABASES)
def published(
    request: pytest.FixtureRequest,
    load_openbis: LoadOpenBis,
    tmp_path_factory: pytest.TempPathFactory,
) -> Published:
    url = load_openbis(request.param)
    return _published(url, tmp_path_factory.mktemp("store"))


def _published(url: str, store: Path) -> Published:
    catalogue = open_openbis(url, store_root=store)
    with catalogue.snapshot() as snapshot:
        codes = snapshot.space_codes()

        def entities(scope: Scope) -> Entities:
            return {kind: tuple(snapshot.entities(kind, scope)) for kind in ENTITY_KINDS}

        result = Published(
            url=url,
            everything=entities(Scope(spaces=frozenset(codes))),
            one_space=entities(Scope(spaces=frozenset(codes[:1]))),
            no_space=entities(Scope()),
            master_data=snapshot.master_data(),
        )
    catalogue.close()
    return result


EXPERIMENTS = "(select * from experiments_all where del_id is null)"
SAMPLES = "(select * from samples_all where del_id is null)"
DATA_SETS = """
(select d.* from data_all d
  where d.del_id is null
    and d.id not in (
      select coalesce(to_jsonb(f) ->> 'data_id', to_jsonb(f) ->> 'id')::bigint
        from external_data f where not f.storage_confirmation))
"""


def number(published: Published, what: str) -> int:
    """The number of rows of ``what``, a table or a join of tables; tables that a schema does not
    have are empty."""
    for table in LOST_TABLES:
        there = f"select count(*) from pg_class where relname = '{table}'"  # noqa: S608
        if re.search(rf"\b{table}\b", what) and not published.count(there):
            return 0
    places = {"<experiments>": EXPERIMENTS, "<samples>": SAMPLES, "<data sets>": DATA_SETS}
    for place, query in places.items():
        what = what.replace(place, query)
    return published.count("select count(*) from <what>".replace("<what>", what))


def test_every_kind_has_the_number_of_the_database(published: Published) -> None:
    tables = {
        Kind.MATERIAL: "materials",
        Kind.SPACE: "spaces",
        Kind.PROJECT: "projects",
        Kind.EXPERIMENT: "<experiments> as e",
        Kind.SAMPLE: "<samples> as x",
        Kind.DATA_SET: "<data sets> as d",
    }
    found = {kind: len(entities) for kind, entities in published.everything.items()}
    assert found == {kind: number(published, table) for kind, table in tables.items()}


def test_every_property_value_is_there(published: Published) -> None:
    tables = {
        Kind.MATERIAL: "material_properties v",
        Kind.EXPERIMENT: "experiment_properties v join <experiments> as e on e.id = v.expe_id",
        Kind.SAMPLE: """sample_properties v join <samples> as x on x.id = v.samp_id
            left join samples_all p on p.id = (to_jsonb(v) ->> 'samp_prop_id')::bigint
            where p.del_id is null""",
        Kind.DATA_SET: "data_set_properties v join <data sets> as d on d.id = v.ds_id",
    }
    found = {
        kind: sum(
            len(list(texts_among(entity.properties.values())))
            for entity in published.everything[kind]
        )
        for kind in tables
    }
    assert found == {kind: number(published, table) for kind, table in tables.items()}


def test_every_connection_is_there(published: Published) -> None:
    of_samples = """sample_relationships_all l
        join relationship_types t on t.id = l.relationship_id
        join <samples> as p on p.id = l.sample_id_parent
        join <samples> as c on c.id = l.sample_id_child
        where l.del_id is null and t.code = 'PARENT_CHILD'"""
    of_data_sets = """data_set_relationships_all l
        join relationship_types t on t.id = l.relationship_id
        join <data sets> as p on p.id = l.data_id_parent
        join <data sets> as c on c.id = l.data_id_child
        where l.del_id is null and t.code = """
    components = "<samples> as c join <samples> as p on p.id = c.samp_id_part_of"
    found = Counter(
        (kind, edge.relation)
        for kind, entities in published.everything.items()
        for entity in entities
        for edge in entity.connections
    )
    assert found == Counter(
        {
            (Kind.SAMPLE, Relation.CHILD): number(published, of_samples),
            (Kind.SAMPLE, Relation.COMPONENT): number(published, components),
            (Kind.DATA_SET, Relation.CHILD): number(published, of_data_sets + "'PARENT_CHILD'"),
            (Kind.DATA_SET, Relation.COMPONENT): number(
                published, of_data_sets + "'CONTAINER_COMPONENT'"
            ),
        }
    )


def test_every_version_of_every_attachment_is_there(published: Published) -> None:
    tables = {
        Kind.PROJECT: "attachments where proj_id is not null",
        Kind.EXPERIMENT: "attachments a join <experiments> as e on e.id = a.expe_id",
        Kind.SAMPLE: "attachments a join <samples> as x on x.id = a.samp_id",
    }
    found = {
        kind: sum(
            len(held.versions)
            for entity in published.everything[kind]
            for held in entity.attachments
        )
        for kind in tables
    }
    assert found == {kind: number(published, table) for kind, table in tables.items()}


def test_every_data_set_has_its_kind_and_every_link_its_copies(published: Published) -> None:
    data_sets = published.everything[Kind.DATA_SET]

    kinds = Counter(data_set.data_set_kind for data_set in data_sets)
    stored = """<data sets> as d where exists (
        select 1 from external_data f
         where coalesce(to_jsonb(f) ->> 'data_id', to_jsonb(f) ->> 'id')::bigint = d.id)"""
    linked = """<data sets> as d where exists (
        select 1 from link_data l
         where coalesce(to_jsonb(l) ->> 'data_id', to_jsonb(l) ->> 'id')::bigint = d.id)"""
    assert kinds[DataSetKind.PHYSICAL] == number(published, stored)
    assert kinds[DataSetKind.LINK] == number(published, linked)
    for data_set in data_sets:
        assert bool(data_set.content_copies) == (data_set.data_set_kind is DataSetKind.LINK)


def test_entities_come_by_perm_id_in_byte_order_and_once(published: Published) -> None:
    for entities in published.everything.values():
        perm_ids = [entity.perm_id.encode() for entity in entities]
        assert perm_ids == sorted(set(perm_ids))


def test_entities_have_what_their_kind_has_and_nothing_else(published: Published) -> None:
    for kind, entities in published.everything.items():
        facts = FACTS[kind]
        for entity in entities:
            assert entity.kind is kind
            assert (entity.type is not None) == facts.has_type
            assert facts.has_properties or not entity.properties
            assert facts.has_attachments or not entity.attachments
            assert facts.relations or not entity.connections
            assert (entity.data_set_kind is not None) == (kind is Kind.DATA_SET)
            assert (str(entity.perm_id) == entity.code) == facts.perm_id_is_code


def test_times_are_whole_seconds_in_utc(published: Published) -> None:
    for entities in published.everything.values():
        for entity in entities:
            for moment in (entity.registered, entity.modified):
                assert moment.microsecond == 0
                assert str(moment.tzinfo) == "UTC"
            assert entity.modified >= entity.registered or entity.kind is not Kind.SPACE


def test_references_stay_within_the_scope(published: Published) -> None:
    experiments = {entity.identifier for entity in published.one_space[Kind.EXPERIMENT]}
    for kind in (Kind.SAMPLE, Kind.DATA_SET):
        perm_ids = {entity.perm_id for entity in published.one_space[kind]}
        for entity in published.one_space[kind]:
            assert {edge.to for edge in entity.connections} <= perm_ids
            assert entity.experiment is None or entity.experiment in experiments


def test_a_scope_shows_its_spaces_and_what_belongs_to_everybody(published: Published) -> None:
    codes = [space.code for space in published.one_space[Kind.SPACE]]
    whole = published.everything

    assert codes == [whole[Kind.SPACE][0].code]
    for kind, entities in published.one_space.items():
        expected = [entity for entity in whole[kind] if entity.home[0] in {None, *codes}]
        assert [entity.perm_id for entity in entities] == [each.perm_id for each in expected]


def test_an_empty_scope_shows_materials_and_shared_samples(published: Published) -> None:
    found = {kind: len(entities) for kind, entities in published.no_space.items()}

    assert found == dict.fromkeys(ENTITY_KINDS, 0) | {
        Kind.MATERIAL: number(published, "materials"),
        Kind.SAMPLE: number(published, "<samples> as x where x.space_id is null"),
        Kind.DATA_SET: number(
            published,
            "<data sets> as d join <samples> as x on x.id = d.samp_id"
            " where x.space_id is null and d.expe_id is null",
        ),
    }


def test_master_data_has_the_numbers_of_the_database(published: Published) -> None:
    found, types = published.master_data, published.master_data.entity_types

    for rows, table in (
        (found.file_format_types, "file_format_types"),
        (found.plugins, "scripts"),
        (found.vocabularies, "controlled_vocabularies"),
        (
            [term for each in found.vocabularies for term in each.terms],
            "controlled_vocabulary_terms",
        ),
        (found.property_types, "property_types"),
        (found.external_dms, "external_data_management_systems"),
    ):
        assert len(rows) == number(published, table), table
    for kind in (Kind.SAMPLE, Kind.EXPERIMENT, Kind.DATA_SET, Kind.MATERIAL):
        of_kind, name = found.types_of(kind), kind.value.lower()
        assigned = sum(len(entity_type.assignments) for entity_type in of_kind)
        assert len(of_kind) == number(published, f"{name}_types")
        assert assigned == number(published, f"{name}_type_property_types")
    assert len({(each.kind, each.code) for each in types}) == len(types)


def test_master_data_refers_to_what_it_defines(published: Published) -> None:
    found = published.master_data
    property_types = {each.code for each in found.property_types}
    vocabularies = {each.code for each in found.vocabularies}
    plugins = {each.name for each in found.plugins}

    for property_type in found.property_types:
        assert property_type.vocabulary is None or property_type.vocabulary in vocabularies
        assert property_type.code.startswith("$") == property_type.internal
    for vocabulary in found.vocabularies:
        assert vocabulary.code.startswith("$") == vocabulary.internal
        ordinals = [term.ordinal for term in vocabulary.terms]
        assert ordinals == sorted(ordinals)
    for entity_type in found.entity_types:
        assert {each.property_type for each in entity_type.assignments} <= property_types
        assert {each.plugin for each in entity_type.assignments} - {None} <= plugins
        assigned = [each.ordinal for each in entity_type.assignments]
        assert assigned == sorted(assigned)


def test_values_name_property_types_that_are_defined(published: Published) -> None:
    """Not all are assigned to the entity's own type: openBIS's own test data has such a value."""
    defined = {each.code for each in published.master_data.property_types}

    for entities in published.everything.values():
        for entity in entities:
            assert entity.properties.keys() <= defined
