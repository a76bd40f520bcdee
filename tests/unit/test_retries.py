"""How often something is tried again, and how long that takes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from harvester.http.retries import OutOfReachError, PassingError, Retries, seconds_until
from shared.errors import SourceError


@dataclass(slots=True)
class Trial:
    """An attempt that fails with these errors, one after the other, and then succeeds. ``ways``
    is how far the attempts bring it."""

    errors: Iterator[Exception]
    ways: Iterator[int] = field(default_factory=lambda: iter(()))
    far: int = 0
    tries: int = 0
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> str:
        self.tries += 1
        self.far = next(self.ways, self.far)
        if error := next(self.errors, None):
            raise error
        return "done"

    def run(self, *pauses: float) -> str:
        return Retries(pauses, self.waits.append).run(self, lambda: self.far)


def failing(times: int, **fields: float) -> Iterator[Exception]:
    return iter([PassingError("busy", **fields) for _ in range(times)])


def test_there_is_one_try_more_than_pauses() -> None:
    trial = Trial(failing(3))
    assert trial.run(1, 1, 1) == "done"
    assert trial.tries == 4
    trial = Trial(failing(4))
    with pytest.raises(PassingError, match="busy"):
        trial.run(1, 1, 1)
    assert trial.tries == 4


def test_without_pauses_there_is_one_try() -> None:
    trial = Trial(failing(1), ways=iter([1]))
    with pytest.raises(PassingError):
        trial.run()
    assert trial.tries == 1


def test_what_does_not_pass_is_not_tried_again() -> None:
    trial = Trial(iter([SourceError("wrong")]))
    with pytest.raises(SourceError):
        trial.run(1, 1)
    assert trial.tries == 1


def test_after_progress_the_pauses_begin_anew() -> None:
    trial = Trial(failing(7), ways=iter([0, 0, 1, 1, 2, 3, 3]))
    assert trial.run(10, 1000) == "done"
    assert [wait > 100 for wait in trial.waits] == [False, True, False, True, False, False, True]


def test_progress_is_no_reason_to_go_on_for_ever() -> None:
    trial = Trial(failing(1000), ways=iter(range(1, 1000)))
    with pytest.raises(PassingError):
        trial.run(0)
    assert trial.tries == 100


@pytest.mark.parametrize(("asked", "least", "most"), [(70, 70, 70), (300, 300, 300), (0.1, 5, 15)])
def test_the_source_may_ask_for_a_longer_pause(asked: float, least: float, most: float) -> None:
    trial = Trial(failing(1, retry_after=asked))
    trial.run(10)
    assert least <= trial.waits[0] <= most


def test_a_source_that_wants_to_be_left_alone_for_long_is_not_waited_for() -> None:
    trial = Trial(failing(1, retry_after=3600))
    with pytest.raises(OutOfReachError, match=r"^busy; it wants to be left alone until 20\d\d-"):
        trial.run(1, 1)
    assert trial.tries == 1
    assert trial.waits == []


def test_nothing_is_asked_before_the_source_wants_it() -> None:
    now = 100.0
    retries = Retries((1,), lambda _: None, clock=lambda: now)
    with pytest.raises(OutOfReachError):
        retries.run(Trial(failing(1, retry_after=3600)))
    other = Trial(failing(0))
    with pytest.raises(OutOfReachError, match="left alone until") as caught:
        retries.run(other)
    assert other.tries == 0
    assert caught.value.retry_after == 3600
    now += 3601
    assert retries.run(other) == "done"


def test_warnings_go_to_the_log_of_the_section_alone(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("tests.section")
    Retries((0, 0), lambda _: None, log).run(Trial(failing(2)))
    assert [(record.name, record.levelname) for record in caplog.records] == [
        (log.name, "WARNING")
    ] * 2
    assert "busy; trying again in 0 seconds" in caplog.text


def test_whoever_sleeps_may_end_it() -> None:
    def stop(_seconds: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        Retries((1,), stop).run(Trial(failing(1)))


@pytest.mark.parametrize("text", ["", "soon", "-1", "Tue, 99 Mar 2024", "1e9", "Tue, 05 Mar 2024"])
def test_nonsense_asks_for_no_pause(text: str) -> None:
    assert seconds_until(text) <= 0


@pytest.mark.parametrize("text", ["9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT", "\u0663"])
def test_no_number_is_too_large(text: str) -> None:
    assert 3 <= seconds_until(text) <= 3650 * 86400
