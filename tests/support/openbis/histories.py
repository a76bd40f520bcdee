"""Changes of an openBIS database, in its own tables: as openBIS makes them, and by hand."""

# ruff: noqa: S608 - statements are joined of texts of this module
from __future__ import annotations

from collections.abc import Mapping, Sequence

Statements = Sequence[str]

_SAMPLE = """(select min(x.id) from samples x join sample_properties v on v.samp_id = x.id
               where v.value is not null and x.space_id is not null)"""
_PARENT = "(select min(sample_id_parent) from sample_relationships)"
_CHILD = "(select min(sample_id_child) from sample_relationships)"
_OTHER_SPACE = "(select max(s.id) from spaces s where s.id <> {})"
_EXPERIMENT = "(select min(e.id) from experiments e join samples x on x.expe_id = e.id)"
_PROJECT = f"(select proj_id from experiments where id = {_EXPERIMENT})"
_DATA_SET = """(select min(d.id) from data d join external_data f on f.id = d.id
                 where d.expe_id is not null)"""
_COMPONENT = "(select min(id) from samples where samp_id_part_of is not null)"
_FIRST_VALUE = f"""(select min(id) from sample_properties
                     where samp_id = {_SAMPLE} and value is not null)"""
_DELETION = "insert into deletions (id, registration_timestamp, pers_id_registerer, reason)"
_FREE = """(select max(x.id) from samples x
             where not exists (select 1 from samples_all c where c.samp_id_part_of = x.id)
               and not exists (select 1 from data_all d where d.samp_id = x.id)
               and not exists (select 1 from sample_relationships_all l
                                where x.id in (l.sample_id_parent, l.sample_id_child))
               and not exists (select 1 from sample_properties v where v.samp_prop_id = x.id)
               and not exists (select 1 from experiment_properties v where v.samp_prop_id = x.id)
               and not exists (select 1 from attachments a where a.samp_id = x.id))"""


def _copied(table: str, source: str, values: str) -> str:
    return f"""
insert into {table}
select n.* from {table} s, lateral jsonb_populate_record(null::{table}, to_jsonb(s) || {values}) n
 where s.id = {source}"""


def _in_trash(table: str, chosen: str) -> Statements:
    return (
        f"{_DELETION} values (990, now(), 1, 'tests')",
        f"update {table} set del_id = 990 where id = {chosen}",
    )


def _out_of_trash(table: str) -> Statements:
    return (
        f"update {table} set del_id = null where del_id = 990",
        "delete from deletions where id = 990",
    )


