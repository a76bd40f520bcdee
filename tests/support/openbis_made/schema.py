"""The tables and columns of openBIS that a reader of its database meets.

A line is a column: its name, its type (a domain, or a type of PostgreSQL), the schemas that have it
(``179+``, ``..169``, ``198..201``; all if nothing is said), and the table to which it refers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

# openBIS declares nearly every column by a domain, the elements of arrays too.
DOMAINS: Mapping[str, str] = {
    "tech_id": "bigint",
    "code": "character varying(100)",
    "user_id": "character varying(50)",
    "boolean_char": "boolean",
    "time_stamp": "timestamp with time zone",
    "text_value": "text",
    "description_2000": "character varying(2000)",
    "file_name": "character varying(255)",
    "file": "bytea",
    "long_value": "bigint",
    "double_value": "double precision",
}

_VALUE = """
  value text_value
  cvte_id tech_id -> controlled_vocabulary_terms
  mate_prop_id tech_id ..209 -> materials
  pers_id_registerer tech_id -> persons
  registration_timestamp time_stamp
"""
_LATER_VALUE = """
  samp_prop_id tech_id 179+ -> samples_all
  integer_array_value long_value[] 191+
  real_array_value double_value[] 191+
  string_array_value text_value[] 191+
  timestamp_array_value time_stamp[] 191+
  json_value jsonb 191..211
  json_value json 212+
"""
_ASSIGNMENT = """
  prty_id tech_id -> property_types
  ordinal integer
  is_mandatory boolean_char
  is_managed_internally boolean_char
  section description_2000
  is_shown_edit boolean_char
  show_raw_value boolean_char
  script_id tech_id -> scripts
  pattern text_value 195+
  pattern_type code 195+
  pattern_regex text_value 195+
  is_managed_internally_namespace boolean_char 196+
  registration_timestamp time_stamp
  pers_id_registerer tech_id -> persons
"""
_UNIQUE = "  is_unique boolean_char 185+\n"
_TYPE = """
  id tech_id
  code code
  description text_value
  modification_timestamp time_stamp
  validation_script_id tech_id -> scripts
  is_managed_internally boolean_char 196+
"""
_META_DATA = "  meta_data jsonb 192+\n"
_MADE_BY = """
  registration_timestamp time_stamp
  modification_timestamp time_stamp
  pers_id_registerer tech_id -> persons
  pers_id_modifier tech_id -> persons
"""
_LINK = """
  relationship_id tech_id -> relationship_types
  del_id tech_id -> deletions
  pers_id_author tech_id -> persons
  registration_timestamp time_stamp
  modification_timestamp time_stamp
  parent_frozen boolean_char 173+
  child_frozen boolean_char 173+
"""

_TABLES = f"""
persons
  id tech_id
  user_id user_id
  first_name character varying(30) ..193
  first_name text 194+
  is_active boolean_char
  expiry_timestamp time_stamp 203+
  meta_data jsonb 203+
  registration_timestamp time_stamp
authorization_groups
  id tech_id
  code code
  meta_data jsonb 206+
authorization_group_persons
  pers_id tech_id -> persons
  ag_id tech_id -> authorization_groups
role_assignments
  id tech_id
  role_code code
  space_id tech_id -> spaces
  project_id tech_id 161+ -> projects
  pers_id_grantee tech_id -> persons
  ag_id_grantee tech_id -> authorization_groups
  expiry_timestamp time_stamp 201..202
  pers_id_registerer tech_id -> persons
  registration_timestamp time_stamp
database_version_logs
  db_version character varying(4)
  module_name character varying(250)
  run_status character varying(10)
deletions
  id tech_id
  reason text_value
  pers_id_registerer tech_id -> persons
  registration_timestamp time_stamp
events
  id tech_id
  event_type code
  entity_type code
  identifiers text_value
  pers_id_registerer tech_id -> persons
  registration_timestamp time_stamp
events_search 186+
  id tech_id
operation_executions 155+
  id tech_id
  availability code
semantic_annotations 166+
  id tech_id
data_stores
  id tech_id
  code code
  uuid code
data_types
  id tech_id
  code code
relationship_types
  id tech_id
  code code
file_format_types ..210
  id tech_id
  code code
  description description_2000
scripts
  id tech_id
  name character varying(200)
  script_type code
  plugin_type code
  entity_kind code
  description text_value
  is_available boolean_char
  script text_value
  registration_timestamp time_stamp
controlled_vocabularies
  id tech_id
  code code
  description text_value
  is_internal_namespace boolean_char ..183
  is_managed_internally boolean_char
  is_chosen_from_list boolean_char
  source_uri character varying(250)
  pers_id_registerer tech_id -> persons
  registration_timestamp time_stamp
  modification_timestamp time_stamp
controlled_vocabulary_terms
  id tech_id
  covo_id tech_id -> controlled_vocabularies
  code code
  ordinal integer
  label character varying(128)
  description text_value
  is_managed_internally boolean_char 196+
  pers_id_registerer tech_id -> persons
  registration_timestamp time_stamp
