"""Rows of the made database, before it is known for which schema they are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.support.openbis_made.schema import TABLES

Value = str | int | float | bool | bytes | None

_MERGED = 184
_ALL_SCRIPTS = 213
_FLAGS = frozenset(
    {
        *("is_unique", "is_multi_value", "afs_data"),
        *("is_managed_internally", "is_managed_internally_namespace"),
    }
)
_FIRST_DAY = datetime(2024, 1, 2, 8, 0, 0, 250_000, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """``since``, ``until``: the schemas that have it. It may name columns that a schema has not."""

    table: str
    since: int
    until: int
    values: Mapping[str, Value]


@dataclass(slots=True)
class Rows:
    """Collects rows; ids and times count up, so that they are the same each time."""

    rows: list[Row] = field(default_factory=list)
    _ids: Counter[str] = field(default_factory=Counter)
    _minutes: int = 0

    def add(self, table: str, since: int = 0, until: int = 999, /, **values: Value) -> int:
        """The id of the new row, which the schemas from ``since`` to ``until`` have."""
        known = {column.name for column in TABLES[table].columns}
        assert values.keys() <= known, (table, values.keys() - known)
        self._ids[table] += 1
        number = self._ids[table]
        filled = ({"id": number} if "id" in known else {}) | self._stamps(known) | values
        flags = {name: False for name in known if "frozen" in name or name in _FLAGS}
        self.rows.append(Row(table=table, since=since, until=until, values=flags | filled))
        return number

    def _stamps(self, known: set[str]) -> dict[str, Value]:
        """Registered by the person with the id 2, with a fraction of a second, as openBIS does."""
        self._minutes += 1
        registered = _FIRST_DAY + timedelta(minutes=self._minutes)
        stamps: dict[str, Value] = {
            "registration_timestamp": registered.isoformat(),
            "modification_timestamp": (registered + timedelta(days=1)).isoformat(),
            "pers_id_registerer": 2,
            "pers_id_author": 2,
        }
        return {name: value for name, value in stamps.items() if name in known}

    def at(self, version: int) -> Iterator[tuple[str, dict[str, Value]]]:
        """Table and values of each row that a schema has."""
        for row in self.rows:
            columns = TABLES[row.table].at(version)
            if columns and row.since <= version <= row.until:
                values = _merged(row.values) if version >= _MERGED else row.values
                values = _without_predeployed(values) if version >= _ALL_SCRIPTS else values
                yield row.table, {n: v for n, v in values.items() if n in columns}


def _merged(values: Mapping[str, Value]) -> Mapping[str, Value]:
    """What was of the internal name space became managed internally."""
    if not values.get("is_internal_namespace"):
        return values
    return {**values, "is_managed_internally": True}


def _without_predeployed(values: Mapping[str, Value]) -> Mapping[str, Value]:
    """Every plugin has a script."""
    if values.get("plugin_type") != "PREDEPLOYED":
        return values
    return {**values, "plugin_type": "JYTHON", "script": "def validate(e, isNew):\n  pass"}
