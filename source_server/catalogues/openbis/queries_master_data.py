"""Queries for master data; they return codes with their ``$``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.model.kinds import Kind

FILE_FORMAT_TYPES = """
select ff.code, ff.description from {file_format_types} ff order by ff.code collate "C"
"""

PLUGINS = """
select w.name, w.script_type as type, w.entity_kind, w.description, w.is_available as available,
       case when w.plugin_type = 'PREDEPLOYED' then null else w.script end as script,
       {epoch:w.registration_timestamp} as registered
  from scripts w
 order by w.name collate "C"
"""

VOCABULARIES = """
select cv.id, {code:cv} as code, cv.description, {internal:cv} as internal,
       cv.is_chosen_from_list as chosen_from_list, cv.source_uri as url_template,
       r.user_id as registrator, {epoch:cv.registration_timestamp} as registered,
       {epoch:cv.modification_timestamp} as modified
  from controlled_vocabularies cv
  left join persons r on r.id = cv.pers_id_registerer
 order by ({code:cv}) collate "C"
"""

TERMS = """
select vt.covo_id as owner, vt.code, vt.ordinal, vt.label, vt.description,
       {made_internally:vt} as internal,
       r.user_id as registrator, {epoch:vt.registration_timestamp} as registered
  from controlled_vocabulary_terms vt
  left join persons r on r.id = vt.pers_id_registerer
 order by vt.ordinal, vt.code collate "C"
"""

PROPERTY_TYPES = """
select {code:pt} as code, coalesce(pt.label, '') as label, ty.code as data_type,
       coalesce(pt.description, '') as description, {internal:pt} as internal,
       {code:cv} as vocabulary, mt.code as material_type, st.code as sample_type,
       pt.schema, pt.transformation, {multi_value:pt} as multi_value,
       {property_type_meta_data:pt} as meta_data,
       r.user_id as registrator, {epoch:pt.registration_timestamp} as registered
  from property_types pt
  join data_types ty on ty.id = pt.daty_id
  left join controlled_vocabularies cv on cv.id = pt.covo_id
  left join {material_types} mt on mt.id = {material_type_property:pt}
  left join sample_types st on st.id = {sample_type_property:pt}
  left join persons r on r.id = pt.pers_id_registerer
 order by ({code:pt}) collate "C"
"""

_SAMPLE_TYPES = """
select t.id, t.code, t.description, w.name as validation_plugin,
       {epoch:t.modification_timestamp} as modified,
       {made_internally:t} as internal, {type_meta_data:t} as meta_data,
       t.is_auto_generated_code as auto_generated_code, t.generated_code_prefix,
       t.is_listable as listable, t.part_of_depth > 0 as show_container,
       t.show_parent_metadata, t.generated_from_depth > 0 as show_parents,
       t.is_subcode_unique as subcode_unique
  from sample_types t
  left join scripts w on w.id = t.validation_script_id
 order by t.code collate "C"
"""

_EXPERIMENT_TYPES = """
select t.id, t.code, t.description, w.name as validation_plugin,
       {epoch:t.modification_timestamp} as modified,
       {made_internally:t} as internal, {type_meta_data:t} as meta_data
  from experiment_types t
  left join scripts w on w.id = t.validation_script_id
 order by t.code collate "C"
"""

_DATA_SET_TYPES = """
select t.id, t.code, t.description, w.name as validation_plugin,
       {epoch:t.modification_timestamp} as modified,
       {made_internally:t} as internal, {type_meta_data:t} as meta_data,
       coalesce(t.deletion_disallow, false) as deletion_disallowed,
       t.main_ds_path as main_data_set_path, t.main_ds_pattern as main_data_set_pattern
  from data_set_types t
  left join scripts w on w.id = t.validation_script_id
 order by t.code collate "C"
"""

_MATERIAL_TYPES = """
select t.id, t.code, t.description, w.name as validation_plugin,
       {epoch:t.modification_timestamp} as modified, {made_internally:t} as internal
  from {material_types} t
  left join scripts w on w.id = t.validation_script_id
 order by t.code collate "C"
"""

# Entity types by kind, in the order in which a list names the kinds.
TYPES: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.SAMPLE: _SAMPLE_TYPES,
        Kind.EXPERIMENT: _EXPERIMENT_TYPES,
        Kind.DATA_SET: _DATA_SET_TYPES,
        Kind.MATERIAL: _MATERIAL_TYPES,
    }
)

_ASSIGNMENTS = """
select a.<type> as owner, {code:pt} as property_type, a.ordinal, a.is_mandatory as mandatory,
       a.section, a.is_shown_edit as show_in_edit, a.show_raw_value,
       {unique:a} as unique, w.name as plugin, w.script_type as plugin_type,
       {epoch:a.registration_timestamp} as registered, {pattern:a} as pattern,
       {pattern_type:a} as pattern_type, {assigned_internally:a} as internal
  from <assignments> a
  join property_types pt on pt.id = a.prty_id
  left join scripts w on w.id = a.script_id
 order by a.ordinal, ({code:pt}) collate "C"
"""

_ASSIGNMENT_TABLES: Mapping[Kind, tuple[str, str]] = MappingProxyType(
    {
        Kind.SAMPLE: ("sample_type_property_types", "saty_id"),
        Kind.EXPERIMENT: ("experiment_type_property_types", "exty_id"),
        Kind.DATA_SET: ("data_set_type_property_types", "dsty_id"),
        Kind.MATERIAL: ("{material_assignments}", "maty_id"),
    }
)

ASSIGNMENTS: Mapping[Kind, str] = MappingProxyType(
    {
        kind: _ASSIGNMENTS.replace("<assignments>", table).replace("<type>", column)
        for kind, (table, column) in _ASSIGNMENT_TABLES.items()
    }
)

EXTERNAL_DMS = """
select ms.code, ms.label, coalesce({dms_address:ms}, '') as address,
       {dms_address_type:ms} as address_type
  from external_data_management_systems ms
 order by ms.code collate "C"
"""

TYPE_GROUPS = """
select tg.id, tg.code, tg.is_managed_internally as internal,
       {type_group_meta_data:tg} as meta_data, r.user_id as registrator,
       {epoch:tg.registration_timestamp} as registered,
       {epoch:tg.modification_timestamp} as modified
  from {type_groups} tg
  left join persons r on r.id = tg.pers_id_registerer
 order by tg.code collate "C"
"""

TYPE_GROUP_MEMBERS = """
select m.tg_id as owner, t.code as sample_type, m.is_managed_internally as internal
  from {type_group_members} m
  join sample_types t on t.id = m.saty_id
 order by t.code collate "C"
"""

ALL = (
    *(FILE_FORMAT_TYPES, PLUGINS, VOCABULARIES, TERMS, PROPERTY_TYPES, EXTERNAL_DMS),
    *(TYPE_GROUPS, TYPE_GROUP_MEMBERS),
    *TYPES.values(),
    *ASSIGNMENTS.values(),
)
