"""What processes of a server share: kept by the parent, called by workers, free at their end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pipe

import pytest

from shared.errors import NotNowError
from source_server.users.sessions import Sessions
from source_server.web.guesses import Guesses, TooManyGuessesError
from source_server.web.list_limits import ListLimits, Refusal, RefusalReason, Rules, Turn
from source_server.workers.common import ALONE
from source_server.workers.keeper import Keeper
from source_server.workers.link import Link
from source_server.workers.slots import Slots
from tests.unit.test_politeness import ALL


@contextmanager
def linked(keeper: Keeper, holder: int) -> Iterator[Link]:
    """A worker's link to the keeper, which answers in a thread."""
    ours, theirs = Pipe()

    def answer() -> None:
        try:
            while True:
                ours.send(keeper.answer(ours.recv()))
        except (EOFError, OSError):
            ours.close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield Link(theirs, holder)
    finally:
        theirs.close()
        thread.join()


def test_an_object_is_made_once_and_is_the_same_for_all_workers() -> None:
    keeper = Keeper()
    with linked(keeper, 1) as one, linked(keeper, 2) as other:
        token = one.one("sessions", Sessions).begin("mira")
        assert other.one("sessions", Sessions).user_of(token) == "mira"
        assert other.one("others", Sessions).user_of(token) is None


def test_one_process_makes_each_object_for_itself() -> None:
    token = ALONE.one("sessions", Sessions).begin("mira")
    assert ALONE.one("sessions", Sessions).user_of(token) is None


def test_an_error_is_raised_at_the_worker() -> None:
    with linked(Keeper(), 1) as link:
        with pytest.raises(TypeError, match="argument"):
            link.one("slots", Slots)
        assert link.one("slots", Slots, 1).take(link.holder)


def test_a_call_after_the_parent_has_ended_says_that_the_server_stops() -> None:
    ours, theirs = Pipe()
    link = Link(theirs, 1)
    ours.close()
    with pytest.raises(NotNowError, match="is being stopped"):
        link.one("sessions", Sessions)


def test_what_a_worker_held_is_free_when_it_has_ended() -> None:
    rules, keeper = Rules(max_lists=2, max_lists_per_user=1), Keeper()
    with linked(keeper, 1) as one, linked(keeper, 2) as other:
        here, there = (ListLimits(rules, common=link) for link in (one, other))
        held, own = here.turn("mira", ALL), there.turn("otto", ALL)
        assert isinstance(held, Turn)
        assert isinstance(own, Turn)
        refused = there.turn("MIRA", ALL)
        assert isinstance(refused, Refusal)
        assert refused.reason is RefusalReason.USER
        keeper.release(one.holder)
        assert there.lists == 1
        assert isinstance(there.turn("mira", ALL), Turn)
        own.end(delivered=True)
        assert there.lists == 1


def test_slots_are_taken_up_to_their_number_by_all_together() -> None:
    slots = Slots(2)
    assert [slots.take(1), slots.take(2), slots.take(2)] == [True, True, False]
    slots.free(2)
    assert slots.take(1)
    slots.release(1)
    assert [slots.take(2), slots.take(2), slots.take(2)] == [True, True, False]


def test_a_login_that_several_workers_check_at_once_counts_once() -> None:
    """As that of a harvester that opens several connections at once."""
    keeper = Keeper()
    with linked(keeper, 1) as one, linked(keeper, 2) as other:
        here, there = (Guesses(1, 100.0, common=link) for link in (one, other))
        inner = _Checking(lambda: there.accepted(_Right(), "mira", "right", "192.0.2.1"))
        assert here.accepted(inner, "mira", "right", "192.0.2.1")
        assert inner.found is True
        wrong = _Checking(lambda: there.accepted(_Right(), "mira", "other", "192.0.2.1"))
        with pytest.raises(TooManyGuessesError):
            here.accepted(wrong, "mira", "right", "192.0.2.1")


class _Right:
    def accepts(self, _user_id: str, _password: str) -> bool:
        return True


class _Checking:
    """Checks a password while another worker does something."""

    def __init__(self, meanwhile: Callable[[], bool]) -> None:
        self._meanwhile = meanwhile
        self.found: bool | None = None

    def accepts(self, _user_id: str, _password: str) -> bool:
        self.found = self._meanwhile()
        return True
