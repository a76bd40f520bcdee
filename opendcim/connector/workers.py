"""The threads that work on requests, and the thread that maintains the rows.

A row belongs to a process as long as the process renews its claim. If the process dies, the claim
expires, and another process, or the same program started again, begins the request anew.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

from opendcim.connector.answering import Answered, Answering
from opendcim.connector.external_response import (
    Code,
    RequestFailedError,
    Status,
    response,
)
from opendcim.connector.opendcim import StoppedWorkError
from opendcim.connector.request_row import RequestRow
from opendcim.connector.rows import MOST_BEGINS, Rows, now
from shared.edges import ErrorEdge
from source_server.workers.common import ALONE, Common
from source_server.workers.slots import Slots

# Milliseconds that a claim lasts.
# Four rounds of `_CARE` fit into it, so one renewal that is late or fails loses no claim.
LEASE = 8_000
# Seconds between two rounds of maintenance: claims are renewed, overdue rows ended.
_CARE = 2.0
# Seconds between two looks for rows that other processes added or left behind.
_LOOK = 1.0
# Milliseconds that a worker may take to end a request after its time is over.
_GRACE = 10_000
# Seconds to wait for the threads when the program stops.
_FAREWELL = 15.0
# Rounds of maintenance between two removals of old rows: an hour.
_FORGET_EVERY = 1_800
_BRIEF = "openDCIM connector: %s"

_log = logging.getLogger(__name__)


class Workers:
    """All processes of the server together work on ``count`` requests at the same time."""

    def __init__(
        self,
        rows: Rows,
        answering: Answering,
        *,
        count: int,
        retention: timedelta,
        common: Common = ALONE,
    ) -> None:
        self._rows = rows
        self._answering = answering
        self._count = count
        self._retention = round(retention.total_seconds() * 1000)
        # Servers may share the database, and a process number is unique on one machine only.
        self._name = str(uuid.uuid4())
        self._slots = common.one("connector-slots", Slots, count)
        self._holder = common.holder
        self._stop = threading.Event()
        self._work = threading.Condition()
        self._claimed: set[str] = set()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        jobs: list[tuple[str, Callable[[], None]]] = [("care", self._take_care)]
        jobs += [(f"worker-{number}", self._answer_requests) for number in range(self._count)]
        for name, job in jobs:
            thread = threading.Thread(target=job, name=f"opendcim-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Requests in work stay Pending, for the next start or another process."""
        self._stop.set()
        self.wake()
        end = time.monotonic() + _FAREWELL
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        self._threads.clear()

    def wake(self) -> None:
        """A row was added."""
        with self._work:
            self._work.notify_all()

    def _answer_requests(self) -> None:
        while not self._stop.is_set():
            with ErrorEdge(_log, "openDCIM connector: a worker failed", brief=_BRIEF) as edge:
                if self._answer_next():
                    continue
            # `wake` does not end this pause, so new requests cannot make a failing worker spin.
            if edge.error:
                self._stop.wait(_LOOK)
            with self._work:
                # `stop` sets the event, then notifies: a stop since the loop's test is seen here.
                if not self._stop.is_set():
                    self._work.wait(_LOOK)

    def _answer_next(self) -> bool:
        """Answer one request that waits; whether there was one, and a free slot for it."""
        if not self._slots.take(self._holder):
            return False
        try:
            row = self._rows.claim(self._name, LEASE)
            if row is not None:
                self._answer(row)
            return row is not None
        finally:
            self._slots.free(self._holder)

    def _answer(self, row: RequestRow) -> None:
        self._claimed.add(row.request_id)
        try:
            answered = self._answered(row)
        except StoppedWorkError:
            self._rows.release(self._name, row.request_id)
            return
        finally:
            self._claimed.discard(row.request_id)
        status = Status.FAILED if answered.error else Status.COMPLETED
        self._finish(row, status, answered, self._name)

    def _answered(self, row: RequestRow) -> Answered:
        """The row must not stay Pending, whatever fails."""
        with ErrorEdge(
            _log,
            "openDCIM connector: request %s failed",
            row.request_id,
            passing=(StoppedWorkError, MemoryError),
        ):
            seconds = (row.deadline - now()) / 1000
            return self._answering.answer(row.wanted(), seconds, self._stop)
        error = RequestFailedError(Code.INTERNAL, "the connector failed; its log says why")
        return Answered(elements=[], error=error)

    def _finish(
        self, row: RequestRow, status: Status, answered: Answered, worker: str | None
    ) -> None:
        finished = now()
        content = response(
            row.request_id,
            status,
            received=row.received,
            finished=finished,
            error=answered.error,
            elements=answered.elements,
        )
        done = self._rows.finish(row.request_id, status, content, worker, finished)
        if done and answered.error:
            _log.warning("openDCIM connector: request %s: %s", row.request_id, answered.error)

    def _take_care(self) -> None:
        rounds = 0
        while True:
            with ErrorEdge(_log, "openDCIM connector: taking care of rows failed", brief=_BRIEF):
                self._care(rounds)
            rounds += 1
            if self._stop.wait(_CARE):
                return

    def _care(self, rounds: int) -> None:
        if claimed := tuple(self._claimed):
            self._rows.renew(self._name, claimed, LEASE)
        for row in self._rows.overdue(_GRACE):
            # If a worker still hangs on this row, its own `finish` finds it no longer Pending.
            self._finish(row, Status.FAILED, Answered(elements=[], error=_overdue(row)), None)
        # The first round removes old rows, too, even if the server never runs for an hour.
        if rounds % _FORGET_EVERY == 0:
            self._rows.forget(now() - self._retention)


def _overdue(row: RequestRow) -> RequestFailedError:
    if row.begun >= MOST_BEGINS and row.deadline > now():
        return RequestFailedError(
            Code.INTERRUPTED, f"the connector ended {row.begun} times while it was at work on this"
        )
    if row.begun:
        text = "its time was over before it was answered; the connector may have been restarted"
    else:
        text = "its time was over before it was begun: too many requests, or nobody was at work"
    return RequestFailedError(Code.TIMED_OUT, text)
