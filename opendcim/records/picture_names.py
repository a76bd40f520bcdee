"""File names of pictures: ``front.png`` locally, ``<TemplateID>.front.png`` in the repository."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlsplit

from opendcim.records.texts import plain

_FORBIDDEN = re.compile(r"""[\x00-\x1f\x7f<>:"'|?*&#%\\/;]""")
# Characters. With an id and four bytes per character it still fits into a file name.
_LONGEST = 120


def base_name(name: str) -> str:
    r"""The last part of ``pictures/x.png`` or ``C:\x.png``, without characters that file names
    should not have; "" if nothing is left."""
    last = re.split(r"[\\/]", plain(name))[-1]
    # Neither `..` nor the name of a hidden file is left.
    kept = _FORBIDDEN.sub("_", last).strip().lstrip(".")
    stem, dot, extension = kept.rpartition(".")
    if dot and len(kept) > _LONGEST:
        return stem[: max(1, _LONGEST - len(extension) - 1)] + dot + extension[:10]
    return kept[:_LONGEST]


def published_name(template_id: int, name: str) -> str:
    return f"{template_id}.{base_name(name)}"


def published_address(base: str, name: str) -> str:
    """``base`` ends with a slash."""
    return base + quote(name, safe="")


def original_name(address: str) -> str:
    """The original name in a published address or name: without the id before the first dot."""
    # First unquoted, then cut: otherwise `%2F` would bring a slash into the name.
    last = base_name(unquote(urlsplit(address).path))
    number, dot, name = last.partition(".")
    return name if dot and number.isdigit() and name else last
