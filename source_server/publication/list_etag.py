"""The ETag of a resource list: a harvester learns by it that nothing has changed since its last
list, and the list need not be read.

It covers the content of the instance, the client's scope and roots, the version of the wire format,
the settings that change the list, and the files of the file service. It is a weak one, since the
time ``at`` differs from list to list.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol, runtime_checkable

from source_server.publication.catalogue import Scope
from source_server.publication.published import Publication
from source_server.publication.roots import Roots


@runtime_checkable
class Marked(Protocol):
    """A catalogue that knows quickly and surely whether anything in it has changed."""

    def mark(self) -> str | None:
        """A text that changes with all that a list shows, except files of the file service, and
        never returns to an old value; None if a change might be missed."""
        ...


def list_tag(publication: Publication, scope: Scope, roots: Roots) -> str | None:
    """The ETag of the list of a scope, or of what the roots lead to in it; None if a change might
    be missed.

    It must be computed before the list is read: a change in between is then in the list but not in
    its tag, and is only sent once more.
    """
    catalogue = publication.catalogue
    mark = catalogue.mark() if isinstance(catalogue, Marked) else None
    files = publication.service_files.state() if mark else None
    if mark is None or files is None:
        return None
    covered = [
        # Another release may write the same content otherwise.
        *(_program(), mark, files, publication.service_files.inline_limit),
        *(publication.addresses.server_url, publication.addresses.download_url),
        *(sorted(scope.spaces), sorted(scope.projects)),
        *(publication.wire_format.name, publication.addresses.afs_url, roots.key()),
    ]
    return f'W/"{hashlib.sha256(json.dumps(covered).encode()).hexdigest()[:32]}"'


def _program() -> str:
    try:
        return version("openbis-sync")
    except PackageNotFoundError:
        return "unknown"
