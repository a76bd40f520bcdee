"""The pieces of SQL that differ between versions of a database's schema.

A ``@`` stands for the alias of the table (`source_server.catalogues.openbis.schema.Piece`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shared.model.kinds import Frozen


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A piece of SQL from a schema on; ``before`` is for older ones, and from ``until`` on."""

    since: int
    now: str
    before: str
    until: int | None = None

    def at(self, version: int) -> str:
        is_new = self.since <= version and (self.until is None or version < self.until)
        return self.now if is_new else self.before


def _gone(since: int, table: str, **columns: str) -> Change:
    """A table that a schema removed; since then it is read as one without rows. ``columns`` are
    those that are asked for, with their types."""
    return Change(since=since, now=_no_rows(columns), before=table)


def _new(since: int, table: str, **columns: str) -> Change:
    """A table that a schema brought; before it is read as one without rows."""
    return Change(since=since, now=table, before=_no_rows(columns))


def _no_rows(columns: Mapping[str, str]) -> str:
    nulls = ", ".join(f"null::{kind} as {column}" for column, kind in columns.items())
    return f"(select {nulls} where false)"


# Without meta data the column is null, or has an object without keys, or JSON's null.
_META_DATA_AS_JSON = "coalesce(nullif(@.meta_data, 'null'), '{}')"
_NOT_EXPIRED = "(@.expiry_timestamp is null or @.expiry_timestamp >= now())"
_VALUES = {
    "integer_array_value": "bigint[]",
    "real_array_value": "float8[]",
    "string_array_value": "text[]",
    "timestamp_array_value": "timestamptz[]",
    "json_value": "json",
}


# Names and texts; of a value that is no text its own JSON.
_META_DATA_OF_ENTITY = """case
    when coalesce(jsonb_typeof(@.meta_data), 'null') = 'null' or @.meta_data = '{}' then '{}'
    when jsonb_typeof(@.meta_data) = 'object'
    then (select json_object_agg(key, coalesce(value, 'null'))::text
            from jsonb_each_text(@.meta_data)) end"""


def _flags(**columns: Frozen) -> Change:
    """The columns ``frozen_<name>`` as one number, whose bits are those of `Frozen`."""
    bits = [f"{flag.value} * @.frozen_{column}::int" for column, flag in columns.items()]
    return Change(since=173, now=" + ".join(["@.frozen::int", *bits]), before="0")


# The nearest moment that a list can carry and every time zone can show (`shared.model.limits`):
# PostgreSQL also has years before Christ, years of five digits and infinity.
WITHIN_YEARS = (
    "least(greatest(@, timestamptz '0001-01-02 00:00:00+00'), timestamptz '9999-12-30 00:00:00+00')"
)

