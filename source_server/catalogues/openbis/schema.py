"""The version of a database's schema, and the pieces of SQL that differ between versions.

The version is found by columns: the log of versions in the database may lag behind. Queries are
written for the newest schema and name the pieces in braces, with the alias of the table after a
colon: ``{internal:pt}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import TextClause, text

from shared.model.kinds import Frozen

OLDEST = 154
NEWEST = 213

# Marks of schemas: a column (``table.column`` or ``table.column type``) that the schema before did
# not have.
_MARKS: tuple[tuple[int, str], ...] = (
    (212, "sample_properties.json_value json"),
    (207, "external_data.unarchiving_requested"),
    (206, "authorization_groups.meta_data"),
    (205, "type_groups.id"),
    (203, "persons.expiry_timestamp"),
    (202, "samples_all.immutable_data_timestamp"),
    (201, "role_assignments.expiry_timestamp"),
    (198, "samples_all.immutable_data"),
    (197, "data_all.afs_data"),
    (196, "sample_types.is_managed_internally"),
    (195, "sample_type_property_types.pattern"),
    (194, "persons.first_name text"),
    (193, "property_types.is_multi_value"),
    (192, "samples_all.meta_data"),
    (191, "sample_properties.json_value"),
    (186, "events_search.id"),
    (185, "sample_properties.is_unique"),
    (181, "sample_relationships_all.child_annotations"),
    (180, "samples_all.sample_identifier"),
    (179, "property_types.saty_prop_id"),
    (177, "property_types.meta_data"),
    (173, "samples_all.frozen"),
    (172, "external_data.archiving_requested"),
    (170, "external_data.id"),
    (167, "data_all.data_set_kind"),
    (166, "semantic_annotations.id"),
    (165, "external_data.h5_folders"),
    (163, "content_copies.git_repository_id"),
    (161, "role_assignments.project_id"),
    (159, "content_copies.id"),
    (158, "external_data_management_systems.address"),
    (155, "operation_executions.availability"),
    (154, "projects.description text"),
    (147, "samples_all.proj_id"),
)

# Schemas that only removed columns: the schema, the mark before it, the column that is gone.
_LOST: tuple[tuple[int, int, str], ...] = (
    (211, 207, "file_format_types.id"),
    (210, 207, "property_types.maty_prop_id"),
    (184, 181, "property_types.is_internal_namespace"),
)


def version_by(columns: frozenset[str]) -> int:
    """The newest schema that has its mark among these columns; 0 if none has.

    ``columns`` holds each column twice, as ``table.column`` and as ``table.column type``.
    """
    version = next((version for version, mark in _MARKS if mark in columns), 0)
    for lost, before, column in _LOST:
        if before <= version < lost and column not in columns:
            return lost
    return version


class Piece(str):
    """A piece of SQL about one table; ``format`` puts the table's alias where ``@`` stands."""

    __slots__ = ()

    def __format__(self, alias: str) -> str:
        return self.replace("@", alias)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """A piece of SQL from a schema on; ``before`` is for older ones, and from ``until`` on."""

    since: int
    now: str
    before: str
    until: int | None = None

    def at(self, version: int) -> str:
        is_new = self.since <= version and (self.until is None or version < self.until)
        return self.now if is_new else self.before


def _gone(since: int, table: str, **columns: str) -> _Change:
    """A table that a schema removed; since then it is read as one without rows. ``columns`` are
    those that are asked for, with their types."""
    nulls = ", ".join(f"null::{kind} as {column}" for column, kind in columns.items())
    return _Change(since=since, now=f"(select {nulls} where false)", before=table)


_NOT_EXPIRED = "(@.expiry_timestamp is null or @.expiry_timestamp >= now())"
_VALUES = {
    "integer_array_value": "bigint[]",
    "real_array_value": "float8[]",
    "string_array_value": "text[]",
    "timestamp_array_value": "timestamptz[]",
    "json_value": "json",
}


def _flags(**columns: Frozen) -> _Change:
    """The columns ``frozen_<name>`` as one number, whose bits are those of `Frozen`."""
    bits = [f"{flag.value} * @.frozen_{column}::int" for column, flag in columns.items()]
    return _Change(since=173, now=" + ".join(["@.frozen::int", *bits]), before="0")


# The nearest moment that a list can carry and every time zone can show (`shared.model.limits`):
# PostgreSQL also has years before Christ, years of five digits and infinity.
_WITHIN_YEARS = (
    "least(greatest(@, timestamptz '0001-01-02 00:00:00+00'), timestamptz '9999-12-30 00:00:00+00')"
)

