"""Reads settings from a ``.properties`` file and from the environment.

Each key can be overridden by an environment variable: ``OPENBIS_SYNC_`` and the key in upper case,
with ``_`` for ``.`` and ``-``. A value that is empty counts as not set, in both places. How secrets
may be given: `shared.settings.secrets`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from shared.errors import ConfigError
from shared.properties_file import read_entries
from shared.settings.faults import Fault, Given, check, unknown_key
from shared.settings.model import keys_of
from shared.settings.places import PlacedSettings, absolute_below
from shared.settings.secrets import exposed_secrets, file_keys_of, resolve_secrets
from shared.settings.used_paths import Role, UsedPath, conflicts, secret_files

logger = logging.getLogger(__name__)

P = TypeVar("P", bound=PlacedSettings)
Q = TypeVar("Q", bound=PlacedSettings)

_VARIABLES = "OPENBIS_SYNC_"
_NEARLY = 0.9
_LETTERS = 2
"""Letters too many or too few at which a name still counts as mistyped."""


@cache
def _warn_once(text: str) -> None:
    """A program reads its settings again and again."""
    logger.warning("%s", text)


def read_properties_settings(
    model: type[P],
    path: Path,
    environ: Mapping[str, str],
    *,
    ignored: Collection[str] = (),
    warn: Callable[[str], None] = _warn_once,
) -> P:
    """Keys that are ``ignored`` may stand in the file and mean nothing. ``warn`` is told what
    hinders nothing; by default it goes to the log.

    Raises `ConfigError` with all faults, each naming file and line (or variable) and key.
    """
    return read_joint_settings(model, (), path, environ, ignored=ignored, warn=warn)[0]


def read_joint_settings(
    model: type[P],
    parts: Sequence[type[Q]],
    path: Path,
    environ: Mapping[str, str],
    *,
    ignored: Collection[str] = (),
    warn: Callable[[str], None] = _warn_once,
) -> tuple[P, list[Q]]:
    """Settings of a program and of its parts, which stand in one file: each key belongs to one of
    them, ``base-dir`` to all. All else is as with `read_properties_settings`."""
    models = (model, *parts)
    ways = {key: secret for one in models for key, secret in file_keys_of(one).items()}
    keys = [*(key for one in models for key in keys_of(one).values()), *ways]
    in_file = _in_file(path)
    given = _merged(ways, in_file, _in_environment(keys, environ))
    own = _checked(model, given, path, environ)
    others = [_checked(part, given, path, environ) for part in parts]
    # The program's settings come last: of two keys in conflict, the message names the later one.
    read: list[_Checked[Any]] = [*reversed(others), own]
    faults = [*_unknown(keys, ignored, given), *_mistyped(keys, environ)]
    faults += (fault for one in read for fault in one.faults)
    if all(one.settings for one in read):
        beside = own.sound.faults_beside([one.sound for one in others])
        faults += (Fault(place=str(path), text=text) for text in beside)
    warnings = [f"{found.place}: {found.text}" for one in read for found in one.warnings]
    exposed = (exposed_secrets(one, path, in_file) for one in models)
    for warning in (*warnings, *list(filter(None, exposed))[:1]):
        warn(warning)
    lines = dict.fromkeys(f"{fault.place}: {fault.text}" for fault in faults)
    if lines:
        raise ConfigError(list(lines))
    _check_paths([one.sound for one in read], path, given, ways)
    return own.sound, [one.sound for one in others]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked(Generic[P]):
    """The settings of one model, None if they are unusable, and what is to be said of them."""

    settings: P | None
    faults: Sequence[Fault]
    warnings: Sequence[Fault]

    @property
    def sound(self) -> P:
        """Raises `ConfigError` if they are unusable."""
        if self.settings is None:
            raise ConfigError([f"{fault.place}: {fault.text}" for fault in self.faults])
        return self.settings


def _checked(
    model: type[P], given: Mapping[str, Given], path: Path, environ: Mapping[str, str]
) -> _Checked[P]:
    """By what is given for the keys of this model."""
    keys = {*keys_of(model).values(), *file_keys_of(model)}
    known = {key: entry for key, entry in given.items() if key in keys}
    folder = path.absolute().parent
    secrets = resolve_secrets(model, known, base=_base(known, folder), environ=environ)
    settings, faults = check(
        model, secrets.given, place=str(path), unread=secrets.unread, context=folder
    )
    return _Checked(settings=settings, faults=[*secrets.faults, *faults], warnings=secrets.warnings)


def _check_paths(
    read: Sequence[PlacedSettings],
    path: Path,
    given: Mapping[str, Given],
    file_keys: Collection[str],
) -> None:
    """No path may destroy another one. Raises `ConfigError`."""

    def place_of(key: str) -> str:
        return given[key].place if key in given else f"{path}, by default"

    itself = UsedPath(key="the settings file", path=path, place=str(path), role=Role.READ)
    used = [
        itself,
        *(one for settings in read for one in settings.used_paths(place_of)),
        *secret_files(given, file_keys, read[-1].base_dir),
    ]
    if found := list(conflicts(used)):
        raise ConfigError([f"{one.second.place}: {one.told(one.second)}" for one in found])
    for settings in read:
        settings.keep_known_paths(used)


def _unknown(
    keys: Collection[str], ignored: Collection[str], given: Mapping[str, Given]
) -> Iterator[Fault]:
    """Entries of the file whose keys do not exist."""
    for key, entry in given.items():
        if key not in keys and key not in ignored:
            yield Fault(place=entry.place, text=unknown_key(key, keys))


def _mistyped(keys: Collection[str], environ: Mapping[str, str]) -> Iterator[Fault]:
    """Variables that are nearly those of a key. Others may belong to the other program, or hold a
    secret that is named by ``env:``."""
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
    """The environment wins, also where it gives a secret another way than the file does."""
    ways = {**file_keys, **{key: file_key for file_key, key in file_keys.items()}}
    overridden = {ways[key] for key in in_environment if key in ways}
    kept = {key: entry for key, entry in in_file.items() if key not in overridden}
    return {**kept, **in_environment}


def _base(given: Mapping[str, Given], folder: Path) -> Path:
    """``base-dir``; if it is at fault, which is told elsewhere, the folder of the file."""
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
