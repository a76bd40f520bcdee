"""Values for data stores, by their codes."""

from __future__ import annotations

import re

_DATA_STORE = re.compile(r"\s*([A-Za-z0-9_.-]+)\s*:\s*(\S.*?)\s*")
_FORM = "must be <code of a data store>: <value>, several separated by ;"


def by_data_store(value: object) -> object:
    return pairs(value) if isinstance(value, str) else value


def pairs(value: str) -> dict[str, str]:
    """Values by the codes of data stores. No message shows a value, which may contain a
    password."""
    found: dict[str, str] = {}
    for piece in value.split(";"):
        if piece.strip():
            pair = _DATA_STORE.fullmatch(piece)
            if pair is None:
                raise ValueError(_FORM)
            if pair[1] in found:
                raise ValueError(f"names the data store {pair[1]} twice")
            found[pair[1]] = pair[2]
    return found
