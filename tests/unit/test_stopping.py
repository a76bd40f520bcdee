"""When a run is to end, and who is told."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from harvester.runs.stopping import Leash, StopRequest
from harvester.runs.watchdog import watched
from shared.errors import StoppedError
from tests.scripted_source import section


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


def a_leash(clock: Clock, request: StopRequest | None = None, **fields: Any) -> Leash:
    return Leash(section("http://localhost", **fields), request, clock)


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
    leash = a_leash(clock)
    leash.check()
    leash.check_urgent()
    assert leash.reason is None
    assert leash.may_begin()
    assert not leash.left_something


def test_a_request_ends_a_run_but_not_a_file(clock: Clock, request_to_stop: StopRequest) -> None:
    leash = a_leash(clock, request_to_stop)
    request_to_stop.set("told to stop")
    with pytest.raises(StoppedError, match="told to stop; the next run goes on from here"):
        leash.check()
    leash.check_urgent()
    assert not leash.may_begin()


def test_a_run_out_of_time_ends_even_a_file(clock: Clock) -> None:
    leash = a_leash(clock, max_run_time=hours(2))
    clock.seconds = 7200
    leash.check()
    clock.seconds = 7201
    for check in (leash.check, leash.check_urgent):
        with pytest.raises(StoppedError, match=r"longer than 2 h \(max-run-time\)") as caught:
            check()
        assert not caught.value.stalled


def test_waiting_for_others_before_the_run_does_not_count(clock: Clock) -> None:
    leash = a_leash(clock, max_run_time=hours(1))
    clock.seconds = 5000
    with watched(leash):
        leash.check()
    clock.seconds += 3000
    with watched(leash):
        leash.check()
    clock.seconds += 601
    assert "1 h" in (leash.reason or "")


def test_a_volume_that_is_used_up_is_told_only_if_something_was_left(clock: Clock) -> None:
    leash = a_leash(clock, max_transfer="1k")
    leash.received(1023)
    assert leash.may_begin()
    leash.received(1)
    assert leash.is_full
    assert not leash.may_begin()
    assert leash.volume_is_used_up is None
    leash.check()
    leash.note_left()
    assert leash.volume_is_used_up == "1,024 bytes were fetched (max-transfer)"
    leash.check()


def test_what_was_left_for_another_reason_is_not_blamed_on_the_volume(
    clock: Clock, request_to_stop: StopRequest
) -> None:
    leash = a_leash(clock, request_to_stop, max_transfer="1k")
    request_to_stop.set("told to")
    assert not leash.may_begin()
    leash.note_left()
    assert leash.left_something
    assert leash.volume_is_used_up is None


def test_bytes_of_all_threads_are_counted(clock: Clock) -> None:
    leash = a_leash(clock)

    def receive() -> None:
        for _ in range(1000):
            leash.received(3)

    threads = [threading.Thread(target=receive) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert leash.transferred == 12_000


# --- pauses


def test_a_pause_ends_early_if_the_run_is_to_stop(request_to_stop: StopRequest) -> None:
    leash = Leash(section("http://localhost"), request_to_stop)
    threading.Timer(0.05, lambda: request_to_stop.set("told to")).start()
    with pytest.raises(StoppedError, match="told to"):
        leash.sleep(3600)


def test_a_pause_within_a_file_does_not(request_to_stop: StopRequest) -> None:
    request_to_stop.set("told to")
    Leash(section("http://localhost"), request_to_stop).pause(0.01)


def test_a_pause_within_a_file_ends_when_the_time_is_over() -> None:
    moments = iter(range(1000))
    config = section("http://localhost", max_run_time=timedelta(seconds=3))
    with pytest.raises(StoppedError, match="max-run-time"):
        Leash(config, clock=lambda: next(moments)).pause(3600)


def test_even_no_pause_asks_whether_the_run_is_to_stop(
    clock: Clock, request_to_stop: StopRequest
) -> None:
    request_to_stop.set("told to")
    with pytest.raises(StoppedError):
        a_leash(clock, request_to_stop).sleep(0)


# --- the watchdog

STALL = timedelta(seconds=1)


def test_a_run_without_progress_is_interrupted() -> None:
    clock, freed = Clock(), threading.Event()
    leash = a_leash(clock, stall_timeout=STALL)
    with watched(leash, freed.set):
        clock.seconds = 1.5
        assert freed.wait(30)
    with pytest.raises(StoppedError, match=r"no progress for 1 s \(stall-timeout\)") as caught:
        leash.check_urgent()
    assert caught.value.stalled


def test_progress_keeps_the_watchdog_quiet() -> None:
    clock = Clock()
    freed: list[str] = []
    leash = a_leash(clock, stall_timeout=STALL)
    with watched(leash, lambda: freed.append("it")):
        for _ in range(5):
            clock.seconds += 0.9
            leash.moved()
            time.sleep(0.26)  # the watchdog looks at least once
    assert freed == []
    assert not leash.stalled


def test_time_before_the_watch_is_no_stall() -> None:
    clock, looked = Clock(), threading.Event()

    def looks() -> Iterator[float]:
        while True:
            yield 100.0

    times = looks()
    leash = Leash(section("http://localhost", stall_timeout=STALL), clock=clock)
    clock.seconds = next(times)
    with watched(leash):
        looked.wait(0.6)
    assert not leash.stalled


def test_an_interrupt_that_fails_does_not_keep_the_others_from_being_called() -> None:
    clock, freed = Clock(), threading.Event()
    leash = a_leash(clock, stall_timeout=STALL)

    def fail() -> None:
        raise RuntimeError("it has just ended")

    with watched(leash, fail, freed.set):
        clock.seconds = 2
        assert freed.wait(30)


def test_whoever_is_stuck_again_is_interrupted_again() -> None:
    clock, calls = Clock(), threading.Semaphore(0)
    leash = a_leash(clock, stall_timeout=STALL)
    with watched(leash, calls.release):
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
    leash = a_leash(clock, max_run_time=duration)
    clock.seconds = 1e9
    assert f"longer than {shown} " in (leash.reason or "")
