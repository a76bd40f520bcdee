"""How the values are made that there are millions of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """Like ``dataclass(frozen=True, slots=True, kw_only=True)``, but frozen for the type checker
    only: what guards a frozen dataclass when it runs makes it four times as slow to be made, and
    a list makes one for each entity, connection and file."""
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)
