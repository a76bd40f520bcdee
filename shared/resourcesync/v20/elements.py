"""Writes elements of the master data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from shared.errors import ItemError
from shared.resourcesync.escaping import UnwritableTextError, attribute

_Item = TypeVar("_Item")


def block(name: str, items: Iterable[_Item], write: Callable[[_Item], str]) -> str:
    """The block; nothing if it has no members, as in the original."""
    content = "".join(map(write, items))
    return f"<xmd:{name}>{content}</xmd:{name}>" if content else ""


def opened(kind: str, code: str, name: str, attributes: Mapping[str, str | None]) -> str:
    """``<xmd:name a="..."``, still open. ItemError, with this kind and code, if a text holds what
    XML cannot."""
    try:
        return f"<xmd:{name}{''.join(attribute(*each) for each in attributes.items())}"
    except UnwritableTextError as error:
        raise ItemError(kind, code, str(error)) from error


def closed(begun: str, name: str, content: str) -> str:
    """The element that `opened` began, with its content."""
    return f"{begun}>{content}</xmd:{name}>" if content else f"{begun}/>"


def truth(value: bool) -> str:  # noqa: FBT001 - the value is what is written
    return "true" if value else "false"


def only_if_true(value: bool) -> str | None:  # noqa: FBT001 - the value is what is written
    """For attributes that 20.10 does not have: without them its lists stay as they are."""
    return "true" if value else None
