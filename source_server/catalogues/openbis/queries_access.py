"""Queries for the rights of users, and for single downloads."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.model.kinds import Kind

# One row for each role of each person of that name, own or by group; ``role`` is null if a person
# has none, ``space`` and ``project`` are null if the role is one on the instance.
ROLES = """
with person as (
    select p.id, p.user_id, {active:p} as active
      from persons p
     where lower(p.user_id) = lower(:user_id)),
held as (
    select a.id as role, a.pers_id_grantee as person_id, a.space_id,
           {project_of_role:a} as project_id
      from role_assignments a
     where {role_counts:a}
    union all
    select a.id, gp.pers_id, a.space_id, {project_of_role:a}
      from role_assignments a
      join authorization_group_persons gp on gp.ag_id = a.ag_id_grantee
     where {role_counts:a})
select person.user_id, person.active, held.role, s.code as space,
       '/' || ps.code || '/' || pj.code as project
  from person
  left join held on held.person_id = person.id
  left join spaces s on s.id = held.space_id
  left join projects pj on pj.id = held.project_id
  left join spaces ps on ps.id = pj.space_id
"""

SCOPE = """
select s.id as space, s.code = any (cast(:spaces as text[])) as whole, p.id as project,
       '/' || s.code || '/' || p.code = any (cast(:projects as text[])) as named
  from spaces s
  left join projects p on p.space_id = s.id
 where s.code = any (cast(:spaces as text[]))
    or '/' || s.code || '/' || p.code = any (cast(:projects as text[]))
"""

DATA_SET = """
select {data_set_kind:d} as data_set_kind, f.share_id, f.location, f.status,
       ds.code as data_store
  from data d
  left join data_stores ds on ds.id = d.dast_id
  left join external_data f on {external_data_id:f} = d.id
 where d.code = :code and {data_set_in_scope:d}
"""

DATA_SET_ID = "select d.id from data d where d.code = :code and {data_set_in_scope:d}"

# openBIS keeps no checksum of an attachment, so PostgreSQL computes the one for the ETag.
_ATTACHMENT = """
select c.value, encode(sha256(c.value), 'hex') as sha256,
       {epoch:a.registration_timestamp} as registered
  from attachments a
  join attachment_contents c on c.id = a.exac_id
  join <holders> h on h.id = a.<holder>
 where h.perm_id = :perm_id and a.file_name = :file_name and a.version = :version
   and <in scope>
"""


def _attachment_of(holders: str, holder: str, in_scope: str) -> str:
    query = _ATTACHMENT.replace("<holders>", holders).replace("<holder>", holder)
    return query.replace("<in scope>", in_scope)


ATTACHMENT: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.PROJECT: _attachment_of(
            "projects", "proj_id", "h.id = any (cast(:projects as bigint[]))"
        ),
        Kind.EXPERIMENT: _attachment_of("experiments", "expe_id", "{experiment_in_scope:h}"),
        Kind.SAMPLE: _attachment_of("samples", "samp_id", "{sample_in_scope:h}"),
    }
)

# All paths that texts within the scope mention; the same texts as in openBIS's own list.
SERVICE_FILE_PATHS = """
with texts (content) as (
    select coalesce(v.value, {strings:v}, {json_text:v})
      from sample_properties v join samples x on x.id = v.samp_id
     where {sample_in_scope:x}
    union all
    select coalesce(v.value, {strings:v}, {json_text:v})
      from experiment_properties v join experiments e on e.id = v.expe_id
     where {experiment_in_scope:e}
    union all
    select coalesce(v.value, {strings:v}, {json_text:v})
      from data_set_properties v join data d on d.id = v.ds_id
     where {data_set_in_scope:d}
    union all
    select coalesce(v.value, {strings:v}, {json_text:v}) from {material_properties} v
    union all
    select s.description from spaces s where s.id = any (cast(:shown_spaces as bigint[]))
    union all
    select p.description from projects p where p.id = any (cast(:projects as bigint[]))
    union all select description from scripts
    union all select description from controlled_vocabulary_terms
    union all select description from property_types
    union all select description from sample_types
    union all select description from experiment_types
    union all select description from data_set_types
    union all select mt.description from {material_types} mt)
select distinct mention[1] as path
  from texts, regexp_matches(content, 'openbis/file-service/([^"'']*)', 'g') as mention
 where strpos(content, 'openbis/file-service/') > 0
"""

ALL = (ROLES, SCOPE, DATA_SET, DATA_SET_ID, *ATTACHMENT.values(), SERVICE_FILE_PATHS)
