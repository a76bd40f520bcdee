"""Queries for AFS data: the files of experiments and samples in the application file service.

Such data is a row of ``data_all`` whose code is the perm id of its owner; the views ``data`` and
``data_deleted`` hide it. The row of a sample's data names the experiment of the sample, too. Who
sees the owner sees the data (openbis-database.md, 4.2).
"""

from __future__ import annotations

# The first schema with AFS data. No query of this module is asked of an older one.
FIRST = 197

_PLACE = "f.share_id, f.location, f.status, f.size, ds.code as data_store"

_JOINS = """
  left join data_stores ds on ds.id = d.dast_id
  left join external_data f on f.id = d.id
  left join samples x on x.id = d.samp_id
  left join experiments e on e.id = d.expe_id and {experiment_in_scope:e}
"""

# ``data_all`` has what lies in openBIS's trash, too, unlike the views that other queries read.
_IN_SCOPE = """d.afs_data and d.del_id is null
   and case when d.samp_id is not null then x.perm_id = d.code and {sample_in_scope:x}
            else e.perm_id = d.code end
"""

# ``sealed``: its files can no longer change.
_READ = f"""
select d.code as perm_id, t.code as type,
       '/' || es.code || '/' || ep.code || '/' || e.code as experiment,
       '/' || coalesce(xs.code || '/', '') || coalesce(xp.code || '/', '')
           || coalesce(xc.code || ':', '') || x.code as sample,
       r.user_id as registrator, m.user_id as modifier,
       {{epoch:d.registration_timestamp}} as registered,
       {{epoch:coalesce(d.modification_timestamp, d.registration_timestamp)}} as modified,
       {{data_set_flags:d}} as flags,
       d.expe_id is not null and e.id is null
           and exists (select 1 from experiments he where he.id = d.expe_id) as hides_experiment,
       case when d.samp_id is not null then {{sealed_by_time:x}} or {{sealed_by_flag:x}}
            else {{sealed_by_time:e}} or {{sealed_by_flag:e}} end as sealed,
       {_PLACE}
  from data_all d
  join data_set_types t on t.id = d.dsty_id
{_JOINS}
  left join projects ep on ep.id = e.proj_id
  left join spaces es on es.id = ep.space_id
  left join spaces xs on xs.id = x.space_id
  left join projects xp on xp.id = x.proj_id
  left join samples xc on xc.id = x.samp_id_part_of
  left join persons r on r.id = d.pers_id_registerer
  left join persons m on m.id = d.pers_id_modifier
 where {_IN_SCOPE}
"""  # noqa: S608 - of texts of this module
_ORDER = ' order by d.code collate "C"'

# All AFS data within the scope, or those of some owners, by perm id in byte order.
AFS_DATA = _READ + _ORDER
AFS_DATA_OF_OWNERS = f"{_READ} and d.code = any(:perm_ids){_ORDER}"

ONE_OF_AFS_DATA = f"""
select {_PLACE}
  from data_all d
{_JOINS}
 where {_IN_SCOPE} and d.code = :code
"""  # noqa: S608 - of texts of this module

STATES_OF_AFS_DATA = """
select ds.code as data_store, f.status, count(*) as number
  from data_all d
  join external_data f on f.id = d.id
  left join data_stores ds on ds.id = d.dast_id
 where d.afs_data and d.del_id is null
 group by ds.code, f.status
 order by ds.code collate "C", f.status collate "C"
"""

ALL = (AFS_DATA, AFS_DATA_OF_OWNERS, ONE_OF_AFS_DATA, STATES_OF_AFS_DATA)
