"""Types of values. A fault shows a value only if it cannot be a secret."""

from __future__ import annotations

import re
from email.utils import parseaddr
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

_NUMBER = re.compile(r"[+-]?\d+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_ADDRESS = re.compile(r"[^@\s<>,;:]+@[^@\s<>,;:]+")


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


def split_items(text: str) -> tuple[str, ...]:
    """Split a list at commas. ``...`` at its end is no item (harvester-semantics.md, 1.2)."""
    items = (item.strip() for item in text.split(","))
    return tuple(item for item in items if item not in {"", "..."})


def _items(value: object) -> object:
    return split_items(value) if isinstance(value, str) else value


def _url(value: str) -> str:
    """Check a URL; the fault leaves the value out, since it may hold a password. ``@`` is refused
    anywhere: if the password has a slash, it comes after what looks like the host."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a port that is none, half of an IPv6 address
        usable = None
    if not usable or re.search(r"[\s@#]", value):
        raise ValueError("must be an http or https URL with a host, without user, password and #")
    return value


def _secret_url(value: SecretStr) -> SecretStr:
    _url(value.get_secret_value())
    return value


def _base_url(value: str) -> str:
    if "?" in value:
        raise ValueError("must not contain a ?, since paths are put behind it")
    return value


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(parseaddr(value)[1]):
        raise ValueError(f"{value!r} is no e-mail address")
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is not a valid regular expression: {error}") from error
    return value


Boolean = Annotated[bool, BeforeValidator(_boolean)]
Integer = Annotated[int, BeforeValidator(_integer)]
Decimal = Annotated[float, BeforeValidator(_decimal)]
Items = Annotated[tuple[str, ...], BeforeValidator(_items)]
Urls = Annotated[tuple[Annotated[str, AfterValidator(_url)], ...], BeforeValidator(_items)]
Url = Annotated[str, AfterValidator(_url)]
# A URL whose path or query may hold a token.
SecretUrl = Annotated[SecretStr, AfterValidator(_secret_url)]
BaseUrl = Annotated[Url, AfterValidator(_base_url)]
Address = Annotated[str, AfterValidator(_address)]
Addresses = Annotated[tuple[Address, ...], BeforeValidator(_items)]
Pattern = Annotated[str, AfterValidator(_pattern)]
