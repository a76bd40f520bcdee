"""Reads forms as PHP does: ``template[Model]=c7000&slots[0][X]=10`` becomes a tree.

The number of fields is not limited, only the size of the body. PHP drops fields above 1,000 without
an error.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from shared.errors import FormatError

Tree = dict[str, object]

_DEEPEST = 8
_LONGEST_NAME = 1_000
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_KEY = re.compile(r"\[([^\[\]]*)\]")


def read_form(body: bytes) -> Tree:
    """The last value of a name counts; ``[]`` takes the next number. Malformed names are ignored.
    Raises `FormatError`."""
    tree: Tree = {}
    for field in re.split(rb"[&]", body):
        if field:
            name, _, value = field.decode("utf-8", errors="replace").partition("=")
            keys = _keys(unquote_plus(name))
            if keys:
                _put(tree, keys, unquote_plus(value))
    return tree


def _keys(name: str) -> list[str]:
    if len(name) > _LONGEST_NAME:
        raise FormatError(f"a name in the form is longer than {_LONGEST_NAME} characters")
    found = _NAME.fullmatch(name.strip())
    if found is None:
        return []
    keys = [found[1], *_KEY.findall(found[2])]
    if len(keys) > _DEEPEST:
        raise FormatError(f"the form is nested deeper than {_DEEPEST} levels: {name[:80]!r}")
    return keys


def _put(tree: Tree, keys: list[str], value: str) -> None:
    *above, last = (key.strip() for key in keys)
    for key in above:
        branch = tree.get(key) if key else None
        if not isinstance(branch, dict):
            branch = {}
            tree[key or _next_number(tree)] = branch
        tree = branch
    tree[last or _next_number(tree)] = value


def _next_number(tree: Tree) -> str:
    """The number of entries. PHP takes the largest number plus one, which is the same in the forms
    that clients send."""
    number = len(tree)
    while str(number) in tree:
        number += 1
    return str(number)