# By what they are; each goes on from the one before.
HISTORY: Mapping[str, Statements] = {
    "a value is edited": [
        f"update sample_properties set value = 'edited' where id = {_FIRST_VALUE}",
    ],
    "a text mentions a file": [
        """update sample_properties set value = '<img src="/openbis/openbis/file-service/a.png">'
             where id in (select max(id) from sample_properties where value is not null)""",
        """update projects set description = 'openbis/file-service/b.png'
             where id = (select max(id) from projects)""",
    ],
    "a value is removed, and nothing else is touched": [
        f"delete from sample_properties where id = {_FIRST_VALUE}",
    ],
    "a value is added": [
        _copied(
            "sample_properties",
            "(select min(id) from sample_properties where value is not null)",
            """jsonb_build_object('id', 990001, 'value', 'added', 'samp_id',
                (select x.id from samples x where not exists
                    (select 1 from sample_properties v where v.samp_id = x.id) limit 1))""",
        ),
    ],
    "a value of an experiment and one of a data set are edited": [
        "update experiment_properties set value = 'x' where value is not null",
        "update data_set_properties set value = 'x' where value is not null",
    ],
    "a value of a data set is removed": [
        "delete from data_set_properties where id = (select min(id) from data_set_properties)",
    ],
    "a time of modification alone": [
        f"update samples_all set modification_timestamp = now() where id = {_SAMPLE}",
    ],
    "a sample moves to another space": [
        f"""update samples_all set proj_id = null, expe_id = null,
            space_id = (select max(s.id) from spaces s
                         where s.id <> (select space_id from samples where id = {_SAMPLE}))
             where id = {_SAMPLE}""",
    ],
    "a child moves to another space": [
        f"""update samples_all set proj_id = null, expe_id = null,
            space_id = (select min(s.id) from spaces s where s.id is distinct from
                         (select space_id from samples where id = {_CHILD}))
             where id = {_CHILD}""",
    ],
    "a child is no longer shared, or is now": [
        f"""update samples_all set proj_id = null, expe_id = null,
             space_id = case when space_id is null then (select min(id) from spaces) end
             where id = {_CHILD}""",
    ],
    "a link is removed": ["delete from sample_relationships_all where sample_id_child = " + _CHILD],
    "a link goes into the trash": [
        f"{_DELETION} values (991, now(), 1, 'tests')",
        f"update sample_relationships_all set del_id = 991 where sample_id_child = {_CHILD}",
    ],
    "a link leads elsewhere": [
        f"""update sample_relationships_all set sample_id_child = {_FREE}
             where id = (select min(id) from sample_relationships)""",
    ],
    "a component leaves its container": [
        f"update samples_all set samp_id_part_of = null where id = {_COMPONENT}",
    ],
    "a container has another code": [
        """update samples_all set code = 'OTHER-CODE'
             where id = (select min(samp_id_part_of) from samples)""",
    ],
    "a component goes into the trash": _in_trash("samples_all", _COMPONENT),
    "it comes back": _out_of_trash("samples_all"),
    "an experiment has another code": [
        f"update experiments_all set code = 'OTHER-CODE' where id = {_EXPERIMENT}",
    ],
    "an experiment moves to another project": [
        f"""update experiments_all set proj_id = (select max(p.id) from projects p
                where p.id <> {_PROJECT}) where id = {_EXPERIMENT}""",
    ],
    "a project has another code": [
        "update projects set code = 'OTHER-CODE' where id = " + _PROJECT,
    ],
    "a project moves, and what lies in it is not touched": [
        f"""update projects set space_id = (select s.id from spaces s
               where s.id <> projects.space_id order by s.id limit 1) where id = {_PROJECT}""",
    ],
    "an experiment goes into the trash": _in_trash("experiments_all", _EXPERIMENT),
    "the experiment comes back": _out_of_trash("experiments_all"),
    "a sample with data sets goes into the trash": _in_trash(
        "samples_all", "(select min(samp_id) from data)"
    ),
    "that sample comes back": _out_of_trash("samples_all"),
    "a data set goes into the trash": _in_trash("data_all", "(select min(id) from data)"),
    "that data set comes back": _out_of_trash("data_all"),
    "a data set moves to another experiment": [
        f"""update data_all set expe_id = (select max(id) from experiments)
             where id = {_DATA_SET}""",
    ],
    "a data set belongs to a sample only": [
        f"update data_all set expe_id = null, samp_id = {_SAMPLE} where id = {_DATA_SET}",
    ],
    "a data set is being archived": [
        "update external_data set status = 'ARCHIVED' where status = 'AVAILABLE'",
    ],
    "data sets are available again": [
        "update external_data set status = 'AVAILABLE' where status = 'ARCHIVED'",
    ],
    "the storing of a data set is no longer confirmed": [
        """update external_data set storage_confirmation = false
             where id = (select max(id) from data where samp_id is not null)""",
    ],
    "it is again": ["update external_data set storage_confirmation = true"],
    "data sets have no links any more": ["delete from data_set_relationships_all"],
    "data sets have other copies": [
        "update content_copies set path = 'elsewhere' where path is not null",
        "delete from content_copies where id = (select max(id) from content_copies)",
    ],
    "the content of an attachment is another": [
        """update attachment_contents set value = 'other'::bytea
             where id = (select min(exac_id) from attachments)""",
    ],
    "an attachment is removed": [
        "delete from attachments where id = (select max(id) from attachments)",
    ],
    "a sample that is a value moves": [
        """update samples_all set proj_id = null, expe_id = null, space_id =
               (select max(s.id) from spaces s where s.id is distinct from samples_all.space_id)
             where id in (select samp_prop_id from sample_properties)""",
    ],
    "samples that are values go into the trash": [
        f"{_DELETION} values (992, now(), 1, 'tests')",
        """update samples_all set del_id = 992
             where id in (select samp_prop_id from sample_properties)""",
    ],
    "a space, a project, an experiment and a sample are made": [
        _copied("spaces", "(select min(id) from spaces)", '\'{"id": 9901, "code": "NEW"}\''),
        _copied(
            "projects",
            "(select min(id) from projects)",
            """'{"id": 9901, "code": "NEW", "space_id": 9901, "perm_id": "NEW-1"}'""",
        ),
        _copied(
            "experiments_all",
            "(select min(id) from experiments)",
            """'{"id": 9901, "code": "NEW", "proj_id": 9901, "perm_id": "NEW-2"}'""",
        ),
        _copied(
            "samples_all",
            "(select min(id) from samples where space_id is not null)",
            """'{"id": 990199, "code": "NEW", "perm_id": "NEW-3", "sample_identifier": "/NEW"}'""",
        ),
    ],
    "they are removed by hand": [
        "delete from samples_all where id = 990199",
        "delete from experiments_all where id = 9901",
        "delete from projects where id = 9901",
        "delete from spaces where id = 9901",
    ],
    "a sample is made anew with the same perm id": [
        f"""create temporary table kept as select * from samples_all where id = {_FREE};
            delete from sample_properties where samp_id = {_FREE};
            delete from samples_all where id = (select id from kept);
            update kept set id = 990200; insert into samples_all select * from kept""",
    ],
    "no text mentions a file": [
        "update sample_properties set value = '' where value like '%file-service%'",
    ],
    "all projects have other codes": ["update projects set code = code || '-X'"],
    "they have their former codes": ["update projects set code = left(code, -2)"],
    "a description and a flag": [
        "update projects set description = 'other'",
        "update spaces set description = 'other', frozen = true",
    ],
}
# Of these it is enough that no change is told since an earlier cursor.
DEFINITIONS: Mapping[str, Statements] = {
    "terms": ["update controlled_vocabulary_terms set code = code || 'X'"],
    "user ids": ["update persons set user_id = user_id || 'x'"],
    "a type": ["update sample_types set code = code || 'X'"],
    "a type of properties": ["update property_types set code = code || 'X'"],
    "a space": ["update spaces set code = code || 'X'"],
}
