"""What becomes of an error: `shared.edges`."""

from __future__ import annotations

import logging
from concurrent.futures import Future

import pytest

from shared.edges import ErrorEdge, OnError, settle
from shared.errors import ConfigError, SourceError

log = logging.getLogger(__name__)


def test_an_error_ends_at_an_edge_and_is_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with ErrorEdge(log, "[%s] a fault", "A") as edge:
        raise ZeroDivisionError
    assert isinstance(edge.error, ZeroDivisionError)
    (record,) = caplog.records
    assert record.getMessage() == "[A] a fault"
    assert record.exc_info
    assert record.exc_info[1] is edge.error


def test_without_an_error_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with ErrorEdge(log, "a fault") as edge:
        pass
    assert edge.error is None
    assert not caplog.records


def test_an_error_of_ours_is_logged_in_one_line_where_that_is_wanted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with ErrorEdge(log, "a fault", brief="cannot begin: %s"):
        raise ConfigError("a = 1")
    (record,) = caplog.records
    assert record.getMessage() == "cannot begin: a = 1"
    assert not record.exc_info
    with ErrorEdge(log, "a fault", brief="cannot begin: %s"):
        raise ValueError
    assert caplog.records[1].getMessage() == "a fault"
    assert caplog.records[1].exc_info


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, SourceError])
def test_what_ends_the_program_and_what_may_pass_goes_on(error: type[BaseException]) -> None:
    edge = ErrorEdge(log, "a fault", passing=(SourceError,))
    with pytest.raises(error), edge:
        raise error
    assert edge.error is None


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit, ValueError])
def test_an_error_undoes_what_was_done_and_goes_on(error: type[BaseException]) -> None:
    undone: list[str] = []
    with pytest.raises(error), OnError(lambda: undone.append("all")):
        raise error
    assert undone == ["all"]


def test_what_ends_well_stays() -> None:
    undone: list[str] = []

    def worked() -> str:
        with OnError(lambda: undone.append("all")):
            return "done"

    assert worked() == "done"
    assert undone == []


def test_an_outcome_is_what_the_work_returns_or_raises() -> None:
    good: Future[int] = Future()
    settle(good, lambda: 3)
    assert good.result(0) == 3
    bad: Future[int] = Future()
    settle(bad, lambda: 1 // 0)
    assert isinstance(bad.exception(0), ZeroDivisionError)
