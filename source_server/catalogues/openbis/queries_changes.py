"""Queries for what has changed: a row for each entity, with numbers that change when it does.

PostgreSQL stamps each row with the transaction that wrote it (``xmin``), which no reading, vacuum
or freezing changes. No row of a later state has the stamp of an earlier one, so the stamps of an
entity's rows are the same in two states only if its rows are: what was written by hand is seen as
well, and what was removed leaves a stamp less. No content is read.

``parts`` are the rows that belong to an entity; their stamps are added up, as hashes of 64 bits.
``name`` is the code of a project. ``space``, ``project`` and ``lone`` say where an entity lies:
its space (`SHARED`: none, everyone sees it), its project, and that of its experiment. ``shown`` is
a hash of what other entities show of it; ``version`` one of all its rows.
"""

# ruff: noqa: S608 - statements are joined of texts of this module
from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from shared.model.kinds import Kind

SHARED = -1
# Stands for a kind: AFS data, which are listed among the data sets.
AFS = "AFS"
# The first version of PostgreSQL with the functions below.
OLDEST_SERVER = 110_000


def _stamp(alias: str, salt: int) -> str:
    return f"hashint8extended({alias}.xmin::text::bigint, {salt})"


def hash_of(*columns: str) -> str:
    # A line break ends each value: no code has one.
    texts = " || ".join(f"coalesce({column}::text, '') || chr(10)" for column in columns)
    return f"hashtextextended({texts}, 0)"


def _with_parts(parts: tuple[str, ...], query: str) -> str:
    """The query with ``sums`` of the stamps of all parts, by owner."""
    sums = f"""(
    select part.owner, sum(part.stamp) as stamp
      from ({" union all ".join(parts)}) part (owner, stamp)
     where part.owner is not null <owners> group by part.owner) sums"""
    return query.replace("<sums>", sums)


def _with_no_choice(query: str) -> str:
    return query.replace("<owners>", "").replace("<ids>", "")


def _version(*stamps: str) -> str:
    added = " + ".join(f"({stamp})::numeric" for stamp in stamps)
    return f"hashtextextended((coalesce(sums.stamp, 0) + {added})::text, 0)"


def _attached(holder: str) -> tuple[str, str]:
    """The attachments of all holders, and their contents."""
    return (
        f"select a.{holder}, {_stamp('a', 2)} from attachments a where a.{holder} is not null",
        f"""
select a.{holder}, {_stamp("c", 3)}
  from attachments a join attachment_contents c on c.id = a.exac_id
 where a.{holder} is not null""",
    )


_VALUES_OF_SAMPLES = f"select v.samp_id, {_stamp('v', 1)} from sample_properties v"
_VALUES_OF_EXPERIMENTS = f"select v.expe_id, {_stamp('v', 1)} from experiment_properties v"
_VALUES_OF_DATA_SETS = f"select v.ds_id, {_stamp('v', 1)} from data_set_properties v"
_VALUES_OF_MATERIALS = f"select v.mate_id, {_stamp('v', 1)} from material_properties v"
_CHILDREN_OF_SAMPLES = f"""
select l.sample_id_parent, {_stamp("l", 4)} from sample_relationships_all l
 where l.del_id is null"""
_BELOW_DATA_SETS = f"""
select l.data_id_parent, {_stamp("l", 4)} from data_set_relationships_all l
 where l.del_id is null"""
# By their ids: what changes in them, and is shown, comes by `queries_spreading.ways_at`.
_COMPONENTS = """
select c.samp_id_part_of, hashint8extended(c.id, 5) from samples_all c where c.del_id is null"""
_DATA_SETS_OF_SAMPLES = """
select d.samp_id, hashint8extended(d.id, 6) from data_all d where d.del_id is null"""
_COPIES = f"select k.data_id, {_stamp('k', 7)} from {{copy_rows}} k"

_SPACES = f"""
select s.id, s.code as perm_id, null as name, s.id as space, null as project, null as lone,
       {hash_of("s.code")} as shown, {_stamp("s", 0)} as version
  from spaces s
"""

_PROJECTS = _with_parts(
    _attached("proj_id"),
    f"""
select p.id, p.perm_id, p.code as name, p.space_id as space, p.id as project, null as lone,
       {hash_of("p.code", "p.space_id")} as shown, {_version(_stamp("p", 0))} as version
  from projects p
  left join <sums> on sums.owner = p.id
 where true <ids>
""",
)

_EXPERIMENTS = _with_parts(
    (_VALUES_OF_EXPERIMENTS, *_attached("expe_id")),
    f"""
select e.id, e.perm_id, null as name, p.space_id as space, e.proj_id as project, null as lone,
       {hash_of("e.perm_id", "e.code", "e.proj_id")} as shown, {_version(_stamp("e", 0))} as version
  from experiments_all e
  join projects p on p.id = e.proj_id
  left join <sums> on sums.owner = e.id
 where e.del_id is null <ids>
""",
)

_SAMPLES = _with_parts(
    (
        *(_VALUES_OF_SAMPLES, _CHILDREN_OF_SAMPLES, _COMPONENTS, _DATA_SETS_OF_SAMPLES),
        *_attached("samp_id"),
    ),
    f"""
select x.id, x.perm_id, null as name, coalesce(x.space_id, {SHARED}) as space,
       x.proj_id as project, e.proj_id as lone,
       {hash_of("x.perm_id", "x.code", "x.space_id", "x.proj_id", "x.samp_id_part_of")} as shown,
       {_version(_stamp("x", 0))} as version
  from samples_all x
  left join experiments_all e on e.id = x.expe_id and e.del_id is null
  left join <sums> on sums.owner = x.id
 where x.del_id is null <ids>
""",
)

