"""The version of a database's schema, and statements for it.

The version is found by columns: the log of versions in the database may lag behind. Queries are
written for the newest schema and name the pieces in braces, with the alias of the table after a
colon: ``{internal:pt}``.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import TextClause, text

from source_server.catalogues.openbis.schema_changes import CHANGES, WITHIN_YEARS

OLDEST = 154
NEWEST = 213

# Marks of schemas: a column (``table.column`` or ``table.column type``) that the schema before did
# not have (openbis-database.md, 1).
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
    # A database of schema 211 lacks the column of 210, too: the newest loss is looked for first.
    for lost, before, column in _LOST:
        if before <= version < lost and column not in columns:
            return lost
    return version


class Piece(str):
    """A piece of SQL about one table; ``format`` puts the table's alias where ``@`` stands."""

    __slots__ = ()

    def __format__(self, alias: str) -> str:
        return self.replace("@", alias)


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
_EPOCH = f"case when @ is not null then floor(extract(epoch from {WITHIN_YEARS}))::bigint end"

_CODE = "case when <internal> then '$' else '' end || @.code"


class Dialect:
    """Makes statements for one version of the schema."""

    def __init__(self, version: int) -> None:
        self.version = version
        chosen = {name: Piece(change.at(version)) for name, change in CHANGES.items()}
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
