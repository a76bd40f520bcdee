"""What a list has by the schema of openBIS's database: the table of docs/operations.md is true."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from shared.model.entities import Entity
from shared.model.kinds import ENTITY_KINDS, Kind
from shared.model.master_data import MasterData
from source_server.catalogues.openbis.catalogue import OpenBisAccess, OpenBisCatalogue
from source_server.catalogues.openbis.schema import NEWEST, OLDEST
from source_server.publication.catalogue import Scope
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis_made import later
from tests.unit.test_docs import PROJECT

_ROW = re.compile(r"^  \| ([a-zA-Z, ]+) \| (\d+) \| (\d*) ?\|$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """What a catalogue shows."""

    catalogue: OpenBisCatalogue
    master_data: MasterData
    entities: Mapping[Kind, list[Entity]]

    @classmethod
    def of(cls, catalogue: OpenBisCatalogue) -> Instance:
        with catalogue.snapshot() as view:
            everything = Scope(spaces=frozenset(view.space_codes()))
            return cls(
                catalogue=catalogue,
                master_data=view.master_data(),
                entities={kind: list(view.entities(kind, everything)) for kind in ENTITY_KINDS},
            )

    def has(self, is_there: Callable[[Entity], bool]) -> bool:
        return any(is_there(entity) for entities in self.entities.values() for entity in entities)


def _has_several_values(entity: Entity) -> bool:
    return any(not isinstance(value, str) for value in entity.properties.values())


def _has_meta_data(found: Instance) -> bool:
    return found.has(lambda e: e.meta_data is not None) and any(
        each.meta_data is not None for each in found.master_data.entity_types
    )


def _persons_expire(found: Instance) -> bool:
    return (
        found.catalogue.scope_of(later.NOT_EXPIRED) is not None
        and found.catalogue.scope_of(later.EXPIRED) is None
    )


def _has_patterns(found: Instance) -> bool:
    types = found.master_data.entity_types
    return any(each.pattern for one in types for each in one.assignments)


def _roles_in_projects(found: Instance) -> bool:
    scope = found.catalogue.scope_of("plot_on")
    return scope is not None and bool(scope.projects)


FEATURES: Mapping[str, Callable[[Instance], bool]] = {
    "materials": lambda found: bool(found.entities[Kind.MATERIAL]),
    "file formats": lambda found: bool(found.master_data.file_format_types),
    "roles in projects": _roles_in_projects,
    "meta data of property types": lambda found: any(
        each.meta_data is not None for each in found.master_data.property_types
    ),
    "meta data of experiments, samples, data sets and their types": _has_meta_data,
    "several values of a property": lambda found: found.has(_has_several_values),
    "patterns of assignments": _has_patterns,
    "internal types": lambda found: any(each.internal for each in found.master_data.entity_types),
    "AFS data": lambda found: found.has(lambda entity: entity.is_afs),
    "times of immutable data": lambda found: found.has(lambda e: e.immutable_since is not None),
    "persons that expire": _persons_expire,
    "type groups": lambda found: bool(found.master_data.type_groups),
}


def _table() -> dict[str, tuple[int, int]]:
    text = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    return {what: (int(since), int(until or NEWEST)) for what, since, until in _ROW.findall(text)}


TABLE = _table()
# Each schema with which something begins or ends, and the one before it.
SCHEMAS = sorted(
    {OLDEST, NEWEST}
    | {schema for since, _ in TABLE.values() for schema in (since - 1, since)}
    | {schema for _, until in TABLE.values() for schema in (until, until + 1)}
)


def test_the_table_names_each_feature_that_is_tested() -> None:
    assert TABLE.keys() == FEATURES.keys()


@pytest.mark.parametrize("schema", [each for each in SCHEMAS if OLDEST <= each <= NEWEST])
def test_a_list_has_what_the_table_says(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, schema: int
) -> None:
    access = OpenBisAccess(project_level_users=".*")
    found = Instance.of(open_catalogue(load_openbis(f"made_{schema}"), access=access))

    shown = {what for what, is_there in FEATURES.items() if is_there(found)}
    assert shown == {what for what, (since, until) in TABLE.items() if since <= schema <= until}