property_types
  id tech_id
  code code
  label character varying(128)
  description text_value
  daty_id tech_id -> data_types
  covo_id tech_id -> controlled_vocabularies
  maty_prop_id tech_id ..209 -> material_types
  saty_prop_id tech_id 179+ -> sample_types
  is_internal_namespace boolean_char ..183
  is_managed_internally boolean_char
  schema text_value
  transformation text_value
  is_multi_value boolean_char 193+
  meta_data jsonb 177+
  pers_id_registerer tech_id -> persons
  registration_timestamp time_stamp
sample_types
{_TYPE}{_META_DATA}
  is_listable boolean_char
  generated_from_depth integer
  part_of_depth integer
  is_auto_generated_code boolean_char
  generated_code_prefix code
  is_subcode_unique boolean_char
  show_parent_metadata boolean_char
experiment_types
{_TYPE}{_META_DATA}
data_set_types
{_TYPE}{_META_DATA}
  data_set_kind code ..166
  main_ds_path character varying(1000)
  main_ds_pattern character varying(300)
  deletion_disallow boolean_char
material_types ..209
{_TYPE}
type_groups 205+
  id tech_id
  code code
  is_managed_internally boolean_char
  meta_data jsonb
{_MADE_BY}
sample_type_type_groups 205+
  saty_id tech_id -> sample_types
  tg_id tech_id -> type_groups
  is_managed_internally boolean_char
  pers_id_registerer tech_id -> persons
  registration_timestamp time_stamp
sample_type_property_types
  id tech_id
  saty_id tech_id -> sample_types
{_ASSIGNMENT}{_UNIQUE}
experiment_type_property_types
  id tech_id
  exty_id tech_id -> experiment_types
{_ASSIGNMENT}{_UNIQUE}
data_set_type_property_types
  id tech_id
  dsty_id tech_id -> data_set_types
{_ASSIGNMENT}{_UNIQUE}
material_type_property_types ..209
  id tech_id
  maty_id tech_id -> material_types
{_ASSIGNMENT}{_UNIQUE}
spaces
  id tech_id
  code code
  description text_value
  registration_timestamp time_stamp
  pers_id_registerer tech_id -> persons
  frozen boolean_char 173+
  frozen_for_proj boolean_char 173+
  frozen_for_samp boolean_char 173+
projects
  id tech_id
  perm_id code
  code code
  space_id tech_id -> spaces
  description description_2000 ..153
  description text 154+
{_MADE_BY}
  frozen boolean_char 173+
  frozen_for_exp boolean_char 173+
  frozen_for_samp boolean_char 173+
experiments_all
  id tech_id
  perm_id code
  code code
  exty_id tech_id -> experiment_types
  proj_id tech_id -> projects
{_MADE_BY}
  del_id tech_id -> deletions
  orig_del tech_id
  frozen boolean_char 173+
  frozen_for_samp boolean_char 173+
  frozen_for_data boolean_char 173+
  meta_data jsonb 192+
  immutable_data boolean_char 198..201
  immutable_data_timestamp time_stamp 202+
samples_all
  id tech_id
  perm_id code
  code code
  saty_id tech_id -> sample_types
  space_id tech_id -> spaces
  proj_id tech_id -> projects
  expe_id tech_id -> experiments_all
  samp_id_part_of tech_id -> samples_all
{_MADE_BY}
  del_id tech_id -> deletions
  orig_del tech_id
  frozen boolean_char 173+
  frozen_for_comp boolean_char 173+
  frozen_for_children boolean_char 173+
  frozen_for_parents boolean_char 173+
  frozen_for_data boolean_char 173+
  sample_identifier character varying(404) 180+
  meta_data jsonb 192+
  immutable_data boolean_char 198..201
  immutable_data_timestamp time_stamp 202+
data_all
  id tech_id
  code code
  dsty_id tech_id -> data_set_types
  dast_id tech_id -> data_stores
  expe_id tech_id -> experiments_all
  samp_id tech_id -> samples_all
  data_set_kind code 167+
  afs_data boolean_char 197+
{_MADE_BY}
  del_id tech_id -> deletions
  orig_del tech_id
  frozen boolean_char 173+
  frozen_for_children boolean_char 173+
  frozen_for_parents boolean_char 173+
  frozen_for_comps boolean_char 173+
  frozen_for_conts boolean_char 173+
  meta_data jsonb 192+
external_data
  data_id tech_id ..169 -> data_all
  id tech_id 170+ -> data_all
  share_id code
  location character varying(1024)
  size long_value
  status code
  present_in_archive boolean_char
  storage_confirmation boolean_char
  h5_folders boolean_char 165+
  archiving_requested boolean_char 172+
  unarchiving_requested boolean_char 207+
external_data_management_systems
  id tech_id
  code code
  label text_value
  url_template text_value ..157
  is_openbis boolean_char ..157
  address text_value 158+
  address_type code 158+
