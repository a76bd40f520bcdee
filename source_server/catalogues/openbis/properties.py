"""Reads property values as the texts that openBIS publishes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from shared.model.kinds import Kind
from source_server.catalogues.openbis import queries_parts
from source_server.catalogues.openbis.connect import plain_rows
from source_server.catalogues.openbis.schema import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Codes of properties whose values are not listed, by the id of their owner."""

    # Values that point to samples outside of the scope.
    hidden: Mapping[int, Collection[str]] = field(default_factory=dict)
    # Several values of one property (schema 193 and later).
    several: Mapping[int, Collection[str]] = field(default_factory=dict)


class PropertyReader:
    """Reads the properties of the entities of a kind, page by page."""

    def __init__(self, connection: Connection, dialect: Dialect, kind: Kind) -> None:
        self._connection = connection
        self._query = dialect(queries_parts.PROPERTIES[kind])
        self._hidden = dialect(queries_parts.HIDDEN_SAMPLES[kind])
        codes = connection.execute(dialect(queries_parts.ASSIGNED_CODES[kind]))
        self._codes: dict[int, str] = {row.id: row.code for row in codes}

    def of_page(self, page: Mapping[str, Any]) -> tuple[Mapping[int, dict[str, str]], LeftOut]:
        """Values by code, by the id of their owner; and the codes of what is left out, by the
        reason."""
        found: defaultdict[int, dict[str, str]] = defaultdict(dict)
        several: defaultdict[int, set[str]] = defaultdict(set)
        are_all_shown = True
        rows = plain_rows(self._connection, self._query, page)
        for owner, assignment, value, reals in rows:
            text = value if reals is None else reals_text(reals)
            if text is None:
                are_all_shown = False
                continue
            code = self._codes[assignment]
            if code in found[owner]:
                several[owner].add(code)
            else:
                found[owner][code] = text
        hidden = {} if are_all_shown else self._hidden_codes(page)
        # A value of which another one is not listed must not be taken for the only one.
        for left_out in (several, hidden):
            for owner, codes in left_out.items():
                for code in codes:
                    found[owner].pop(code, None)
        return found, LeftOut(hidden=hidden, several=several)

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
