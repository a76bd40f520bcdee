"""Values that other packages announce to a program by entry points."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from shared.errors import ConfigError

T = TypeVar("T")


def value_at(place: str) -> Any:
    """The value named by ``module:name``; imports the module."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def announced(group: str, kind: type[T]) -> Mapping[str, T]:
    """The values of a group by name, sorted by name.

    Raises `ConfigError` if one cannot be loaded or has the wrong type.
    """
    return {name: _checked(value, name, kind) for name, value in _load(group).items()}


def _checked(value: object, name: str, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise ConfigError(f"the entry point {name} is no {kind.__name__}")
    return value


@cache
def _load(group: str) -> Mapping[str, object]:
    """Cached for the process, since it looks through all installed packages."""
    found = sorted(entry_points(group=group), key=lambda entry: entry.name)
    return {entry.name: _value_of(entry) for entry in found}


def _value_of(entry: EntryPoint) -> object:
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"{entry.value}, the entry point {entry.name} of {entry.group}, cannot be loaded: "
            f"{error}; install the package anew"
        ) from error
