"""Whether the instance that is published answers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

from prometheus_client.core import Metric
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from shared.edges import ErrorEdge
from shared.errors import SyncError
from shared.monitoring import Health
from source_server.publication.catalogue import Catalogue
from source_server.web.metrics import Metrics, reachable_metric

# Seconds; less than those of `shared.monitoring`, so that the other metrics come all the same.
PATIENCE = 5.0

# No user has this id. To ask for one needs the database, but no snapshot.
_NOBODY = ""

_log = logging.getLogger(__name__)


class Reachability:
    """Asks the catalogue in a thread of its own, so that a database that hangs blocks neither a
    request nor the end of the program. There is at most one such thread; its answer serves all
    requests that wait."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._asking: threading.Thread | None = None
        self._found = Health(ok=False)

    def health(self) -> Health:
        with self._lock:
            thread = self._asking
            if thread is None or not thread.is_alive():
                thread = threading.Thread(target=self._ask, name="reachability", daemon=True)
                self._asking = thread
                thread.start()
        thread.join(PATIENCE)
        if thread.is_alive():
            return _failing(f"the instance has not answered for {PATIENCE:.0f} seconds")
        return self._found

    def collect(self, metrics: Metrics) -> Iterator[Metric]:
        """The metrics, and whether the instance is reachable."""
        yield reachable_metric(reachable=self.health().ok)
        yield from metrics.collect()

    def _ask(self) -> None:
        found = _failing("the instance cannot be read; the log says why")
        with ErrorEdge(_log, "the instance cannot be read"):
            found = self._answer()
        self._found = found

    def _answer(self) -> Health:
        try:
            self._catalogue.scope_of(_NOBODY)
        except SyncError as error:
            return _failing(str(error))
        except SQLAlchemyError as error:
            reason = str(error.orig if isinstance(error, DBAPIError) else error)
            return _failing(f"the database does not answer: {reason.strip().splitlines()[0]}")
        return Health(ok=True, details={"instance": "reachable"})


def _failing(reason: str) -> Health:
    return Health(ok=False, details={"instance": reason})
