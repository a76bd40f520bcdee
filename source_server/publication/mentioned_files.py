"""Which files of the file service the texts within a scope mention, remembered for a while."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from source_server.publication.catalogue import Scope

_LIFETIME = 60.0
_SCOPES = 16

Paths = frozenset[str]


class Mentions:
    """Remembers for a minute which paths the texts within a scope mention.

    To find out, all texts are searched; a list asks for each of its files. A path that is not
    among the remembered ones is always looked for anew.
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
        now, paths = time.monotonic(), self._search(scope)
        with self._lock:
            self._known[scope] = now, paths
            self._known.move_to_end(scope)
            while len(self._known) > _SCOPES:
                self._known.popitem(last=False)
        return path in paths
