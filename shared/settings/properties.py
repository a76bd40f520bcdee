"""Reads settings from a ``.properties`` file and from the environment.

Each key can be overridden by an environment variable: ``OPENBIS_SYNC_`` and the key in upper case,
with ``_`` for ``.`` and ``-``. A value that is empty counts as not set, in both places.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TypeVar

from shared.errors import ConfigError
from shared.properties_file import read_entries
from shared.settings.faults import Fault, Given, check, unknown_key
from shared.settings.model import keys_of
from shared.settings.places import PlacedSettings

P = TypeVar("P", bound=PlacedSettings)


def read_properties_settings(
    model: type[P], path: Path, environ: Mapping[str, str], *, ignored: Collection[str] = ()
) -> P:
    """Keys that are ``ignored`` may stand in the file and mean nothing.

    Raises `ConfigError` with all faults, each naming file and line (or variable) and key.
    """
    keys = list(keys_of(model).values())
    given = {**_in_file(path), **_in_environment(keys, environ)}
    faults = [
        Fault(place=entry.place, text=unknown_key(key, keys))
        for key, entry in given.items()
        if key not in keys and key not in ignored
    ]
    known = {key: entry for key, entry in given.items() if key in keys}
    settings, more = check(model, known, place=str(path), context=path.absolute().parent)
    faults += more
    if faults or settings is None:
        raise ConfigError([f"{fault.place}: {fault.text}" for fault in faults])
    return settings


def variable_of(key: str) -> str:
    """The environment variable that overrides a key."""
    return "OPENBIS_SYNC_" + re.sub(r"[.-]", "_", key).upper()


def _in_file(path: Path) -> dict[str, Given]:
    return {
        entry.key: Given(value=entry.value, place=f"{path}:{entry.line}")
        for entry in read_entries(path)
        if entry.value
    }


def _in_environment(keys: Collection[str], environ: Mapping[str, str]) -> dict[str, Given]:
    return {
        key: Given(value=value, place=f"environment variable {variable_of(key)}")
        for key in keys
        if (value := environ.get(variable_of(key), "").strip())
    }
