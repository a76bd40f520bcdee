"""Whose turn it is to get a list, under a clock that the test moves."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from source_server.publication.selection import Selection, parse_patterns
from source_server.settings import SourceSettings
from source_server.web.list_limits import PAUSE, ListLimits, Refusal, RefusalReason, Rules, Turn

ALL = Selection()
DAY = 24 * 3600.0


@dataclass
class Clock:
    """Seconds since the test began, and the time of day that goes with them."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2024, 3, 5, 2, 0, tzinfo=UTC) + timedelta(seconds=self.seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def politeness(
    clock: Clock, interval: timedelta | None = None, *, in_all: int = 100, per_user: int = 100
) -> ListLimits:
    rules = Rules(minimum_interval=interval, max_lists=in_all, max_lists_per_user=per_user)
    return ListLimits(rules, clock=clock, now=clock.now)


def daily(clock: Clock) -> ListLimits:
    return politeness(clock, timedelta(days=1))


def selection(*, black: str = "", white: str = "") -> Selection:
    return Selection(
        black=parse_patterns("black_list", [black] if black else []),
        white=parse_patterns("white_list", [white] if white else []),
    )


def a_turn(rules: ListLimits, user_id: str = "mira", asked_for: Selection = ALL) -> Turn:
    turn = rules.turn(user_id, asked_for)
    assert isinstance(turn, Turn), turn
    return turn


def a_refusal(rules: ListLimits, user_id: str = "mira", asked_for: Selection = ALL) -> Refusal:
    refusal = rules.turn(user_id, asked_for)
    assert isinstance(refusal, Refusal)
    return refusal


def deliver(rules: ListLimits, user_id: str = "mira", asked_for: Selection = ALL) -> None:
    a_turn(rules, user_id, asked_for).end(delivered=True)


def test_without_an_interval_a_list_may_be_fetched_as_often_as_one_likes(clock: Clock) -> None:
    rules = politeness(clock)
    deliver(rules)
    deliver(rules)
    assert rules.lists == 0


def test_a_list_that_was_delivered_is_not_sent_again_within_the_interval(clock: Clock) -> None:
    rules = daily(clock)
    deliver(rules)
    clock.seconds = DAY - 0.5
    refusal = a_refusal(rules)

    assert refusal.reason is RefusalReason.INTERVAL
    assert refusal.seconds == 1
    clock.seconds = DAY
    deliver(rules)


def test_the_refusal_says_when_to_come_back(clock: Clock) -> None:
    rules = daily(clock)
    deliver(rules)
    clock.seconds = 3600.25
    refusal = a_refusal(rules)

    assert refusal.seconds == 82800
    assert "come back in 82800 seconds, at 2024-03-06T02:00:01Z" in refusal.text


def test_a_list_that_broke_off_may_be_fetched_again_at_once(clock: Clock) -> None:
    rules = daily(clock)
    a_turn(rules).end(delivered=False)
    deliver(rules)


def test_a_list_that_broke_off_does_not_make_an_earlier_one_forgotten(clock: Clock) -> None:
    rules = daily(clock)
    broken = a_turn(rules)
    deliver(rules)
    broken.end(delivered=False)
    assert a_refusal(rules).reason is RefusalReason.INTERVAL


def test_a_list_that_takes_long_does_not_delay_the_next_day(clock: Clock) -> None:
    rules = daily(clock)
    turn = a_turn(rules)
    clock.seconds = 5 * 3600
    turn.end(delivered=True)
    clock.seconds = DAY
    deliver(rules)


def test_of_two_lists_the_later_one_counts_whichever_ends_first(clock: Clock) -> None:
    rules = daily(clock)
    early = a_turn(rules)
    clock.seconds = 600
    late = a_turn(rules)
    late.end(delivered=True)
    early.end(delivered=True)
    clock.seconds = DAY
    assert a_refusal(rules).seconds == 600


@pytest.mark.parametrize(
    "other",
    [
        selection(black="A"),
        selection(white="A"),
        selection(white="A,B"),
        Selection(white=parse_patterns("white_list", [""])),
    ],
)
def test_another_selection_is_another_list(clock: Clock, other: Selection) -> None:
    rules = daily(clock)
    deliver(rules)
    deliver(rules, asked_for=other)
    assert a_refusal(rules, asked_for=other).reason is RefusalReason.INTERVAL


