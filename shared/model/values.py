"""The decorator of values that are made in large numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """Decorator for value classes of which a list creates millions: like ``dataclass(frozen=True,
    slots=True, kw_only=True)``, but frozen for the type checker only, since the check at run time
    makes creation four times slower."""
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)
