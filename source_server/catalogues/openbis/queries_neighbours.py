"""Queries for the entities to which a step leads (`source_server.publication.catalogue.Step`).

Parameters: ``perm_ids`` (of the entities at which the steps begin) and those of the scope
(`queries_entities`). All rows are kind, perm id, space and type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from shared.model.kinds import Kind
from source_server.catalogues.openbis.queries_parts import PROPERTY_TABLES
from source_server.publication.catalogue import Step

# The entities of a kind that are within the scope; a condition follows.
_TARGETS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.SPACE: """
select 'SPACE' as kind, s.code as perm_id, s.code as space, null as type
  from spaces s
 where s.id = any (cast(:shown_spaces as bigint[])) and """,
        Kind.PROJECT: """
select 'PROJECT' as kind, p.perm_id, s.code as space, null as type
  from projects p
  join spaces s on s.id = p.space_id
 where p.id = any (cast(:projects as bigint[])) and """,
        Kind.EXPERIMENT: """
select 'EXPERIMENT' as kind, e.perm_id, s.code as space, t.code as type
  from experiments e
  join experiment_types t on t.id = e.exty_id
  join projects p on p.id = e.proj_id
  join spaces s on s.id = p.space_id
 where {experiment_in_scope:e} and """,
        Kind.SAMPLE: """
select 'SAMPLE' as kind, x.perm_id, s.code as space, t.code as type
  from samples x
  join sample_types t on t.id = x.saty_id
  left join spaces s on s.id = x.space_id
 where {sample_in_scope:x} and """,
        Kind.DATA_SET: """
