"""Sessions begin with a password, end when nobody uses them, and are limited in number."""

from __future__ import annotations

from source_server.users.sessions import Sessions


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_session_is_of_its_user_until_it_ends() -> None:
    sessions = Sessions()
    mine, other = sessions.begin("mira"), sessions.begin("mira")
    assert mine != other
    assert mine.startswith("mira-")
    assert [sessions.user_of(each) for each in (mine, other, "mira-", "")] == [
        *("mira", "mira", None, None)
    ]
    sessions.end(mine)
    sessions.end("unknown")
    assert [sessions.user_of(each) for each in (mine, other)] == [None, "mira"]


def test_a_session_that_is_not_used_for_an_hour_ends() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    used, idle = sessions.begin("mira"), sessions.begin("otto")
    clock.now = 3000
    assert sessions.user_of(used) == "mira"
    clock.now = 3600
    assert sessions.user_of(idle) is None
    assert sessions.user_of(used) == "mira"
    clock.now = 7200
    assert sessions.user_of(used) is None


def test_the_session_that_was_not_used_longest_gives_way() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    other = sessions.begin("otto")
    tokens = [sessions.begin("mira") for _ in range(100)]
    assert sessions.user_of(tokens[0]) == "mira"
    sessions.begin("mira")
    assert [sessions.user_of(each) for each in (tokens[0], tokens[1], other)] == [
        *("mira", None, "otto")
    ]


def test_there_are_ten_thousand_sessions_at_most() -> None:
    sessions = Sessions()
    tokens = [sessions.begin(f"user-{number}") for number in range(10_001)]
    assert sessions.user_of(tokens[0]) is None
    assert sessions.user_of(tokens[1]) == "user-1"
