"""How often a client of the template repository is sent the same list."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opendcim.repository import allowance as module
from opendcim.repository.allowance import Allowance, Asked, client_of

DAY = 24 * 60 * 60


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def allowance(clock: Clock) -> Allowance:
    return Allowance(timedelta(days=1), 3, clock=clock)


def test_a_list_is_sent_as_often_as_the_allowance_says(allowance: Allowance, clock: Clock) -> None:
    asked = Asked(client="a", name="/manufacturer")
    waits = []
    for _ in range(4):
        waits.append(allowance.take(asked))
        clock.seconds += 60

    assert waits == [0, 0, 0, DAY - 180]
    clock.seconds += DAY - 240
    assert allowance.take(asked) == 0
    assert allowance.take(asked) == 60


def test_the_list_of_everything_is_sent_once(allowance: Allowance) -> None:
    asked = Asked(client="a", name="/template", everything=True)

    assert allowance.take(asked) == 0
    assert allowance.take(asked) == DAY


def test_lists_and_clients_are_counted_by_themselves(allowance: Allowance) -> None:
    taken = [
        allowance.take(Asked(client=client, name=f"/template/bymanufacturer/{number}"))
        for client in ("a", "b")
        for number in range(200)
        for _ in range(3)
    ]

    assert set(taken) == {0}


def test_a_batch_client_that_runs_every_five_minutes_is_stopped_within_the_hour(
    clock: Clock,
) -> None:
    allowance = Allowance(timedelta(days=1), 10, clock=clock)
    sent = 0
    for _ in range(0, DAY, 300):
        sent += allowance.take(Asked(client="a", name="/manufacturer")) == 0
        clock.seconds += 300

    assert sent == 10


def test_what_is_remembered_does_not_grow_for_ever(
    allowance: Allowance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_REMEMBERED", 50)
    for number in range(500):
        allowance.take(Asked(client=f"address {number}", name="/template", everything=True))

    assert len(allowance._sent._sent) == 50
    last = Asked(client="address 499", name="/template", everything=True)
    assert allowance.take(last) > 0


@pytest.mark.parametrize(
    ("user_id", "host", "client"),
    [
        ("alice", "192.0.2.1", "user alice"),
        (None, "192.0.2.1", "address 192.0.2.1"),
        (None, "::ffff:192.0.2.1", "address 192.0.2.1"),
        (None, "2001:db8::1:2", "address 2001:db8::/64"),
        (None, None, "address "),
    ],
)
def test_a_client_is_its_key_or_its_address(
    user_id: str | None, host: str | None, client: str
) -> None:
    assert client_of(user_id, host) == client