# A data set lies where its experiment does, else where its sample does. Lists leave it out before
# its storing is confirmed, and while its experiment or sample is in the trash.
_HOME = f"""
       case when d.expe_id is not null then ep.space_id
            else coalesce(x.space_id, {SHARED}) end as space,
       case when d.expe_id is not null then e.proj_id else x.proj_id end as project,
       case when d.expe_id is null then xe.proj_id end as lone"""
_HOMES = """
  left join experiments_all e on e.id = d.expe_id and e.del_id is null
  left join projects ep on ep.id = e.proj_id
  left join samples_all x on x.id = d.samp_id and x.del_id is null
  left join experiments_all xe on xe.id = x.expe_id and xe.del_id is null"""

# By code in byte order, with what `files.FileLists` asks for.
_DATA_SETS = _with_parts(
    (_VALUES_OF_DATA_SETS, _BELOW_DATA_SETS, _COPIES),
    f"""
select d.id, d.code as perm_id, null as name, {_HOME},
       {hash_of("d.code")} as shown,
       {_version(_stamp("d", 0), f"coalesce({_stamp('f', 8)}, 0)")} as version,
       d.code, {{data_set_kind:d}} as data_set_kind, f.share_id, f.location, f.status, f.size,
       ds.code as data_store
  from data_all d
  left join data_stores ds on ds.id = d.dast_id
  left join external_data f on {{external_data_id:f}} = d.id
{_HOMES}
  left join <sums> on sums.owner = d.id
 where exists (select 1 from data seen where seen.id = d.id) and {{data_set_is_stored:d}}
   and (e.id is not null or (d.expe_id is null and x.id is not null))
 order by d.code collate "C"
""",
)

_MATERIALS = _with_parts(
    (_VALUES_OF_MATERIALS,),
    f"""
select m.id, m.code || ' (' || t.code || ')' as perm_id, null as name, {SHARED} as space,
       null as project, null as lone,
       {hash_of("m.code", "t.code")} as shown, {_version(_stamp("m", 0))} as version
  from materials m
  join material_types t on t.id = m.maty_id
  left join <sums> on sums.owner = m.id
 where true <ids>
""",
)

# Where AFS data lie. All else is taken from what a list shows of them.
AFS_HOMES = f"""
select d.id, d.code as perm_id, {
    _HOME.replace("d.expe_id is not null", "d.samp_id is null").replace(
        "d.expe_id is null", "d.samp_id is not null"
    )
}
  from data_all d
{_HOMES}
 where d.afs_data and d.del_id is null
"""


# The last schema that has materials.
LAST_WITH_MATERIALS = 209

# Ids of entities that are compared by one number before they are compared one by one.
BUCKET = 64

# All entities of the kinds of which there are few.
SPACES = _SPACES
PROJECTS = _with_no_choice(_PROJECTS)
DATA_SETS = _with_no_choice(_DATA_SETS)


class InBuckets(NamedTuple):
    """Queries for a kind of which there may be very many entities."""

    all: str
    # Those with some ids.
    some: str
    # One number for each bucket; it changes when one of its entities does.
    sums: str


def in_buckets_at(version: int) -> Mapping[Kind, InBuckets]:
    kinds = {Kind.EXPERIMENT: (_EXPERIMENTS, "e"), Kind.SAMPLE: (_SAMPLES, "x")}
    if version <= LAST_WITH_MATERIALS:
        kinds[Kind.MATERIAL] = _MATERIALS, "m"
    return {kind: _in_buckets(*query) for kind, query in kinds.items()}


def _in_buckets(query: str, alias: str) -> InBuckets:
    everything = _with_no_choice(query)
    chosen = "and {} = any (cast(:ids as bigint[]))"
    columns = ("t.id", "t.perm_id", "t.space", "t.project", "t.lone", "t.shown", "t.version")
    return InBuckets(
        all=everything,
        some=query.replace("<owners>", chosen.format("part.owner")).replace(
            "<ids>", chosen.format(f"{alias}.id")
        ),
        sums=f"""
select t.id / {BUCKET} as bucket, sum({hash_of(*columns)})::text as sum
  from ({everything}) t group by t.id / {BUCKET}""",
    )


# What tells one state of the server from another. A backup that is put back, a standby that takes
# over, and a table made anew change it; so does each start, before which files may have been put
# back. ``next`` is behind all transactions that have a number now.
INSTANCE = """
select extract(epoch from pg_postmaster_start_time())::text as started,
       (select d.oid from pg_database d where d.datname = current_database())::bigint as database,
       (select string_agg(c.oid::text, ' ' order by c.relname)
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = any (current_schemas(false)) and c.relkind = 'r'
           and c.relname in ('samples_all', 'experiments_all', 'data_all', 'sample_properties',
                             'projects', 'spaces')) as tables,
       has_function_privilege('pg_control_system()', 'execute')
           and has_function_privilege('pg_control_checkpoint()', 'execute') as sees_control,
       txid_snapshot_xmax(txid_current_snapshot()) as next,
       current_setting('server_version_num')::integer as server
"""

# Of those who may ask for it. It tells a standby that has taken over even if it began to listen in
# the same moment.
CONTROL = """
select (select system_identifier::text from pg_control_system()) as system,
       (select timeline_id from pg_control_checkpoint()) as timeline
"""
