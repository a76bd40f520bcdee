"""Wrong passwords cost growing pauses; a right one from elsewhere is not kept out for long."""

from __future__ import annotations

import threading

import pytest

from source_server.web.guesses import Guesses, TooManyGuessesError

USER, OTHER = "mira", "otto"
HERE, THERE = "192.0.2.1", "192.0.2.99"


class Accounts:
    """Every password that reads as the user id is right."""

    def __init__(self) -> None:
        self.asked = 0
        self.recent: set[str] = set()

    def accepts(self, user_id: str, password: str) -> bool:
        self.asked += 1
        return user_id == password

    def remembers(self, user_id: str, password: str) -> bool:
        return user_id == password and user_id in self.recent


class Door:
    """Guesses with a clock that stands still until it is moved."""

    def __init__(self, most: int = 3, longest: float = 100.0) -> None:
        self.now = 1_000_000.0
        self.accounts = Accounts()
        self.guesses = Guesses(most, longest, lambda: self.now)

    def knock(self, user: str, password: str, address: str = HERE) -> bool | int:
        """Whether it was right, or the seconds to wait."""
        try:
            return self.guesses.accepted(self.accounts, user, password, address)
        except TooManyGuessesError as error:
            return error.seconds


def test_some_are_free_then_pauses_double_up_to_half_a_minute_for_a_user() -> None:
    door = Door()
    assert [door.knock(USER, f"{n}", f"192.0.2.{n}") for n in range(3)] == [False] * 3
    pauses = []
    for number in range(7):
        seconds = door.knock(USER, "x", f"198.51.100.{number}")
        assert type(seconds) is int
        pauses.append(seconds)
        door.now += seconds
        assert door.knock(USER, "x", f"198.51.100.{number}") is False
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_a_refused_guess_is_not_even_looked_at() -> None:
    door = Door()
    for number in range(3):
        door.knock(USER, f"{number}")
    assert door.knock(USER, USER) == 1
    assert door.accounts.asked == 3


def test_an_address_that_tries_many_users_waits_longer_and_others_do_not() -> None:
    door = Door()
    for number in range(6):
        assert door.knock(f"user {number}", "x") is False
    for expected in (1, 2, 4, 8, 16, 32, 64, 100, 100):
        assert door.knock(OTHER, "x") == expected
        door.now += expected
        assert door.knock(f"user {door.now}", "x") is False
    assert door.knock(OTHER, OTHER, THERE) is True


def test_a_right_password_ends_the_pauses_of_its_user() -> None:
    door = Door()
    for number in range(3):
        door.knock(USER, f"{number}")
    door.now += 1
    assert door.knock(USER, USER) is True
    assert [door.knock(USER, f"{n}") for n in range(3)] == [False] * 3


def test_a_login_that_was_right_a_short_time_ago_is_let_in_whatever_is_counted() -> None:
    door = Door()
    for number in range(3):
        door.knock(USER, f"{number}", THERE)
    door.accounts.recent.add(USER)
    assert door.knock(USER, USER) is True
    assert door.knock(USER, "x") == 1


def test_wrong_passwords_are_forgotten_after_an_hour() -> None:
    door = Door()
    for number in range(3):
        door.knock(USER, f"{number}")
    door.now += 3601
    assert [door.knock(USER, f"{n}") for n in range(3)] == [False] * 3


def test_a_network_of_ipv6_is_one_address() -> None:
    door = Door()
    for number in range(6):
        door.knock(f"user {number}", "x", f"2001:db8::{number:x}:1")
    assert door.knock(OTHER, OTHER, "2001:db8::ffff") == 1
    assert door.knock(OTHER, OTHER, "2001:db8:1::1") is True


def test_no_limit_if_none_is_wanted() -> None:
    door = Door(most=0)
    assert [door.knock(USER, "x") for _ in range(50)] == [False] * 50


def test_guesses_side_by_side_are_counted_before_they_are_looked_at() -> None:
    """And the same login in several requests at once, as of a harvester, is one guess."""
    begun, go = threading.Semaphore(0), threading.Event()

    class Slow(Accounts):
        def accepts(self, user_id: str, password: str) -> bool:
            begun.release()
            go.wait(60)
            return super().accepts(user_id, password)

    door = Door()
    door.accounts = Slow()
    right = [threading.Thread(target=door.knock, args=(USER, USER)) for _ in range(20)]
    for thread in right:
        thread.start()
    for _ in right:
        assert begun.acquire(timeout=60)
    assert door.accounts.asked == 0
    wrong = [threading.Thread(target=door.knock, args=(OTHER, f"{n}", THERE)) for n in range(3)]
    for thread in wrong:
        thread.start()
    for _ in wrong:
        assert begun.acquire(timeout=60)
    assert door.knock(OTHER, "more", THERE) == 1
    go.set()
    for thread in (*right, *wrong):
        thread.join()
    assert door.accounts.asked == 23


@pytest.mark.parametrize("address", ["", "testclient", "fe80::1%eth0", "::ffff:192.0.2.1"])
def test_every_form_of_an_address_is_counted(address: str) -> None:
    door = Door()
    for number in range(6):
        door.knock(f"user {number}", "x", address)
    assert door.knock(OTHER, OTHER, address) == 1
