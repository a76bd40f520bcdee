"""The ETag of a resource list: tells a harvester that nothing has changed since its last one,
without reading the list anew.

It covers what is stored, what the client sees of it, what the list is written with, and the files
of the file service. The time ``at`` differs from list to list, so that the tag is a weak one.
"""

from __future__ import annotations

import hashlib
import json
import re
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol, runtime_checkable

from source_server.publication.catalogue import Scope
from source_server.publication.published import Publication

_ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')


@runtime_checkable
class Marked(Protocol):
    """A catalogue that can tell cheaply and surely whether anything in it has changed."""

    def mark(self) -> str | None:
        """Changes with everything that a list shows but files of the file service, and never comes
        back; None if that cannot be told."""
        ...


def list_tag(publication: Publication, scope: Scope) -> str | None:
    """The ETag of the list of what lies within the scope; None if a change might stay unnoticed.

    To be asked before the list is read: what changes in between is then in the list, but not in
    its tag, and is only sent once more.
    """
    catalogue = publication.catalogue
    mark = catalogue.mark() if isinstance(catalogue, Marked) else None
    files = publication.service_files.state() if mark else None
    if mark is None or files is None:
        return None
    told = [
        *(_program(), mark, files, publication.service_files.inline_limit),
        *(publication.addresses.server_url, publication.addresses.download_url),
        *(sorted(scope.spaces), sorted(scope.projects)),
    ]
    return f'W/"{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]}"'


def has_it_already(if_none_match: str | None, tag: str) -> bool:
    """Whether the header names the ETag, compared as weak ones are (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    known = _ENTITY_TAG.findall(if_none_match)
    return if_none_match.strip() == "*" or tag.removeprefix("W/") in known


def _program() -> str:
    try:
        return version("openbis-sync")
    except PackageNotFoundError:
        return "unknown"