def test_the_same_patterns_in_another_order_are_the_same_list(clock: Clock) -> None:
    rules = daily(clock)
    deliver(rules, asked_for=selection(white="A,B"))
    assert a_refusal(rules, asked_for=selection(white="B,A,B")).reason is RefusalReason.INTERVAL


def test_another_user_has_an_interval_of_their_own(clock: Clock) -> None:
    rules = daily(clock)
    deliver(rules)
    deliver(rules, "otto")


def test_what_is_older_than_the_interval_is_forgotten(clock: Clock) -> None:
    rules = daily(clock)
    for number in range(50):
        clock.seconds = number * DAY
        deliver(rules, asked_for=selection(white=f"SPACE_{number}"))
    assert len(rules._book._delivered) == 1


def test_a_user_gets_so_many_lists_at_once(clock: Clock) -> None:
    rules = politeness(clock, per_user=2)
    first = a_turn(rules)
    a_turn(rules, asked_for=selection(white="A"))
    refusal = a_refusal(rules, asked_for=selection(white="B"))

    assert (refusal.reason, refusal.seconds) == (RefusalReason.USER, PAUSE)
    assert "2 resource lists are being sent to this user" in refusal.text
    a_turn(rules, "otto")
    first.end(delivered=False)
    a_turn(rules)


def test_so_many_lists_are_sent_at_once_in_all(clock: Clock) -> None:
    rules = politeness(clock, in_all=2)
    first = a_turn(rules)
    a_turn(rules, "otto")
    refusal = a_refusal(rules, "ada")

    assert (refusal.reason, refusal.seconds) == (RefusalReason.ALL, PAUSE)
    assert rules.lists == 2
    first.end(delivered=True)
    a_turn(rules, "ada")


def test_a_refusal_takes_no_slot(clock: Clock) -> None:
    rules = politeness(clock, per_user=1)
    turn = a_turn(rules)
    for _ in range(5):
        a_refusal(rules)
    turn.end(delivered=True)
    assert rules.lists == 0
    a_turn(rules)


def test_a_turn_gives_its_slot_back_once(clock: Clock) -> None:
    rules = politeness(clock, timedelta(days=1))
    turn = a_turn(rules)
    a_turn(rules, "otto")
    turn.end(delivered=False)
    turn.end(delivered=True)
    assert rules.lists == 1
    a_turn(rules)


def test_threads_at_once_never_get_more_than_there_is(clock: Clock) -> None:
    rules = politeness(clock, in_all=3, per_user=2)
    start = threading.Barrier(12)
    given: list[Turn | Refusal] = []

    def ask(user_id: str) -> None:
        start.wait(30)
        given.append(rules.turn(user_id, ALL))

    threads = [threading.Thread(target=ask, args=(f"user{n % 4}",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    turns = [turn for turn in given if isinstance(turn, Turn)]
    assert len(given) == 12
    assert len(turns) == rules.lists == 3
    for turn in turns:
        turn.end(delivered=True)
    assert rules.lists == 0


def test_the_rules_are_those_of_the_settings() -> None:
    settings = SourceSettings(minimum_interval=timedelta(hours=20), max_lists=3)
    assert Rules.of(settings) == Rules(
        minimum_interval=timedelta(hours=20), max_lists=3, max_lists_per_user=2
    )


@pytest.mark.parametrize("spelt", ["MIRA", "Mira", "mira"])
def test_a_user_is_the_same_in_any_letter_case(clock: Clock, spelt: str) -> None:
    rules = politeness(clock, timedelta(days=1), per_user=1)
    turn = a_turn(rules, "mira")
    refused = rules.turn(spelt, ALL)
    assert isinstance(refused, Refusal)
    assert refused.reason is RefusalReason.USER
    turn.end(delivered=True)
    refused = rules.turn(spelt, ALL)
    assert isinstance(refused, Refusal)
    assert refused.reason is RefusalReason.INTERVAL
    assert isinstance(rules.turn("otto", ALL), Turn)
