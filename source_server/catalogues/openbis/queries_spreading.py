"""Queries for what follows from a change: which entities show something of those that changed, and
whether the definitions that all entities show are the same."""

# ruff: noqa: S608 - statements are joined of texts of this module
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from shared.model.kinds import Kind
from source_server.catalogues.openbis.queries_changes import LAST_WITH_MATERIALS, hash_of


def _codes(table: str, *columns: str) -> str:
    return f"select r.id, {hash_of(*columns)} as shown from {table} r"


_DEFINITIONS = MappingProxyType(
    {
        "persons": _codes("persons", "r.user_id"),
        "sample_types": _codes("sample_types", "r.code"),
        "experiment_types": _codes("experiment_types", "r.code"),
        "data_set_types": _codes("data_set_types", "r.code", "{kind_of_type:r}"),
        "property_types": _codes("property_types", "r.code", "{internal:r}", "r.daty_id"),
        "data_types": _codes("data_types", "r.code"),
        "sample_assignments": _codes("sample_type_property_types", "r.prty_id"),
        "experiment_assignments": _codes("experiment_type_property_types", "r.prty_id"),
        "data_set_assignments": _codes("data_set_type_property_types", "r.prty_id"),
        "terms": _codes("controlled_vocabulary_terms", "r.code"),
        "data_stores": _codes("data_stores", "r.code"),
        "systems": _codes("external_data_management_systems", "r.code"),
        "relationship_types": _codes("relationship_types", "r.code"),
        "space_codes": _codes("spaces", "r.code"),
    }
)
_OF_MATERIALS = MappingProxyType(
    {
        "material_codes": _codes("materials", "r.code", "r.maty_id"),
        "material_types": _codes("material_types", "r.code"),
        "material_assignments": _codes("material_type_property_types", "r.prty_id"),
    }
)


class Spread(NamedTuple):
    """A way on which a change of what others show is seen: ``ids`` are of the kind ``of``, the
    result are ids of the kind ``to``. ``goes_on``: what others show of these has changed, too; also
    whether they are within the scope of those who see a project by its identifier."""

    of: Kind
    to: Kind
    query: str
    goes_on: bool = False


def _who(table: str, column: str, points: str) -> str:
    return f"""
select r.{column} as id from {table} r
  join unnest(cast(:ids as bigint[])) changed (id) on changed.id = r.{points}
 where r.{column} is not null"""


_SPREADING = (
    Spread(Kind.PROJECT, Kind.EXPERIMENT, _who("experiments_all", "id", "proj_id"), goes_on=True),
    Spread(Kind.PROJECT, Kind.SAMPLE, _who("samples_all", "id", "proj_id"), goes_on=True),
    Spread(Kind.EXPERIMENT, Kind.SAMPLE, _who("samples_all", "id", "expe_id"), goes_on=True),
    Spread(Kind.EXPERIMENT, Kind.DATA_SET, _who("data_all", "id", "expe_id"), goes_on=True),
    Spread(Kind.SAMPLE, Kind.DATA_SET, _who("data_all", "id", "samp_id"), goes_on=True),
    Spread(
        Kind.SAMPLE,
        Kind.DATA_SET,
        """
select d.id from data_all d
  join samples_all x on x.id = d.samp_id
  join unnest(cast(:ids as bigint[])) changed (id) on changed.id = x.samp_id_part_of""",
    ),
    Spread(Kind.SAMPLE, Kind.SAMPLE, _who("samples_all", "samp_id_part_of", "id")),
    Spread(
        Kind.SAMPLE,
        Kind.SAMPLE,
        _who("sample_relationships_all", "sample_id_parent", "sample_id_child"),
    ),
    Spread(Kind.DATA_SET, Kind.SAMPLE, _who("data_all", "samp_id", "id")),
    Spread(
        Kind.DATA_SET,
        Kind.DATA_SET,
        _who("data_set_relationships_all", "data_id_parent", "data_id_child"),
    ),
)
_FIRST_WITH_SAMPLES_AS_VALUES = 179
_SPREADING_BY_VALUES = (
    Spread(Kind.SAMPLE, Kind.EXPERIMENT, _who("experiment_properties", "expe_id", "samp_prop_id")),
    Spread(Kind.SAMPLE, Kind.SAMPLE, _who("sample_properties", "samp_id", "samp_prop_id")),
    Spread(Kind.SAMPLE, Kind.DATA_SET, _who("data_set_properties", "ds_id", "samp_prop_id")),
)


def definitions_at(version: int) -> Mapping[str, str]:
    """What many entries show, and what hardly ever changes: if it does, no earlier cursor is good
    any more. New rows are shown by no entry yet, and used ones cannot be removed."""
    return _DEFINITIONS | (_OF_MATERIALS if version <= LAST_WITH_MATERIALS else {})


def ways_at(version: int) -> tuple[Spread, ...]:
    """In the order in which they are to be followed: what goes on comes before what follows."""
    by_values = _SPREADING_BY_VALUES if version >= _FIRST_WITH_SAMPLES_AS_VALUES else ()
    return (*_SPREADING, *by_values)
