"""Reads ``config/source-server.properties`` and tells all its faults at once.

Each key can be overridden by the environment variable ``OPENBIS_SYNC_<KEY>`` in upper case, with
``_`` for ``.`` and ``-``. A value that is empty counts as not set, in both places.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.errors import ConfigError
from shared.properties_file import read_entries
from source_server.settings import SourceSettings, key_of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """``place``: file and line, or the environment variable."""

    value: str
    place: str


def keys() -> list[str]:
    """All keys of the file."""
    return [key_of(name) for name in SourceSettings.model_fields]


def variable_of(key: str) -> str:
    """The environment variable that overrides a key."""
    return "OPENBIS_SYNC_" + re.sub(r"[.-]", "_", key).upper()


def read_settings(path: Path, environ: Mapping[str, str] = os.environ) -> SourceSettings:
    """Raises `ConfigError` with all faults, each naming file and line (or variable) and key."""
    given = _given(path, environ)
    faults = [
        f"{entry.place}: {_unknown(key)}" for key, entry in given.items() if key not in keys()
    ]
    values = {key: entry.value for key, entry in given.items() if key in keys()}
    try:
        settings = SourceSettings.model_validate(values, context=path.absolute().parent)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        faults += [_told(detail, given, str(path)) for detail in details]
    if faults:
        raise ConfigError(faults)
    return settings


def _given(path: Path, environ: Mapping[str, str]) -> dict[str, _Given]:
    given = {
        entry.key: _Given(value=entry.value, place=f"{path}:{entry.line}")
        for entry in read_entries(path)
        if entry.value
    }
    for key in keys():
        variable = variable_of(key)
        value = environ.get(variable, "").strip()
        if value:
            given[key] = _Given(value=value, place=f"environment variable {variable}")
    return given


def _unknown(key: str) -> str:
    nearest = get_close_matches(key, keys(), n=1, cutoff=0.5)
    return f"{key}: there is no such key" + (f"; did you mean {nearest[0]}?" if nearest else "")


def _told(detail: ErrorDetails, given: Mapping[str, _Given], file: str) -> str:
    """One fault. It never shows the value unless the validator itself did."""
    key = str(detail["loc"][0]) if detail["loc"] else ""
    place = given[key].place if key in given else file
    return f"{place}: {key + ': ' if key else ''}{_reason(detail)}"


def _reason(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "enum":
            return f"must be {context['expected'].replace(chr(39), '')}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "string_pattern_mismatch":
            return "contains characters that are not allowed here"
        case _:
            return detail["msg"]
