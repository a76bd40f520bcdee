"""Reads settings from a ``.properties`` file and from the environment.

Each key can be overridden by an environment variable: ``OPENBIS_SYNC_`` and the key in upper case,
with ``_`` for ``.`` and ``-``. An empty value counts as not set, in both places. For secrets
see `shared.settings.secrets`, for the way to checked settings `shared.settings.pipeline`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from shared.errors import ConfigError
from shared.properties_file import read_entries
from shared.settings.faults import Fault
from shared.settings.model import Given
from shared.settings.pipeline import (
    Checked,
    Surroundings,
    checked,
    exposure_warnings,
    sift,
    written_keys,
)
from shared.settings.places import PlacedSettings, absolute_below
from shared.settings.secrets import file_keys_of
from shared.settings.used_paths import PathRole, UsedPath, conflicts, secret_files

logger = logging.getLogger(__name__)

P = TypeVar("P", bound=PlacedSettings)
Q = TypeVar("Q", bound=PlacedSettings)

_VARIABLES = "OPENBIS_SYNC_"
_NEARLY = 0.9
# The difference in length up to which a name counts as mistyped.
_LETTERS = 2


@cache
def _warn_once(text: str) -> None:
    """Warn once in each process, since a program reads its settings again and again."""
    logger.warning("%s", text)


def read_properties_settings(
    model: type[P],
    path: Path,
    environ: Mapping[str, str],
    *,
    warn: Callable[[str], None] = _warn_once,
) -> P:
    """``warn`` gets the warnings; by default they go to the log.

    Raises `ConfigError` with all faults, each naming file and line (or variable) and key.
    """
    return read_joint_settings(model, (), path, environ, warn=warn)[0]


def read_joint_settings(
    model: type[P],
    parts: Sequence[type[Q]],
    path: Path,
    environ: Mapping[str, str],
    *,
    warn: Callable[[str], None] = _warn_once,
) -> tuple[P, list[Q]]:
    """Read the settings of a program and its parts from one file: each key belongs to one of them,
    ``base-dir`` to all. All else is as in `read_properties_settings`."""
    models = (model, *parts)
    keys = list(written_keys(models))
    ways = {key: secret for one in models for key, secret in file_keys_of(one).items()}
    in_file = _in_file(path)
    given = _merged(ways, in_file, _in_environment(keys, environ))
    sifted = sift(models, given)
    surroundings = _surroundings(path, sifted.known, environ)
    own = checked(model, sifted.known, surroundings)
    others = [checked(part, sifted.known, surroundings) for part in parts]
    # The program's settings come last: of two keys in conflict, the message names the later one.
    read: list[Checked[Any]] = [*reversed(others), own]
    faults = [*sifted.faults, *_mistyped(keys, environ)]
    faults += (fault for one in read for fault in one.faults)
    if all(one.settings for one in read):
        beside = own.sound.faults_beside([one.sound for one in others])
        faults += (Fault(place=str(path), text=text) for text in beside)
    warnings = map(str, (*sifted.warnings, *(found for one in read for found in one.warnings)))
    for text in (*warnings, *exposure_warnings(path, ((one, in_file) for one in models))):
        warn(text)
    if lines := dict.fromkeys(map(str, faults)):
        raise ConfigError(list(lines))
    _check_paths([one.sound for one in read], path, given, ways)
    return own.sound, [one.sound for one in others]


def _surroundings(
    path: Path, known: Mapping[str, Given], environ: Mapping[str, str]
) -> Surroundings:
    folder = path.absolute().parent
    return Surroundings(place=str(path), base=_base(known, folder), environ=environ, context=folder)


def _check_paths(
    read: Sequence[PlacedSettings],
    path: Path,
    given: Mapping[str, Given],
    file_keys: Collection[str],
) -> None:
    """Raises `ConfigError` if files at one path would destroy those at another."""

    def place_of(key: str) -> str:
        return given[key].place if key in given else f"{path}, by default"

    itself = UsedPath(key="the settings file", path=path, place=str(path), role=PathRole.READ)
    used = [
        itself,
        *(one for settings in read for one in settings.used_paths(place_of)),
        *secret_files(given, file_keys, read[-1].base_dir),
    ]
    if found := list(conflicts(used)):
        raise ConfigError([f"{one.second.place}: {one.fault_of(one.second)}" for one in found])
    for settings in read:
        settings.keep_known_paths(used)


def _mistyped(keys: Collection[str], environ: Mapping[str, str]) -> Iterator[Fault]:
    """Variables that are almost the variable of a key. Others may belong to the other program, or
    hold a secret that ``env:`` names."""
    known = {variable_of(key) for key in keys}
    for name in sorted(environ):
        if not name.upper().startswith(_VARIABLES) or name in known:
            continue
        meant = get_close_matches(name.upper(), known, n=1, cutoff=_NEARLY)
        if meant and abs(len(meant[0]) - len(name)) <= _LETTERS:
            yield Fault(
                place=f"environment variable {name}",
                text=f"there is no such key; did you mean {meant[0]}?",
            )


def variable_of(key: str) -> str:
    """The environment variable that overrides a key."""
    return _VARIABLES + re.sub(r"[.-]", "_", key).upper()


def _in_file(path: Path) -> dict[str, Given]:
    return {
        entry.key: Given(value=entry.value, place=f"{path}:{entry.line}")
        for entry in read_entries(path)
        if entry.value
    }


def _merged(
    file_keys: Mapping[str, str],
    in_file: Mapping[str, Given],
    in_environment: Mapping[str, Given],
) -> dict[str, Given]:
    """The environment wins, even if it gives a secret by another key than the file does."""
    ways = {**file_keys, **{key: file_key for file_key, key in file_keys.items()}}
    overridden = {ways[key] for key in in_environment if key in ways}
    kept = {key: entry for key, entry in in_file.items() if key not in overridden}
    return {**kept, **in_environment}


def _base(given: Mapping[str, Given], folder: Path) -> Path:
    """``base-dir``; if it is faulty, which validation finds, the folder of the file."""
    if "base-dir" not in given:
        return folder
    try:
        return absolute_below(folder, Path(given["base-dir"].value))
    except ValueError:
        return folder


def _in_environment(keys: Collection[str], environ: Mapping[str, str]) -> dict[str, Given]:
    return {
        key: Given(value=value, place=f"environment variable {variable_of(key)}")
        for key in keys
        if (value := environ.get(variable_of(key), "").strip())
    }
