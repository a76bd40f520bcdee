"""A frozen set of settings, and the keys by which its fields are written in a file."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr


class Settings(BaseModel):
    """Its fields are the keys of a file, with ``_`` for ``-``. No error shows a value, since a
    mistyped key may hold a password."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=True,
        validate_by_name=True,
        validate_by_alias=True,
        alias_generator=lambda name: name.replace("_", "-"),
    )


def keys_of(model: type[Settings]) -> dict[str, str]:
    """The keys of a file by the names of the model's fields."""
    return {name: field.alias or name for name, field in model.model_fields.items()}


def secret_keys_of(model: type[Settings]) -> set[str]:
    """The keys whose values must not be shown."""
    return {
        f.alias or n for n, f in model.model_fields.items() if SecretStr in _parts(f.annotation)
    }


def _parts(annotation: Any) -> tuple[Any, ...]:
    return annotation, *getattr(annotation, "__args__", ())
