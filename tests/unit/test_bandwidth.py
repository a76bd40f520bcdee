"""The limit of bytes a second, under a clock that only pauses move."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

import pytest

from harvester.http.bandwidth import Throttle
from shared.settings.bandwidth import parse_bandwidth

K = 1 << 10


@dataclass(slots=True)
class Clock:
    """A day that begins at a time; a pause is over at once."""

    begin: time = time(12)
    seconds: float = 1000.0
    pauses: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds

    def time_of_day(self) -> time:
        day = datetime.combine(datetime(2024, 3, 5, tzinfo=UTC), self.begin, UTC)
        return (day + timedelta(seconds=self.seconds - 1000)).time()

    def throttle(self, text: str) -> Throttle:
        return Throttle(parse_bandwidth(text), self.pause, self, self.time_of_day)

    @property
    def passed(self) -> float:
        return self.seconds - 1000


@pytest.mark.parametrize("chunk", [100, 4096, 65536, 10_000_000])
def test_bytes_take_as_long_as_the_limit_says(chunk: int) -> None:
    clock = Clock()
    throttle = clock.throttle("100k")
    for _ in range(max(1, 1_024_000 // chunk)):
        throttle.take(chunk)
    assert clock.passed == pytest.approx(max(1, 1_024_000 // chunk) * chunk / 102_400, rel=0.03)


def test_without_a_limit_nobody_waits() -> None:
    clock = Clock()
    throttle = Throttle(None, clock.pause, clock, clock.time_of_day)
    throttle.take(1 << 40)
    clock.throttle("off").take(1 << 40)
    assert clock.pauses == []


def test_pauses_come_in_slices_so_that_somebody_can_end_them() -> None:
    clock = Clock()
    clock.throttle("1k").take(60 * K)
    assert max(clock.pauses) <= 1
    assert sum(clock.pauses) == pytest.approx(60)


def test_a_quiet_hour_is_not_saved_up() -> None:
    clock = Clock()
    throttle = clock.throttle("100k")
    throttle.take(100 * K)
    clock.seconds += 3600
    before = clock.seconds
    throttle.take(1000 * K)
    assert clock.seconds - before == pytest.approx(10 - 0.25)


def test_a_limit_that_begins_while_a_file_comes_holds_from_then_on() -> None:
    clock = Clock(time(7, 59, 50))
    throttle = clock.throttle("08:00,10k 19:00,100k")
    taken = 0
    while clock.passed < 20:
        throttle.take(K)
        taken += K
    assert taken == pytest.approx(10 * 100 * K + 10 * 10 * K, rel=0.03)


def test_whoever_waits_when_a_limit_ends_waits_no_longer() -> None:
    clock = Clock(time(18, 59, 55))
    clock.throttle("08:00,1k 19:00,off").take(1 << 30)
    assert 4 <= clock.passed <= 6


def test_a_limit_after_a_time_without_one_does_not_count_what_came_before() -> None:
    clock = Clock(time(7, 59, 59))
    throttle = clock.throttle("08:00,10k 19:00,off")
    throttle.take(1 << 30)
    clock.seconds += 2
    before = clock.seconds
    throttle.take(100 * K)
    assert clock.seconds - before == pytest.approx(10, abs=0.3)


def test_all_threads_share_the_limit() -> None:
    clock, lock = Clock(), threading.Lock()
    pauses = threading.Condition(lock)

    def pause(seconds: float) -> None:
        with pauses:
            clock.pause(seconds / 8)  # while eight wait side by side

    throttle = Throttle(parse_bandwidth("100k"), pause, clock, clock.time_of_day)

    def work() -> None:
        for _ in range(10):
            throttle.take(10 * K)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.passed >= 8 * 10 * 10 * K / (100 * K) - 0.01


def test_a_pause_that_raises_ends_the_waiting() -> None:
    def stop(_seconds: float) -> None:
        raise InterruptedError

    throttle = Throttle(parse_bandwidth("1k"), stop, Clock(), Clock().time_of_day)
    with pytest.raises(InterruptedError):
        throttle.take(K)
