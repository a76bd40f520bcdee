"""Queries for the entities themselves: ids in the order of the list, and pages of rows.

All rows have the same columns, whatever the kind, but for those that only some kinds have: see
`entities.EntityReader`. Parameters: ``spaces``
(ids of spaces shown as a whole), ``lone_projects`` (ids of projects shown of other spaces),
``projects`` (ids of all projects shown), ``shown_spaces`` (ids of all spaces that have an entry),
``ids`` (of one page).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.model.kinds import Kind

# Ids of all entities within the scope, by perm id in byte order.
IDS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.MATERIAL: """
select m.id
  from {materials} m
  join {material_types} t on t.id = m.maty_id
 order by (m.code || ' (' || t.code || ')') collate "C"
""",
        Kind.SPACE: """
select s.id from spaces s
 where s.id = any (cast(:shown_spaces as bigint[]))
 order by s.code collate "C"
""",
        Kind.PROJECT: """
select p.id from projects p
 where p.id = any (cast(:projects as bigint[]))
 order by p.perm_id collate "C"
""",
        Kind.EXPERIMENT: """
select e.id from experiments e
 where {experiment_in_scope:e}
 order by e.perm_id collate "C"
""",
        Kind.SAMPLE: """
select x.id from samples x
 where {sample_in_scope:x}
 order by x.perm_id collate "C"
""",
        Kind.DATA_SET: """
select d.id from data d
 where {data_set_in_scope:d}
 order by d.code collate "C"
""",
    }
)

_MATERIALS = """
select m.id, m.code || ' (' || t.code || ')' as perm_id, m.code, t.code as type,
       null as space, null as project, null as experiment, null as sample, null as description,
       r.user_id as registrator, null as modifier,
       {epoch:m.registration_timestamp} as registered,
       {epoch:coalesce(m.modification_timestamp, m.registration_timestamp)} as modified, 0 as flags,
       false as hides_experiment, false as hides_sample
  from {materials} m
  join {material_types} t on t.id = m.maty_id
  left join persons r on r.id = m.pers_id_registerer
 where m.id = any (cast(:ids as bigint[]))
"""

# openBIS has no time of modification for a space (openbis-database.md, 2); its registration
# stands for it, as in openBIS's own list.
_SPACES = """
select s.id, s.code as perm_id, s.code, null as type,
       null as space, null as project, null as experiment, null as sample, s.description,
       r.user_id as registrator, null as modifier,
       {epoch:s.registration_timestamp} as registered, {epoch:s.registration_timestamp} as modified,
       {space_flags:s} as flags,
       false as hides_experiment, false as hides_sample
  from spaces s
  left join persons r on r.id = s.pers_id_registerer
 where s.id = any (cast(:ids as bigint[]))
"""

_PROJECTS = """
select p.id, p.perm_id, p.code, null as type,
       s.code as space, null as project, null as experiment, null as sample, p.description,
       r.user_id as registrator, m.user_id as modifier,
       {epoch:p.registration_timestamp} as registered,
       {epoch:coalesce(p.modification_timestamp, p.registration_timestamp)} as modified,
       {project_flags:p} as flags,
       false as hides_experiment, false as hides_sample
  from projects p
  join spaces s on s.id = p.space_id
  left join persons r on r.id = p.pers_id_registerer
  left join persons m on m.id = p.pers_id_modifier
 where p.id = any (cast(:ids as bigint[]))
"""

_EXPERIMENTS = """
select e.id, e.perm_id, e.code, t.code as type,
       s.code as space, p.code as project, null as experiment, null as sample,
       null as description,
       r.user_id as registrator, m.user_id as modifier,
       {epoch:e.registration_timestamp} as registered,
       {epoch:coalesce(e.modification_timestamp, e.registration_timestamp)} as modified,
       {experiment_flags:e} as flags, {meta_data:e} as meta_data,
       {epoch:{immutable_since:e}} as immutable_since,
       false as hides_experiment, false as hides_sample
  from experiments e
  join experiment_types t on t.id = e.exty_id
  join projects p on p.id = e.proj_id
  join spaces s on s.id = p.space_id
  left join persons r on r.id = e.pers_id_registerer
  left join persons m on m.id = e.pers_id_modifier
 where e.id = any (cast(:ids as bigint[]))
