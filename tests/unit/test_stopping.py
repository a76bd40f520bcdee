"""When a run is to end, and who is told."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from harvester.runs.stopping import RunLimits, StopRequest
from harvester.runs.watchdog import watched
from shared.errors import StoppedError
from tests.support.servers.scripted_source import section


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def request_to_stop() -> StopRequest:
    return StopRequest()


def the_limits(clock: Clock, request: StopRequest | None = None, **fields: Any) -> RunLimits:
    return RunLimits(section("http://localhost", **fields), request, clock)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


# --- requests


def test_the_first_reason_to_stop_counts() -> None:
    request = StopRequest()
    assert not request.is_set
    request.set("SIGTERM")
    request.set("SIGINT")
    assert request.is_set
    assert request.reason == "SIGTERM"


def test_a_request_wakes_up_all_who_sleep() -> None:
    request = StopRequest()
    woken: list[bool] = []
    sleepers = [threading.Thread(target=lambda: woken.append(request.wait(60))) for _ in range(5)]
    for sleeper in sleepers:
        sleeper.start()
    request.set("told to")
    for sleeper in sleepers:
        sleeper.join(30)
    assert woken == [True] * 5
    assert request.wait(60)


def test_whoever_is_not_woken_sleeps_to_the_end() -> None:
    assert not StopRequest().wait(0.01)
    assert not StopRequest().wait(-1)


def test_a_signal_may_set_it_while_the_main_thread_sleeps() -> None:
    request = StopRequest()
    before = signal.signal(signal.SIGALRM, lambda *_: request.set("the alarm"))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.001)
        for _ in range(200):
            assert request.wait(30)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert request.reason == "the alarm"


# --- reasons


def test_without_a_reason_a_run_goes_on(clock: Clock) -> None:
    limits = the_limits(clock)
    limits.check()
    limits.check_urgent()
    assert limits.reason is None
    assert limits.may_begin()
    assert not limits.left_something


def test_a_request_ends_a_run_but_not_a_file(clock: Clock, request_to_stop: StopRequest) -> None:
    limits = the_limits(clock, request_to_stop)
    request_to_stop.set("told to stop")
    with pytest.raises(StoppedError, match="told to stop; the next run goes on from here"):
        limits.check()
    limits.check_urgent()
    assert not limits.may_begin()


def test_a_run_out_of_time_ends_even_a_file(clock: Clock) -> None:
    limits = the_limits(clock, max_run_time=hours(2))
    clock.seconds = 7200
    limits.check()
    clock.seconds = 7201
    for check in (limits.check, limits.check_urgent):
        with pytest.raises(StoppedError, match=r"longer than 2 h \(max-run-time\)") as caught:
            check()
        assert not caught.value.stalled


def test_waiting_for_others_before_the_run_does_not_count(clock: Clock) -> None:
    limits = the_limits(clock, max_run_time=hours(1))
    clock.seconds = 5000
    with watched(limits):
        limits.check()
    clock.seconds += 3000
    with watched(limits):
        limits.check()
    clock.seconds += 601
    assert "1 h" in (limits.reason or "")


def test_a_volume_that_is_used_up_is_told_only_if_something_was_left(clock: Clock) -> None:
    limits = the_limits(clock, max_transfer="1k")
    limits.received(1023)
    assert limits.may_begin()
    limits.received(1)
    assert limits.is_full
    assert not limits.may_begin()
    assert limits.volume_is_used_up is None
    limits.check()
    limits.note_left()
    assert limits.volume_is_used_up == "1,024 bytes were fetched (max-transfer)"
    limits.check()


def test_what_was_left_for_another_reason_is_not_blamed_on_the_volume(
    clock: Clock, request_to_stop: StopRequest
) -> None:
    limits = the_limits(clock, request_to_stop, max_transfer="1k")
    request_to_stop.set("told to")
    assert not limits.may_begin()
    limits.note_left()
    assert limits.left_something
    assert limits.volume_is_used_up is None


def test_bytes_of_all_threads_are_counted(clock: Clock) -> None:
    limits = the_limits(clock)

    def receive() -> None:
        for _ in range(1000):
            limits.received(3)

    threads = [threading.Thread(target=receive) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert limits.transferred == 12_000


# --- pauses


def test_a_pause_ends_early_if_the_run_is_to_stop(request_to_stop: StopRequest) -> None:
    limits = RunLimits(section("http://localhost"), request_to_stop)
    threading.Timer(0.05, lambda: request_to_stop.set("told to")).start()
    with pytest.raises(StoppedError, match="told to"):
        limits.sleep(3600)


def test_a_pause_within_a_file_does_not(request_to_stop: StopRequest) -> None:
    request_to_stop.set("told to")
    RunLimits(section("http://localhost"), request_to_stop).pause(0.01)


def test_a_pause_within_a_file_ends_when_the_time_is_over() -> None:
    moments = iter(range(1000))
    config = section("http://localhost", max_run_time=timedelta(seconds=3))
    with pytest.raises(StoppedError, match="max-run-time"):
        RunLimits(config, clock=lambda: next(moments)).pause(3600)


def test_even_no_pause_asks_whether_the_run_is_to_stop(
    clock: Clock, request_to_stop: StopRequest
) -> None:
    request_to_stop.set("told to")
    with pytest.raises(StoppedError):
        the_limits(clock, request_to_stop).sleep(0)


# --- the watchdog

STALL = timedelta(seconds=1)


def test_a_run_without_progress_is_interrupted() -> None:
    clock, freed = Clock(), threading.Event()
    limits = the_limits(clock, stall_timeout=STALL)
    with watched(limits, freed.set):
        clock.seconds = 1.5
        assert freed.wait(30)
    with pytest.raises(StoppedError, match=r"no progress for 1 s \(stall-timeout\)") as caught:
        limits.check_urgent()
    assert caught.value.stalled


def test_progress_keeps_the_watchdog_quiet() -> None:
    clock = Clock()
    freed: list[str] = []
    limits = the_limits(clock, stall_timeout=STALL)
    with watched(limits, lambda: freed.append("it")):
        for _ in range(5):
            clock.seconds += 0.9
            limits.progressed()
            time.sleep(0.26)  # the watchdog looks at least once
    assert freed == []
    assert not limits.stalled


def test_time_before_the_watch_is_no_stall() -> None:
    clock, looked = Clock(), threading.Event()

    def looks() -> Iterator[float]:
        while True:
            yield 100.0

    times = looks()
    limits = RunLimits(section("http://localhost", stall_timeout=STALL), clock=clock)
    clock.seconds = next(times)
    with watched(limits):
        looked.wait(0.6)
    assert not limits.stalled


def test_an_interrupt_that_fails_does_not_keep_the_others_from_being_called() -> None:
    clock, freed = Clock(), threading.Event()
    limits = the_limits(clock, stall_timeout=STALL)

    def fail() -> None:
        raise RuntimeError("it has just ended")

    with watched(limits, fail, freed.set):
        clock.seconds = 2
        assert freed.wait(30)


def test_whoever_is_stuck_again_is_interrupted_again() -> None:
    clock, calls = Clock(), threading.Semaphore(0)
    limits = the_limits(clock, stall_timeout=STALL)
    with watched(limits, calls.release):
        for number in (1, 2, 3):
            clock.seconds = 10.0 * number
            assert calls.acquire(timeout=30)


@pytest.mark.parametrize(
    ("duration", "shown"),
    [
        (timedelta(days=2), "2 d"),
        (timedelta(hours=25), "25 h"),
        (timedelta(minutes=90), "90 min"),
        (timedelta(seconds=61), "61 s"),
    ],
)
def test_durations_are_told_as_they_are_configured(
    clock: Clock, duration: timedelta, shown: str
) -> None:
    limits = the_limits(clock, max_run_time=duration)
    clock.seconds = 1e9
    assert f"longer than {shown} " in (limits.reason or "")
