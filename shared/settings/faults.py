"""Faults of settings, all at once: each names the place, the key and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.masking import MASK
from shared.settings.model import Given, Settings, keys_of, secret_keys_of

S = TypeVar("S", bound=Settings)

# A text such as ``<data source host>``, but not a named group of a regular expression.
_PLACEHOLDER = re.compile(r"(?<!\?)(?<!\?P)<[A-Za-z][A-Za-z0-9 _-]*>")
_PASSWORD_PLACEHOLDER = re.compile(r"<[a-z ]+ password>")
_KEY = re.compile(r"[A-Za-z0-9_.-]+")
# Characters of a faulty value that may be shown: too few for any password.
_LONGEST_SHOWN = 5
# Stands for a value that could not be read: its key is not missing, and no check applies.
_UNREAD = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """``text`` begins with the key, if the fault belongs to a single key."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def check(
    model: type[S],
    given: Mapping[str, Given],
    *,
    place: str,
    beside: Mapping[str, str] | None = None,
    unread: Collection[str] = (),
    context: object = None,
) -> tuple[S | None, list[Fault]]:
    """Validate the model: the settings, and all faults. Settings with faults must not be used.

    All keys of ``given`` exist. ``beside`` has values that no entry gave. ``unread`` are keys whose
    secrets could not be read, which is a fault already. Missing keys are faults of ``place``.
    """
    gaps = dict(_left_to_fill_in(model, given))
    faults = [Fault(place=given[key].place, text=f"{key}: {gap}") for key, gap in gaps.items()]
    values: dict[str, object] = {**(beside or {}), **dict.fromkeys(unread, _UNREAD)}
    values |= {key: entry.value for key, entry in given.items()}
    keys = keys_of(model)
    try:
        return model.model_validate(values, context=context), faults
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            name = str(detail["loc"][0]) if detail["loc"] else ""
            key = keys.get(name, name)  # a default is named by its field
            text = _text_of(key, detail)
            if text and key not in gaps and key not in unread:
                text = _without_value(text, given[key].value) if key in given else text
                found = given[key].place if key in given else place
                faults.append(Fault(place=found, text=text))
        return None, faults


def unknown_key(key: str, known: Iterable[str]) -> str:
    """The fault of a key. Of a text that is no name, only the beginning: it may hold a value."""
    near = nearest(key, known)
    shown = _KEY.match(key)
    if shown is None or shown[0] != key:
        key = f"{shown[0] if shown else ''}..."
    return f"{key}: there is no such key" + (f"; did you mean {near}?" if near else "")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like this one, None if none is."""
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=0.5)), None)


def placeholder_in(value: str) -> str | None:
    """The placeholder in a value such as ``https://<data source host>``."""
    found = _PLACEHOLDER.search(value)
    return found[0] if found else None


def _without_value(text: str, value: str) -> str:
    """The fault with the value masked, since it may be a password under the wrong key."""
    parts = {value, *(part.strip() for part in re.split(r"[,;=]", value))}
    for part in sorted(filter(_may_be_secret, parts), key=len, reverse=True):
        text = text.replace(repr(part), f"'{MASK}'")
    return text


def _may_be_secret(value: str) -> bool:
    return len(value) > _LONGEST_SHOWN


def _left_to_fill_in(
    model: type[Settings], given: Mapping[str, Given]
) -> Iterator[tuple[str, str]]:
    """Keys whose values still have a placeholder. A password may look like one."""
    secret = secret_keys_of(model)
    for key, entry in given.items():
        if key in secret:
            if _PASSWORD_PLACEHOLDER.fullmatch(entry.value):
                yield key, "fill in the password"
        elif placeholder := placeholder_in(entry.value):
            yield key, f"fill in {placeholder}"


def _text_of(key: str, detail: ErrorDetails) -> str:
    """The text of a fault; empty if it only follows from another fault."""
    context = detail.get("ctx", {})
    match detail["type"]:
        case "default_factory_not_called":
            return ""
        case "missing":
            return f"{key} is missing"
        case "value_error":
            reason = str(context["error"])
        case "greater_than_equal" | "greater_than" | "less_than_equal":
            words = {"ge": "at least", "gt": "more than", "le": "at most"}
            reason = "must be " + " ".join(
                f"{words[name]} {limit}" for name, limit in context.items()
            )
        case "enum":
            reason = f"must be {context['expected'].replace(chr(39), '')}"
        case "string_pattern_mismatch":
            reason = "contains characters that are not allowed here"
        case _:
            reason = detail["msg"]
    return f"{key}: {reason}" if key else reason
