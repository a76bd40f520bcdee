"""Queries for texts that mention files of the file service: the same texts as in lists.

``id`` is that of the owner. PostgreSQL looks through the texts and gives only those with a mention.
"""

# ruff: noqa: S608 - statements are joined of texts of this module
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.model.kinds import Kind

# Stands for a kind: the descriptions of master data, which everyone sees.
DEFINITIONS = "definitions"

_MENTIONS = "strpos({}, 'openbis/file-service/') > 0"
_VALUE = "coalesce(v.value, {strings:v}, {json_text:v})"


def _values(table: str, owner: str) -> str:
    return f"""
select v.{owner} as id, {_VALUE} as content from {table} v
 where {_MENTIONS.format(_VALUE)} <ids>""".replace(
        "<ids>", f"and (cast(:ids as bigint[]) is null or v.{owner} = any (cast(:ids as bigint[])))"
    )


def _descriptions(table: str, *, owner: str = "r.id") -> str:
    return f"""
select {owner} as id, r.description as content from {table} r
 where {_MENTIONS.format("r.description")}"""


IN_BUCKETS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.MATERIAL: _values("{material_properties}", "mate_id"),
        Kind.EXPERIMENT: _values("experiment_properties", "expe_id"),
        Kind.SAMPLE: _values("sample_properties", "samp_id"),
    }
)
WHOLE: Mapping[str, str] = MappingProxyType(
    {
        Kind.SPACE.value: _descriptions("spaces"),
        Kind.PROJECT.value: _descriptions("projects"),
        Kind.DATA_SET.value: _values("data_set_properties", "ds_id"),
        DEFINITIONS: " union all ".join(
            _descriptions(table, owner="0")
            for table in (
                *("scripts", "controlled_vocabulary_terms", "property_types", "sample_types"),
                *("experiment_types", "data_set_types", "{material_types}"),
            )
        ),
    }
)