CHANGES: Mapping[str, Change] = MappingProxyType(
    {
        "space_flags": _flags(for_proj=Frozen.FOR_PROJECTS, for_samp=Frozen.FOR_SAMPLES),
        "project_flags": _flags(for_exp=Frozen.FOR_EXPERIMENTS, for_samp=Frozen.FOR_SAMPLES),
        "experiment_flags": _flags(for_samp=Frozen.FOR_SAMPLES, for_data=Frozen.FOR_DATA_SETS),
        "sample_flags": _flags(
            for_children=Frozen.FOR_CHILDREN,
            for_parents=Frozen.FOR_PARENTS,
            for_comp=Frozen.FOR_COMPONENTS,
            for_data=Frozen.FOR_DATA_SETS,
        ),
        "data_set_flags": _flags(
            for_children=Frozen.FOR_CHILDREN,
            for_parents=Frozen.FOR_PARENTS,
            for_comps=Frozen.FOR_COMPONENTS,
            for_conts=Frozen.FOR_CONTAINERS,
        ),
        "json_text": Change(since=191, now="@.json_value::text", before="null"),
        "strings": Change(
            since=191, now="array_to_string(@.string_array_value, ', ')", before="null"
        ),
        "integers": Change(
            since=191, now="array_to_string(@.integer_array_value, ', ')", before="null"
        ),
        "reals": Change(
            since=191, now="cast(@.real_array_value as float8[])", before="null::float8[]"
        ),
        "timestamps": Change(
            since=191,
            now="case when @.timestamp_array_value is not null then coalesce("
            "(select string_agg(to_char(<one> at time zone 'UTC',"
            " 'YYYY-MM-DD HH24:MI:SS +0000'), ', ' order by nth)"
            " from unnest(@.timestamp_array_value) with ordinality as moments (one, nth)"
            " where one is not null), '') end".replace("<one>", WITHIN_YEARS.replace("@", "one")),
            before="null",
        ),
        "materials": _gone(
            210,
            "materials",
            id="bigint",
            code="text",
            maty_id="bigint",
            registration_timestamp="timestamptz",
            modification_timestamp="timestamptz",
            pers_id_registerer="bigint",
        ),
        "material_types": _gone(
            210,
            "material_types",
            id="bigint",
            code="text",
            description="text",
            validation_script_id="bigint",
            modification_timestamp="timestamptz",
            is_managed_internally="boolean",
        ),
        "material_assignments": _gone(
            210,
            "material_type_property_types",
            id="bigint",
            maty_id="bigint",
            prty_id="bigint",
            ordinal="bigint",
            is_mandatory="boolean",
            section="text",
            is_shown_edit="boolean",
            show_raw_value="boolean",
            is_unique="boolean",
            script_id="bigint",
            registration_timestamp="timestamptz",
            pattern="text",
            pattern_type="text",
            is_managed_internally_namespace="boolean",
        ),
        "material_properties": _gone(
            210,
            "material_properties",
            id="bigint",
            mate_id="bigint",
            mtpt_id="bigint",
            value="text",
            cvte_id="bigint",
            mate_prop_id="bigint",
            **_VALUES,
        ),
        "material_value": Change(since=210, now="null::bigint", before="@.mate_prop_id"),
        "material_type_property": Change(since=210, now="null::bigint", before="@.maty_prop_id"),
        "file_format_types": _gone(211, "file_format_types", code="text", description="text"),
        "type_groups": _new(
            205,
            "type_groups",
            id="bigint",
            code="text",
            is_managed_internally="boolean",
            meta_data="jsonb",
            pers_id_registerer="bigint",
            registration_timestamp="timestamptz",
            modification_timestamp="timestamptz",
        ),
        "type_group_members": _new(
            205,
            "sample_type_type_groups",
            saty_id="bigint",
            tg_id="bigint",
            is_managed_internally="boolean",
        ),
        # What openBIS itself made. Assignments have two flags; openBIS shows the one of schema 196
        # (openbis-database.md, 3.3).
        "made_internally": Change(since=196, now="@.is_managed_internally", before="false"),
        "assigned_internally": Change(
            since=196, now="@.is_managed_internally_namespace", before="false"
        ),
        "pattern": Change(since=195, now="@.pattern", before="null::text"),
        "pattern_type": Change(since=195, now="@.pattern_type", before="null::text"),
        "multi_value": Change(since=193, now="@.is_multi_value", before="null::boolean"),
        "type_group_meta_data": Change(since=205, now=_META_DATA_AS_JSON, before="null::jsonb"),
        "type_meta_data": Change(since=192, now=_META_DATA_AS_JSON, before="null::jsonb"),
        "property_type_meta_data": Change(since=177, now=_META_DATA_AS_JSON, before="null::jsonb"),
        # A person who has expired has no roles, neither own ones nor those of groups
        # (openbis-database.md, 3.1).
        "active": Change(
            since=203,
            now=f"(coalesce(@.is_active, true) and {_NOT_EXPIRED})",
            before="coalesce(@.is_active, true)",
        ),
        "role_counts": Change(since=201, now=_NOT_EXPIRED, before="true", until=203),
        # Schemas 198 to 201 have only a flag. No time is made up for it: it would stay in all
        # destinations, also when the step to schema 202 gives these rows a time.
        "immutable_since": Change(
            since=202, now="@.immutable_data_timestamp", before="null::timestamptz"
        ),
        "meta_data": Change(since=192, now=_META_DATA_OF_ENTITY, before="null::text"),
        # Whether the AFS data of an owner can no longer change.
        "sealed_by_time": Change(
            since=202, now="(@.immutable_data_timestamp is not null)", before="false"
        ),
        "sealed_by_flag": Change(
            since=198, now="coalesce(@.immutable_data, false)", before="false", until=202
        ),
        "unique": Change(since=185, now="@.is_unique", before="false"),
        "internal": Change(
            since=184, now="@.is_managed_internally", before="@.is_internal_namespace"
        ),
        "sample_property": Change(since=179, now="@.samp_prop_id", before="null::bigint"),
        "sample_type_property": Change(since=179, now="@.saty_prop_id", before="null::bigint"),
        "external_data_id": Change(since=170, now="@.id", before="@.data_id"),
        "data_set_kind": Change(
            since=167,
            now="@.data_set_kind",
            before="(select kt.data_set_kind from data_set_types kt where kt.id = @.dsty_id)",
        ),
        "project_of_role": Change(since=161, now="@.project_id", before="null::bigint"),
        "git_repository_id": Change(since=163, now="@.git_repository_id", before="null::text"),
        "content_copies": Change(
            since=159,
            now="content_copies",
            before="(select null::bigint as id, data_id, edms_id, external_code,"
            " null::text as path, null::text as git_commit_hash from link_data)",
        ),
        # The table that has them, with its own rows.
        "copy_rows": Change(since=159, now="content_copies", before="link_data"),
        "kind_of_type": Change(since=167, now="''", before="@.data_set_kind"),
        "dms_address": Change(since=158, now="@.address", before="@.url_template"),
        "dms_address_type": Change(
            since=158,
            now="@.address_type",
            before="case when @.is_openbis then 'OPENBIS' else 'URL' end",
        ),
    }
)
