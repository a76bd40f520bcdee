"""The base of all models of settings, and the keys of their fields in a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A value, and where it was given: ``file:line`` or the name of a variable."""

    value: str
    place: str


class Settings(BaseModel):
    """Frozen settings. The fields are the keys of a file, with ``_`` for ``-``. No error shows a
    value, since a mistyped key may hold a password."""

    # Fields that are no keys.
    unwritten: ClassVar[frozenset[str]] = frozenset()
    # Keys that may stand in the file and mean nothing.
    ignored_keys: ClassVar[frozenset[str]] = frozenset()
    # Keys that are in use and never had an effect: a warning, not a fault.
    ineffective_keys: ClassVar[frozenset[str]] = frozenset()
    # Keys that must not stand in the file without a value, and what that would mean.
    never_blank: ClassVar[Mapping[str, str]] = {}
    # Accepted spellings, with the usual ones.
    other_spellings: ClassVar[Mapping[str, str]] = {}

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=True,
        validate_by_name=True,
        validate_by_alias=True,
        alias_generator=lambda name: name.replace("_", "-"),
    )

    @classmethod
    def notes(cls, _given: Mapping[str, Given], /) -> Iterator[tuple[str, str]]:
        """Keys, and warnings about values that do not mean what they seem to mean."""
        yield from ()


def keys_of(model: type[Settings]) -> dict[str, str]:
    """The keys of a file, by the names of the fields."""
    return {name: field.alias or name for name, field in model.model_fields.items()}


def secret_keys_of(model: type[Settings]) -> set[str]:
    """The keys whose values must not be shown."""
    return {
        f.alias or n for n, f in model.model_fields.items() if SecretStr in _parts(f.annotation)
    }


def _parts(annotation: Any) -> tuple[Any, ...]:
    return annotation, *getattr(annotation, "__args__", ())
