"""The threads behind the rows: whatever happens to them, no row stays Pending."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from opendcim.connector.answering import Answering
from opendcim.connector.external_request import ElementId
from opendcim.connector.opendcim import OpenDcim
from opendcim.connector.registry import Registry
from opendcim.connector.request_row import NewRow, RequestRow
from opendcim.connector.rows import MOST_BEGINS, Rows, now, open_rows
from opendcim.connector.workers import Workers

REQUEST = '{"Elements": ["1/1"], "Include": ["Device"], "TimeoutSeconds": null}'
_PATIENCE = 30.0


class Broken:
    """A registry with a fault of ours."""

    asked = 0

    def current(self) -> Registry:
        self.asked += 1
        if self.asked == 1:
            raise ZeroDivisionError("internal-secret")
        return Registry({ElementId(2, 2): "x"}, {})


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[Rows]:
    opened = open_rows(f"sqlite:///{tmp_path}/rows.db")
    yield opened
    opened.close()


@contextmanager
def at_work(rows: Rows, *, retention: timedelta = timedelta(days=1)) -> Iterator[Workers]:
    with httpx.Client(verify=False) as client:  # noqa: S501 - nothing is asked
        opendcim = OpenDcim(client, "http://127.0.0.1:1", 1)
        answering = Answering(opendcim=opendcim, registry=Broken(), connections=1)
        workers = Workers(rows, answering, count=1, retention=retention)
        workers.start()
        try:
            yield workers
        finally:
            workers.stop()


def add(rows: Rows, request_id: str, timeout: int = 60_000) -> None:
    new = NewRow(
        request_id=request_id,
        digest="d",
        request=REQUEST,
        posted_by=None,
        received=now(),
        deadline=now() + timeout,
    )
    assert rows.add(new)


def finished(rows: Rows, request_id: str) -> RequestRow:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        row = rows.find(request_id)
        if row and row.response:
            return row
        time.sleep(0.02)
    pytest.fail(f"{request_id} stayed Pending")


def test_a_fault_of_ours_fails_the_request_and_not_the_worker(rows: Rows) -> None:
    with at_work(rows) as workers:
        add(rows, "a")
        workers.wake()
        first = finished(rows, "a")
        add(rows, "b")
        workers.wake()
        second = finished(rows, "b")

    assert first.error == {"Code": "Internal", "Message": "the connector failed; its log says why"}
    assert second.status == "Completed"


def test_a_row_that_ended_too_many_processes_is_not_begun_again(rows: Rows) -> None:
    add(rows, "a")
    for _ in range(MOST_BEGINS):
        assert rows.claim("dead", -1)
    with at_work(rows):
        row = finished(rows, "a")

    assert row.error is not None
    assert row.error["Code"] == "Interrupted"


def test_a_row_that_another_worker_hangs_on_fails_when_its_time_is_over(rows: Rows) -> None:
    add(rows, "a", timeout=-60_000)
    with at_work(rows):
        row = finished(rows, "a")

    assert row.error is not None
    assert row.error["Code"] == "TimedOut"


def test_what_is_older_than_the_retention_is_removed(rows: Rows) -> None:
    add(rows, "a", timeout=-60_000)
    with at_work(rows):
        finished(rows, "a")
    time.sleep(1.1)
    with at_work(rows, retention=timedelta(seconds=1)):
        deadline = time.monotonic() + _PATIENCE
        while rows.find("a") and time.monotonic() < deadline:
            time.sleep(0.02)
        assert rows.find("a") is None