_CHANGES: Mapping[str, _Change] = MappingProxyType(
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
        "json_text": _Change(since=191, now="@.json_value::text", before="null"),
        "strings": _Change(
            since=191, now="array_to_string(@.string_array_value, ', ')", before="null"
        ),
        "integers": _Change(
            since=191, now="array_to_string(@.integer_array_value, ', ')", before="null"
        ),
        "reals": _Change(
            since=191, now="cast(@.real_array_value as float8[])", before="null::float8[]"
        ),
        "timestamps": _Change(
            since=191,
            now="(select string_agg(to_char(<one> at time zone 'UTC',"
            " 'YYYY-MM-DD HH24:MI:SS +0000'), ', ' order by nth)"
            " from unnest(@.timestamp_array_value) with ordinality as moments (one, nth)"
            " where one is not null)".replace("<one>", _WITHIN_YEARS.replace("@", "one")),
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
        "material_value": _Change(since=210, now="null::bigint", before="@.mate_prop_id"),
        "material_type_property": _Change(since=210, now="null::bigint", before="@.maty_prop_id"),
        "file_format_types": _gone(211, "file_format_types", code="text", description="text"),
        # A person who has expired has no roles, neither own ones nor those of groups.
        "active": _Change(
            since=203,
            now=f"(coalesce(@.is_active, true) and {_NOT_EXPIRED})",
            before="coalesce(@.is_active, true)",
        ),
        "role_counts": _Change(since=201, now=_NOT_EXPIRED, before="true", until=203),
        "all_data_sets": _Change(
            since=197,
            now="data_all",
            before="(select null::bigint as del_id, false as afs_data where false)",
        ),
        "unique": _Change(since=185, now="@.is_unique", before="false"),
        "internal": _Change(
            since=184, now="@.is_managed_internally", before="@.is_internal_namespace"
        ),
        "sample_property": _Change(since=179, now="@.samp_prop_id", before="null::bigint"),
        "sample_type_property": _Change(since=179, now="@.saty_prop_id", before="null::bigint"),
        "external_data_id": _Change(since=170, now="@.id", before="@.data_id"),
        "data_set_kind": _Change(
            since=167,
            now="@.data_set_kind",
            before="(select kt.data_set_kind from data_set_types kt where kt.id = @.dsty_id)",
        ),
        "project_of_role": _Change(since=161, now="@.project_id", before="null::bigint"),
        "git_repository_id": _Change(since=163, now="@.git_repository_id", before="null::text"),
        "content_copies": _Change(
            since=159,
            now="content_copies",
            before="(select null::bigint as id, data_id, edms_id, external_code,"
            " null::text as path, null::text as git_commit_hash from link_data)",
        ),
        "dms_address": _Change(since=158, now="@.address", before="@.url_template"),
        "dms_address_type": _Change(
            since=158,
            now="@.address_type",
            before="case when @.is_openbis then 'OPENBIS' else 'URL' end",
        ),
    }
)

_SAMPLE_IN_SCOPE = """(
    @.space_id is null
    or @.space_id = any (cast(:spaces as bigint[]))
    or @.proj_id = any (cast(:lone_projects as bigint[]))
    or exists (select 1 from experiments scope_e where scope_e.id = @.expe_id
                  and scope_e.proj_id = any (cast(:lone_projects as bigint[]))))"""

_EXPERIMENT_IN_SCOPE = "@.proj_id = any (cast(:projects as bigint[]))"

_DATA_SET_HOME_IN_SCOPE = """(
    case when @.expe_id is not null
         then exists (select 1 from experiments home_e where home_e.id = @.expe_id and <experiment>)
         else exists (select 1 from samples home_x where home_x.id = @.samp_id and <sample>) end)"""

# While the storing of a data set is not confirmed, it is still being registered, and not shown.
_DATA_SET_IS_STORED = """(
    not exists (select 1 from external_data stored
                 where <external_data_id> = @.id and not stored.storage_confirmation))"""

# Whole seconds, which need no time zone and are read in a fifth of the time of timestamps.
_EPOCH = f"case when @ is not null then floor(extract(epoch from {_WITHIN_YEARS}))::bigint end"

_CODE = "case when <internal> then '$' else '' end || @.code"


class Dialect:
    """Makes statements for one version of the schema."""

    def __init__(self, version: int) -> None:
        self.version = version
        chosen = {name: Piece(change.at(version)) for name, change in _CHANGES.items()}
        home = _DATA_SET_HOME_IN_SCOPE.replace(
            "<experiment>", f"{Piece(_EXPERIMENT_IN_SCOPE):home_e}"
        ).replace("<sample>", f"{Piece(_SAMPLE_IN_SCOPE):home_x}")
        is_stored = _DATA_SET_IS_STORED.replace(
            "<external_data_id>", f"{chosen['external_data_id']:stored}"
        )
        self._pieces: Mapping[str, str] = chosen | {
            "sample_in_scope": Piece(_SAMPLE_IN_SCOPE),
            "experiment_in_scope": Piece(_EXPERIMENT_IN_SCOPE),
            "data_set_home_in_scope": Piece(home),
            "data_set_is_stored": Piece(is_stored),
            "data_set_in_scope": Piece(f"({home} and {is_stored})"),
            "epoch": Piece(_EPOCH),
            "code": Piece(_CODE.replace("<internal>", chosen["internal"])),
        }

    def __call__(self, query: str) -> TextClause:
        return text(query.format_map(self._pieces))
