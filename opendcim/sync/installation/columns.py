"""Converts values for the columns of openDCIM's tables, which differ by version."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Date, DateTime, Enum, Numeric
from sqlalchemy.types import Float, Integer

from opendcim.records.texts import encoded
from opendcim.sync.installation.database import MANUFACTURER
from shared.errors import ItemError


def stored(column: Column[Any], value: object, model: str) -> object:
    """The value for the column; texts are encoded as openDCIM encodes them."""
    kind = column.type
    if isinstance(kind, Enum):
        return _of_list(column, str(value), kind.enums, model)
    if isinstance(kind, Integer | Float | Numeric):
        try:
            return float(str(value)) if not isinstance(kind, Integer) else int(str(value) or 0)
        except ValueError as error:
            raise _misfit(model, column, f"{value!r} is no number") from error
    # The encoded text must fit, since the column stores that; SQLite would not check its length.
    text = encoded(str(value))
    longest = getattr(kind, "length", None)
    if longest is not None and len(text) > longest:
        raise _misfit(model, column, f"{value!r} is longer than the {longest} characters it takes")
    return text


def _of_list(column: Column[Any], value: str, known: list[str], model: str) -> object:
    if value in known:
        return value
    if not value:
        return None if column.nullable else known[0]
    raise _misfit(model, column, f"{value!r} is none of {', '.join(known)}")


def _misfit(model: str, column: Column[Any], text: str) -> ItemError:
    return ItemError(
        "MANUFACTURER" if column.table.name == MANUFACTURER else "DEVICE_TEMPLATE",
        model,
        f"the column {column.name} of {column.table.name}: {text}; "
        "tell the repository's moderators, or keep the template local",
    )


def must_be_given(column: Column[Any]) -> bool:
    automatic = column.primary_key and column is column.table.autoincrement_column
    # SQLite refuses a new row without a value for such a column; so does MariaDB in strict mode.
    return not (column.nullable or automatic or column.server_default is not None)


def nothing(column: Column[Any]) -> object:
    """The empty value, for columns that the repository does not have."""
    kind = column.type
    if isinstance(kind, Enum):
        return kind.enums[0]
    if isinstance(kind, Integer | Float | Numeric):
        return 0
    if isinstance(kind, DateTime | Date):
        return datetime.now().astimezone().replace(tzinfo=None, microsecond=0)
    return ""