"""

# No view has what lies in openBIS's trash: an experiment there counts as none, not as hidden.
_SAMPLES = """
select x.id, x.perm_id, x.code, t.code as type,
       s.code as space, p.code as project,
       '/' || es.code || '/' || ep.code || '/' || e.code as experiment, null as sample,
       null as description,
       r.user_id as registrator, m.user_id as modifier,
       {epoch:x.registration_timestamp} as registered,
       {epoch:coalesce(x.modification_timestamp, x.registration_timestamp)} as modified,
       {sample_flags:x} as flags, {meta_data:x} as meta_data,
       {epoch:{immutable_since:x}} as immutable_since,
       x.expe_id is not null and e.id is null
           and exists (select 1 from experiments he where he.id = x.expe_id) as hides_experiment,
       false as hides_sample
  from samples x
  join sample_types t on t.id = x.saty_id
  left join spaces s on s.id = x.space_id
  left join projects p on p.id = x.proj_id
  left join experiments e on e.id = x.expe_id and {experiment_in_scope:e}
  left join projects ep on ep.id = e.proj_id
  left join spaces es on es.id = ep.space_id
  left join persons r on r.id = x.pers_id_registerer
  left join persons m on m.id = x.pers_id_modifier
 where x.id = any (cast(:ids as bigint[]))
"""

_DATA_SETS = """
select d.id, d.code as perm_id, d.code, t.code as type,
       null as space, null as project,
       '/' || es.code || '/' || ep.code || '/' || e.code as experiment,
       '/' || coalesce(xs.code || '/', '') || coalesce(xp.code || '/', '')
           || coalesce(xc.code || ':', '') || x.code as sample,
       null as description,
       r.user_id as registrator, m.user_id as modifier,
       {epoch:d.registration_timestamp} as registered,
       {epoch:coalesce(d.modification_timestamp, d.registration_timestamp)} as modified,
       {data_set_flags:d} as flags, {meta_data:d} as meta_data,
       d.expe_id is not null and e.id is null
           and exists (select 1 from experiments he where he.id = d.expe_id) as hides_experiment,
       d.samp_id is not null and x.id is null
           and exists (select 1 from samples hx where hx.id = d.samp_id) as hides_sample,
       {data_set_kind:d} as data_set_kind, f.share_id, f.location, f.status, f.size,
       ds.code as data_store
  from data d
  join data_set_types t on t.id = d.dsty_id
  left join data_stores ds on ds.id = d.dast_id
  left join external_data f on {external_data_id:f} = d.id
  left join experiments e on e.id = d.expe_id and {experiment_in_scope:e}
  left join projects ep on ep.id = e.proj_id
  left join spaces es on es.id = ep.space_id
  left join samples x on x.id = d.samp_id and {sample_in_scope:x}
  left join spaces xs on xs.id = x.space_id
  left join projects xp on xp.id = x.proj_id
  left join samples xc on xc.id = x.samp_id_part_of
  left join persons r on r.id = d.pers_id_registerer
  left join persons m on m.id = d.pers_id_modifier
 where d.id = any (cast(:ids as bigint[]))
"""

# The rows of one page, in any order.
ROWS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.MATERIAL: _MATERIALS,
        Kind.SPACE: _SPACES,
        Kind.PROJECT: _PROJECTS,
        Kind.EXPERIMENT: _EXPERIMENTS,
        Kind.SAMPLE: _SAMPLES,
        Kind.DATA_SET: _DATA_SETS,
    }
)

SPACE_CODES = 'select s.code from spaces s order by s.code collate "C"'

DATA_SETS_OF_SAMPLES = """
select x.perm_id, d.code
  from samples x
  join data d on d.samp_id = x.id
 where x.perm_id = any (cast(:perm_ids as text[])) and {sample_in_scope:x} and {data_set_in_scope:d}
 order by d.code collate "C"
"""

STATES_OF_DATA_SETS = """
select ds.code as data_store, f.status, count(*) as number
  from external_data f
  join data d on d.id = {external_data_id:f}
  left join data_stores ds on ds.id = d.dast_id
 where f.storage_confirmation
 group by ds.code, f.status
 order by ds.code collate "C", f.status collate "C"
"""

ALL = (
    *IDS.values(),
    *ROWS.values(),
    *(SPACE_CODES, DATA_SETS_OF_SAMPLES, STATES_OF_DATA_SETS),
)