select 'DATA_SET' as kind, d.code as perm_id,
       case when d.expe_id is not null then es.code else xs.code end as space, t.code as type
  from data d
  join data_set_types t on t.id = d.dsty_id
  left join experiments e on e.id = d.expe_id
  left join projects p on p.id = e.proj_id
  left join spaces es on es.id = p.space_id
  left join samples x on x.id = d.samp_id
  left join spaces xs on xs.id = x.space_id
 where {data_set_in_scope:d} and """,
    }
)

# The alias of each kind in `_TARGETS`.
_ALIAS = {
    Kind.SPACE: "s",
    Kind.PROJECT: "p",
    Kind.EXPERIMENT: "e",
    Kind.SAMPLE: "x",
    Kind.DATA_SET: "d",
}
_TABLE = {
    Kind.SPACE: "spaces",
    Kind.PROJECT: "projects",
    Kind.EXPERIMENT: "experiments",
    Kind.SAMPLE: "samples",
    Kind.DATA_SET: "data",
}
_KEY = {kind: "code" if kind in {Kind.SPACE, Kind.DATA_SET} else "perm_id" for kind in _TABLE}
_GIVEN = "= any (cast(:perm_ids as text[]))"


def _filled(query: str, **names: str) -> str:
    """The query with these names of tables and columns, and with the condition ``<given>``."""
    for place, name in (names | {"given": _GIVEN}).items():
        query = query.replace(f"<{place}>", name)
    return query


def _start(kind: Kind, column: str) -> str:
    """A subquery: a column of the entities at which a step begins."""
    return _filled(
        "(select f.<column> from <table> f where f.<key> <given>)",
        column=column,
        table=_TABLE[kind],
        key=_KEY[kind],
    )


_EXPERIMENTS_OF_SPACES = _filled("""(
    select fe.id from experiments fe
      join projects fp on fp.id = fe.proj_id
      join spaces f on f.id = fp.space_id
     where f.code <given>)""")
_EXPERIMENTS_OF_PROJECTS = _filled("""(
    select fe.id from experiments fe join projects f on f.id = fe.proj_id
     where f.perm_id <given>)""")
_SAMPLES_OF_SPACES = _filled("""(
    select fx.id from samples fx join spaces f on f.id = fx.space_id where f.code <given>)""")
# A sample may name its project, or lie in it by its experiment alone.
_SAMPLES_OF_PROJECTS = _filled(
    """(
    select fx.id from samples fx join projects f on f.id = fx.proj_id where f.perm_id <given>
    union
    select fx.id from samples fx where fx.expe_id in <experiments>)""",
    experiments=_EXPERIMENTS_OF_PROJECTS,
)

_PLACES: Mapping[Kind, Sequence[tuple[Kind, str]]] = MappingProxyType(
    {
        Kind.PROJECT: ((Kind.SPACE, "space_id"),),
        Kind.EXPERIMENT: ((Kind.PROJECT, "proj_id"),),
        Kind.SAMPLE: (
            *((Kind.SPACE, "space_id"), (Kind.PROJECT, "proj_id"), (Kind.EXPERIMENT, "expe_id")),
        ),
        Kind.DATA_SET: ((Kind.EXPERIMENT, "expe_id"), (Kind.SAMPLE, "samp_id")),
    }
)

_BELOW: Mapping[Kind, Sequence[tuple[Kind, str]]] = MappingProxyType(
    {
        Kind.SPACE: (
            (Kind.PROJECT, f"p.space_id in {_start(Kind.SPACE, 'id')}"),
            (Kind.EXPERIMENT, f"p.space_id in {_start(Kind.SPACE, 'id')}"),
            (Kind.SAMPLE, f"x.space_id in {_start(Kind.SPACE, 'id')}"),
            (Kind.DATA_SET, f"d.expe_id in {_EXPERIMENTS_OF_SPACES}"),
            (Kind.DATA_SET, f"d.expe_id is null and d.samp_id in {_SAMPLES_OF_SPACES}"),
        ),
        Kind.PROJECT: (
            (Kind.EXPERIMENT, f"e.proj_id in {_start(Kind.PROJECT, 'id')}"),
            (Kind.SAMPLE, f"x.id in {_SAMPLES_OF_PROJECTS}"),
            (Kind.DATA_SET, f"d.expe_id in {_EXPERIMENTS_OF_PROJECTS}"),
            (Kind.DATA_SET, f"d.expe_id is null and d.samp_id in {_SAMPLES_OF_PROJECTS}"),
        ),
        Kind.EXPERIMENT: (
            (Kind.SAMPLE, f"x.expe_id in {_start(Kind.EXPERIMENT, 'id')}"),
            (Kind.DATA_SET, f"d.expe_id in {_start(Kind.EXPERIMENT, 'id')}"),
        ),
        Kind.SAMPLE: ((Kind.DATA_SET, f"d.samp_id in {_start(Kind.SAMPLE, 'id')}"),),
    }
)

# Ids of related entities, by the table of relations: the end that is given, and the other one.
_LINKS: Mapping[Kind, tuple[str, str, str]] = MappingProxyType(
    {
        Kind.SAMPLE: ("sample_relationships", "sample_id_parent", "sample_id_child"),
        Kind.DATA_SET: ("data_set_relationships", "data_id_parent", "data_id_child"),
    }
)


_RELATED = """<alias>.id in (
    select l.<there> from <links> l
      join relationship_types lt on lt.id = l.relationship_id
      join <table> f on f.id = l.<here>
     where lt.code = '<relation>' and f.<key> <given>)"""


def _related(kind: Kind, relation: str, *, upwards: bool) -> str:
    links, *ends = _LINKS[kind]
    there, here = ends if upwards else reversed(ends)
    return _filled(
        _RELATED,
        alias=_ALIAS[kind],
        table=_TABLE[kind],
        key=_KEY[kind],
        links=links,
        there=there,
        here=here,
        relation=relation,
    )


_NAMED = """x.id in (
    select {sample_property:v} from <properties> v
      join <table> f on f.id = v.<owner>
     where f.<key> <given> and {sample_property:v} is not null)"""


def _named(kind: Kind) -> str:
    tables = PROPERTY_TABLES[kind]
    query = _filled(_NAMED, table=_TABLE[kind], key=_KEY[kind])
    for place in ("<properties>", "<owner>"):
        query = query.replace(place, tables[place])
    return query


def _conditions() -> Mapping[tuple[Step, Kind], Sequence[tuple[Kind, str]]]:
    """Kinds of targets and conditions for them, by step and kind of the start."""
    found: dict[tuple[Step, Kind], Sequence[tuple[Kind, str]]] = {}
    for kind, alias in _ALIAS.items():
        found[Step.ITSELF, kind] = ((kind, f"{alias}.{_KEY[kind]} {_GIVEN}"),)
    for kind, places in _PLACES.items():
        found[Step.ABOVE, kind] = [
            (place, f"{_ALIAS[place]}.id in {_start(kind, column)}") for place, column in places
        ]
    found |= {(Step.BELOW, kind): each for kind, each in _BELOW.items()}
    for kind in (Kind.EXPERIMENT, Kind.SAMPLE, Kind.DATA_SET):
        found[Step.NAMED, kind] = ((Kind.SAMPLE, _named(kind)),)
    for kind in _LINKS:
        for step, upwards in ((Step.PARENTS, True), (Step.CHILDREN, False)):
            found[step, kind] = ((kind, _related(kind, "PARENT_CHILD", upwards=upwards)),)
    data_sets = Kind.DATA_SET
    for step, upwards in ((Step.CONTAINERS, True), (Step.COMPONENTS, False)):
        related = _related(data_sets, "CONTAINER_COMPONENT", upwards=upwards)
        found[step, data_sets] = ((data_sets, related),)
    containers = f"x.id in {_start(Kind.SAMPLE, 'samp_id_part_of')}"
    components = f"x.samp_id_part_of in {_start(Kind.SAMPLE, 'id')}"
    found[Step.CONTAINERS, Kind.SAMPLE] = ((Kind.SAMPLE, containers),)
    found[Step.COMPONENTS, Kind.SAMPLE] = ((Kind.SAMPLE, components),)
    return found


# ``union all``: callers expect doubles (`Snapshot.neighbours`), so PostgreSQL need not find them.
NEIGHBOURS: Mapping[tuple[Step, Kind], str] = MappingProxyType(
    {
        key: "\nunion all\n".join(_TARGETS[target] + condition for target, condition in conditions)
        for key, conditions in _conditions().items()
    }
)

EXTERNAL_SYSTEMS = _filled("""
select distinct ms.code
  from {content_copies} k
  join external_data_management_systems ms on ms.id = k.edms_id
  join data d on d.id = k.data_id
 where d.code <given>
""")

# Ids of the entities with these perm ids that are within the scope, by perm id in byte order.
NAMED_IDS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.SPACE: _filled("""
select s.id from spaces s
 where s.id = any (cast(:shown_spaces as bigint[])) and s.code <given>
 order by s.code collate "C"
"""),
        Kind.PROJECT: _filled("""
select p.id from projects p
 where p.id = any (cast(:projects as bigint[])) and p.perm_id <given>
 order by p.perm_id collate "C"
"""),
        Kind.EXPERIMENT: _filled("""
select e.id from experiments e
 where {experiment_in_scope:e} and e.perm_id <given>
 order by e.perm_id collate "C"
"""),
        Kind.SAMPLE: _filled("""
select x.id from samples x
 where {sample_in_scope:x} and x.perm_id <given>
 order by x.perm_id collate "C"
"""),
        Kind.DATA_SET: _filled("""
select d.id from data d
 where {data_set_in_scope:d} and d.code <given>
 order by d.code collate "C"
"""),
    }
)

ALL = (*NEIGHBOURS.values(), EXTERNAL_SYSTEMS, *NAMED_IDS.values())
