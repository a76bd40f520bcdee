"""Reads property values as the texts that openBIS publishes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from shared.model.kinds import Kind
from shared.model.properties import PropertyValue, value_from
from source_server.catalogues.openbis import queries_parts
from source_server.catalogues.openbis.connect import plain_rows
from source_server.catalogues.openbis.schema import Dialect
from source_server.catalogues.openbis.scopes import array_of

# Values by the codes of their properties, by the id of their owner.
Values = Mapping[int, Mapping[str, PropertyValue]]


class PropertyReader:
    """Reads the properties of the entities of a kind, page by page."""

    def __init__(self, connection: Connection, dialect: Dialect, kind: Kind) -> None:
        self._connection = connection
        self._query = dialect(queries_parts.PROPERTIES[kind])
        self._in_order = dialect(queries_parts.PROPERTIES_IN_ORDER[kind])
        self._hidden = dialect(queries_parts.HIDDEN_SAMPLES[kind])
        codes = connection.execute(dialect(queries_parts.ASSIGNED_CODES[kind]))
        self._codes: dict[int, str] = {row.id: row.code for row in codes}

    def of_page(self, page: Mapping[str, Any]) -> tuple[Values, Mapping[int, Collection[str]]]:
        """The values, and, by the id of their owner, the codes of properties that have values which
        point to samples outside of the scope; these values are left out, one by one."""
        found: defaultdict[int, dict[str, PropertyValue]] = defaultdict(dict)
        several: set[int] = set()
        are_all_shown = True
        for owner, assignment, value, reals in plain_rows(self._connection, self._query, page):
            # Arrays of reals come as numbers: PostgreSQL writes some otherwise than Java does.
            text = value if reals is None else reals_text(reals)
            if text is None:
                are_all_shown = False
                continue
            values, code = found[owner], self._codes[assignment]
            if code in values:
                several.add(owner)
            values[code] = text
        if several:
            found |= self._several({**page, "ids": array_of(sorted(several))})
        return found, {} if are_all_shown else self._hidden_codes(page)

    def _several(self, page: Mapping[str, Any]) -> dict[int, dict[str, PropertyValue]]:
        """The values of owners that have several of one property (schema 193 and later;
        openbis-database.md, 3.2). Only theirs are put in order, so that all others cost PostgreSQL
        no sorting."""
        found: defaultdict[int, dict[str, list[str]]] = defaultdict(dict)
        for owner, assignment, value, reals in plain_rows(self._connection, self._in_order, page):
            text = value if reals is None else reals_text(reals)
            if text is not None:
                found[owner].setdefault(self._codes[assignment], []).append(text)
        return {
            owner: {code: value_from(texts) for code, texts in values.items()}
            for owner, values in found.items()
        }

    def _hidden_codes(self, page: Mapping[str, Any]) -> Mapping[int, set[str]]:
        """The codes of hidden values by the id of their owner. Values that point to samples in
        openBIS's trash are not among them: these have no value."""
        hidden: defaultdict[int, set[str]] = defaultdict(set)
        for owner, assignment in plain_rows(self._connection, self._hidden, page):
            hidden[owner].add(self._codes[assignment])
        return hidden


def reals_text(values: Sequence[float | None]) -> str:
    return ", ".join(java_double(value) for value in values if value is not None)


def java_double(value: float) -> str:
    """A double as Java writes it: ``1.0``, ``1.0E22``, ``-Infinity``, ``NaN``."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:  # noqa: PLR2004 - the bounds of Double.toString
        return repr(value)
    mantissa, exponent = f"{Decimal(repr(value)).normalize():E}".split("E")
    point = "" if "." in mantissa else ".0"
    return f"{mantissa}{point}E{int(exponent)}"
