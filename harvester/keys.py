"""What the keys of both settings files have in common: how values are read, how faults are told.

Faults name the place, the key and what would be right. They show a wrong value only where it
cannot be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from email.utils import parseaddr
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SecretStr,
    ValidationError,
)
from pydantic_core import ErrorDetails

from harvester.ini import Given

M = TypeVar("M", bound=BaseModel)

_PLACEHOLDER = re.compile(r"(?<!\?)(?<!\?P)<[A-Za-z][A-Za-z0-9 _-]*>")
"""As in ``https://<data source host>``, but not a named group of a regular expression."""
_PASSWORD_PLACEHOLDER = re.compile(r"<[a-z ]+ password>")
_NUMBER = re.compile(r"[+-]?\d+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_ADDRESS = re.compile(r"[^@\s<>,;:]+@[^@\s<>,;:]+")


class Settings(BaseModel):
    """A frozen set of settings. Its fields are the keys of a file, with ``_`` for ``-``."""

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
    return {
        f.alias or n for n, f in model.model_fields.items() if SecretStr in _parts(f.annotation)
    }


def _parts(annotation: Any) -> tuple[Any, ...]:
    return annotation, *getattr(annotation, "__args__", ())


def _boolean(value: object) -> object:
    if not isinstance(value, str):
        return value
    word = value.lower()
    if word not in {"true", "false"}:
        raise ValueError(f"must be true or false, not {value!r}")
    return word == "true"


def _integer(value: object) -> object:
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError(f"must be a whole number, not {value!r}")
    return value


def _decimal(value: object) -> object:
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        raise ValueError(f"must be a number such as 0.5, not {value!r}")
    return value


def _items(value: object) -> object:
    """A comma separated list. ``...`` is how the manual's example ends one: no item of it."""
    if not isinstance(value, str):
        return value
    items = (item.strip() for item in value.split(","))
    return tuple(item for item in items if item not in {"", "..."})


def _url(value: str) -> str:
    """Told without the value: a URL is where people put passwords."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a port that is none, half of an IPv6 address
        usable = None
    if not usable or re.search(r"[\s@#]", value):
        raise ValueError("must be an http or https URL with a host, without user and password")
    return value


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(parseaddr(value)[1]):
        raise ValueError(f"{value!r} is no e-mail address")
    return value


Boolean = Annotated[bool, BeforeValidator(_boolean)]
Integer = Annotated[int, BeforeValidator(_integer)]
Decimal = Annotated[float, BeforeValidator(_decimal)]
Url = Annotated[str, AfterValidator(_url)]
Address = Annotated[str, AfterValidator(_address)]
Addresses = Annotated[tuple[Address, ...], BeforeValidator(_items)]
Items = Annotated[tuple[str, ...], BeforeValidator(_items)]


def unknown_key(key: str, known: Iterable[str]) -> str:
    nearest = get_close_matches(key, list(known), n=1, cutoff=0.5)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    return f"{key}: there is no such key{hint}"


def left_to_fill_in(value: str, *, secret: bool) -> str | None:
    """What to tell about a placeholder that is still there. A password may look like one."""
    if secret:
        return "fill in the password" if _PASSWORD_PLACEHOLDER.fullmatch(value) else None
    placeholder = _PLACEHOLDER.search(value)
    return f"fill in {placeholder[0]}" if placeholder else None


def check(
    model: type[M], given: Mapping[str, Given], *, place: str, context: object = None
) -> tuple[M | None, list[tuple[str, str]]]:
    """The settings, or else all faults as (place, text). Keys are known already; ``place`` is that
    of what is missing."""
    try:
        values = {key: entry.value for key, entry in given.items()}
        return model.model_validate(values, context=context), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        return None, [
            (given[key].place if key in given else place, text)
            for key, text in map(_told, details)
            if text
        ]


def _told(detail: ErrorDetails) -> tuple[str, str]:
    """The key that is at fault and what to say; nothing where it only follows from another."""
    key = str(detail["loc"][0]) if detail["loc"] else ""
    lead = f"{key}: " if key else ""
    match detail["type"]:
        case "default_factory_not_called":
            return key, ""
        case "missing":
            return key, f"{key} is missing"
        case "value_error":
            return key, f"{lead}{detail['ctx']['error']}"
        case "greater_than_equal" | "greater_than" | "less_than_equal":
            return key, f"{lead}must be {_range(detail)}"
        case _:
            return key, f"{lead}{detail['msg']}"


def _range(detail: ErrorDetails) -> str:
    words = {"ge": "at least", "gt": "more than", "le": "at most"}
    return " ".join(f"{words[name]} {limit}" for name, limit in detail["ctx"].items())