link_data
  data_id tech_id ..169 -> data_all
  id tech_id 170+ -> data_all
  edms_id tech_id ..158 -> external_data_management_systems
  external_code text_value ..158
content_copies 159+
  id tech_id
  data_id tech_id -> data_all
  edms_id tech_id -> external_data_management_systems
  external_code text_value
  path text_value
  git_commit_hash text_value
  git_repository_id text_value 163+
sample_relationships_all
  id tech_id
  sample_id_parent tech_id -> samples_all
  sample_id_child tech_id -> samples_all
{_LINK}
  child_annotations jsonb 181+
data_set_relationships_all
  data_id_parent tech_id -> data_all
  data_id_child tech_id -> data_all
  ordinal integer
{_LINK}
materials ..209
  id tech_id
  code code
  maty_id tech_id -> material_types
  registration_timestamp time_stamp
  modification_timestamp time_stamp
  pers_id_registerer tech_id -> persons
sample_properties
  id tech_id
  samp_id tech_id -> samples_all
  stpt_id tech_id -> sample_type_property_types
{_VALUE}{_LATER_VALUE}{_UNIQUE}
experiment_properties
  id tech_id
  expe_id tech_id -> experiments_all
  etpt_id tech_id -> experiment_type_property_types
{_VALUE}{_LATER_VALUE}{_UNIQUE}
data_set_properties
  id tech_id
  ds_id tech_id -> data_all
  dstpt_id tech_id -> data_set_type_property_types
{_VALUE}{_LATER_VALUE}{_UNIQUE}
material_properties ..209
  id tech_id
  mate_id tech_id -> materials
  mtpt_id tech_id -> material_type_property_types
{_VALUE}{_LATER_VALUE}{_UNIQUE}
attachment_contents
  id tech_id
  value file
attachments
  id tech_id
  expe_id tech_id -> experiments_all
  samp_id tech_id -> samples_all
  proj_id tech_id -> projects
  exac_id tech_id -> attachment_contents
  file_name file_name
  version integer
  title text_value
  description text_value
  registration_timestamp time_stamp
  pers_id_registerer tech_id -> persons
"""

# Each shows what is not in the trash; from schema 197 on ``data`` hides those of the application
# file service.
_VIEWS: Mapping[str, str] = {
    "experiments": "experiments_all",
    "samples": "samples_all",
    "data": "data_all",
    "sample_relationships": "sample_relationships_all",
    "data_set_relationships": "data_set_relationships_all",
}

_LINE = re.compile(
    r"(?P<indent> *)(?P<name>\w+)(?: (?P<type>[a-z_][a-z0-9_ ]*(?:\(\d+\))?(?:\[\])?))?"
    r"(?: (?:(?P<since>\d+)\+|(?P<first>\d+)?\.\.(?P<until>\d+)))?(?: -> (?P<target>\w+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    name: str
    type: str
    since: int = 0
    until: int = 999
    target: str | None = None


@dataclass(slots=True)
class Table:
    name: str
    since: int
    until: int
    columns: list[Column]

    def at(self, version: int) -> dict[str, Column]:
        """The columns that a schema has."""
        held = (column for column in self.columns if column.since <= version <= column.until)
        exists = self.since <= version <= self.until
        return {column.name: column for column in held} if exists else {}


def _read(lines: Iterable[str]) -> Iterator[Table]:
    table: Table | None = None
    for line in filter(None, lines):
        found = _LINE.fullmatch(line)
        assert found, line
        since = int(found["since"] or found["first"] or 0)
        until = int(found["until"] or 999)
        if not found["indent"]:
            if table:
                yield table
            table = Table(found["name"], since, until, [])
        else:
            assert table, line
            column = Column(
                name=found["name"],
                type=found["type"].strip(),
                since=since,
                until=until,
                target=found["target"],
            )
            table.columns.append(column)
    assert table
    yield table


TABLES: Mapping[str, Table] = {table.name: table for table in _read(_TABLES.splitlines())}


def definitions(version: int) -> Iterator[str]:
    """The statements that make an empty database of a schema."""
    for name, base in DOMAINS.items():
        yield f"create domain {name} as {base}"
    for table in TABLES.values():
        columns = [f"{each.name} {each.type}" for each in table.at(version).values()]
        key = ["primary key (id)"] if "id" in table.at(version) else []
        if columns:
            yield f"create table {table.name} ({', '.join((*columns, *key))})"
    for view, name in _VIEWS.items():
        held = TABLES[name].at(version)
        shown = ", ".join(held)
        hidden = " and not afs_data" if "afs_data" in held else ""
        query = f"select {shown} from {name} where del_id is null{hidden}"  # noqa: S608
        yield f"create view {view} as {query}"


def references(version: int) -> Iterator[str]:
    """The statements that have PostgreSQL check every reference once; tests may break them then."""
    for table in TABLES.values():
        for column in table.at(version).values():
            if column.target:
                yield (
                    f"alter table {table.name} add constraint checked"
                    f" foreign key ({column.name}) references {column.target} (id)"
                )
                yield f"alter table {table.name} drop constraint checked"
