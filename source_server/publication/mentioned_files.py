"""Remembers for a minute which files of the file service the texts within a scope mention."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from source_server.publication.catalogue import Scope

_LIFETIME = 60.0
_SCOPES = 16

Paths = frozenset[str]


class MentionedFiles:
    """The paths that the texts within a scope mention, for the scopes that were asked for last.

    All texts must be searched for them, and a harvester asks for each file of a list. A path that
    is not remembered is always searched for anew.
    """

    def __init__(self, search: Callable[[Scope], Paths]) -> None:
        self._search = search
        self._known: OrderedDict[Scope, tuple[float, Paths]] = OrderedDict()
        self._lock = threading.Lock()

    def includes(self, path: str, scope: Scope) -> bool:
        with self._lock:
            searched, paths = self._known.get(scope, (float("-inf"), frozenset()))
        if path in paths and time.monotonic() - searched < _LIFETIME:
            return True
        # The minute counts from before the search, since texts may change while it runs.
        now, paths = time.monotonic(), self._search(scope)
        with self._lock:
            self._known[scope] = now, paths
            self._known.move_to_end(scope)
            while len(self._known) > _SCOPES:
                self._known.popitem(last=False)
        return path in paths
