"""Queries for the parts of the entities of one page; ``ids`` are the ids of their owners."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.model.kinds import Kind

PROPERTY_TABLES: Mapping[Kind, Mapping[str, str]] = MappingProxyType(
    {
        Kind.MATERIAL: {
            "<properties>": "{material_properties}",
            "<owner>": "mate_id",
            "<assignment>": "mtpt_id",
            "<assignments>": "{material_assignments}",
            "{sample_property:v}": "null::bigint",  # materials have no values of type SAMPLE
        },
        Kind.EXPERIMENT: {
            "<properties>": "experiment_properties",
            "<owner>": "expe_id",
            "<assignment>": "etpt_id",
            "<assignments>": "experiment_type_property_types",
        },
        Kind.SAMPLE: {
            "<properties>": "sample_properties",
            "<owner>": "samp_id",
            "<assignment>": "stpt_id",
            "<assignments>": "sample_type_property_types",
        },
        Kind.DATA_SET: {
            "<properties>": "data_set_properties",
            "<owner>": "ds_id",
            "<assignment>": "dstpt_id",
            "<assignments>": "data_set_type_property_types",
        },
    }
)

_HOLDER_COLUMNS: Mapping[Kind, str] = MappingProxyType(
    {Kind.PROJECT: "proj_id", Kind.EXPERIMENT: "expe_id", Kind.SAMPLE: "samp_id"}
)


def _by_kind(query: str) -> Mapping[Kind, str]:
    """The query for each kind that has properties."""
    return MappingProxyType(
        {kind: _filled(query, PROPERTY_TABLES[kind]) for kind in PROPERTY_TABLES}
    )


def _filled(query: str, names: Mapping[str, str]) -> str:
    for place, name in names.items():
        query = query.replace(place, name)
    return query


# The code of each assigned property type; values name the assignment only.
ASSIGNED_CODES = _by_kind("""
select a.id, {code:pt} as code
  from <assignments> a
  join property_types pt on pt.id = a.prty_id
""")

# Subqueries, not joins: a join would read all samples of the instance for every page.
PROPERTIES = _by_kind("""
select v.<owner> as owner, v.<assignment> as assignment,
       coalesce(v.value,
           (select vt.code from controlled_vocabulary_terms vt where vt.id = v.cvte_id),
           case when {material_value:v} is not null then
               (select pm.code || ' (' || pmt.code || ')'
                  from {materials} pm join {material_types} pmt on pmt.id = pm.maty_id
                 where pm.id = {material_value:v}) end,
           case when {sample_property:v} is not null then
               (select px.perm_id from samples px
                 where px.id = {sample_property:v} and {sample_in_scope:px}) end,
           {integers:v}, {strings:v}, {timestamps:v}, {json_text:v}) as value,
       {reals:v} as reals
  from <properties> v
 where v.<owner> = any (cast(:ids as bigint[]))
""")

# openBIS knows no other order of several values of one property.
PROPERTIES_IN_ORDER: Mapping[Kind, str] = MappingProxyType(
    {kind: f"{query} order by v.id" for kind, query in PROPERTIES.items()}
)

# Values that point to samples outside of the scope.
# The condition of the scope is null for a hidden sample without a project: ``is not true``.
HIDDEN_SAMPLES = _by_kind("""
select v.<owner> as owner, v.<assignment> as assignment
  from <properties> v
  join samples px on px.id = {sample_property:v}
 where v.<owner> = any (cast(:ids as bigint[])) and {sample_in_scope:px} is not true
""")

# Targets outside of the scope are only counted.
SAMPLE_CONNECTIONS = """
select l.sample_id_parent as owner, 'Child' as relation, o.perm_id as target,
       {sample_in_scope:o} is true as shown
  from sample_relationships l
  join relationship_types lt on lt.id = l.relationship_id
  join samples o on o.id = l.sample_id_child
 where l.sample_id_parent = any (cast(:ids as bigint[])) and lt.code = 'PARENT_CHILD'
union
select o.samp_id_part_of, 'Component', o.perm_id, {sample_in_scope:o} is true
  from samples o
 where o.samp_id_part_of = any (cast(:ids as bigint[]))
"""

DATA_SET_CONNECTIONS = """
select l.data_id_parent as owner,
       case lt.code when 'PARENT_CHILD' then 'Child' else 'Component' end as relation,
       o.code as target, {data_set_home_in_scope:o} is true as shown
  from data_set_relationships l
  join relationship_types lt on lt.id = l.relationship_id
  join data o on o.id = l.data_id_child
 where l.data_id_parent = any (cast(:ids as bigint[]))
   and lt.code in ('PARENT_CHILD', 'CONTAINER_COMPONENT') and {data_set_is_stored:o}
 order by case lt.code when 'CONTAINER_COMPONENT' then coalesce(l.ordinal, 0) end,
       o.code collate "C"
"""

# A left join: an attachment whose content is gone is listed and marked, not dropped.
_ATTACHMENTS = """
select a.<holder> as owner, a.file_name, a.version, a.title, a.description,
       r.user_id as registrator, {epoch:a.registration_timestamp} as registered,
       octet_length(c.value) as length, encode(sha256(c.value), 'hex') as sha256
  from attachments a
  left join attachment_contents c on c.id = a.exac_id
  left join persons r on r.id = a.pers_id_registerer
 where a.<holder> = any (cast(:ids as bigint[]))
 order by a.<holder>, a.file_name collate "C", a.version
"""

ATTACHMENTS: Mapping[Kind, str] = MappingProxyType(
    {kind: _ATTACHMENTS.replace("<holder>", column) for kind, column in _HOLDER_COLUMNS.items()}
)

CONTENT_COPIES = """
select k.data_id as owner, cast(k.id as text) as id, ms.code as external_dms, k.external_code,
       k.path, k.git_commit_hash, {git_repository_id:k} as git_repository_id
  from {content_copies} k
  join external_data_management_systems ms on ms.id = k.edms_id
 where k.data_id = any (cast(:ids as bigint[]))
 order by k.id
"""

ALL = (
    *ASSIGNED_CODES.values(),
    *PROPERTIES.values(),
    *PROPERTIES_IN_ORDER.values(),
    *HIDDEN_SAMPLES.values(),
    *(SAMPLE_CONNECTIONS, DATA_SET_CONNECTIONS, CONTENT_COPIES),
    *ATTACHMENTS.values(),
)
