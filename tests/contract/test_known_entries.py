"""Entries of a list are recognised by their bytes, wherever they have moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection

from shared.store.incoming import Incoming
from shared.store.known_entries import EntryOrder, KnownEntries
from tests.support.instances.instance import Instance

# More than a window holds.
MANY = 120_000


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    instance = Instance.create(tmp_path)
    with instance.engine.connect() as connection:
        Incoming(connection, kept=True)
        yield connection
    instance.engine.dispose()


class Lists:
    """Lists of numbers, one after the other; each number is an entry."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._generation = 0
        self._last = 0
        self.observed = 0

    def _observe(self, count: int) -> None:
        self.observed += count

    def come(
        self, numbers: Iterable[int], invalid: Sequence[int] = ()
    ) -> tuple[list[int], set[int]]:
        """The numbers that were not known, and the positions that are gone."""
        before = EntryOrder(self._connection, self._generation).entries()
        now = EntryOrder(self._connection, self._generation + 1)
        known = KnownEntries(before, frozenset(invalid), now, self._observe)
        read = []
        for number in numbers:
            if not known.has(b"<url>%d</url>" % number):
                read.append(number)
                self._last += 1
                known.read(self._last)
        gone = set(known.gone())
        self._generation = known.end()
        return read, gone


def test_all_of_a_list_that_comes_again_is_known(connection: Connection) -> None:
    lists = Lists(connection)
    assert lists.come(range(MANY)) == (list(range(MANY)), set())
    assert lists.come(range(MANY)) == ([], set())
    assert lists.observed == MANY
    assert lists.come(range(MANY)) == ([], set())


def test_what_is_new_is_read_and_what_does_not_come_is_gone(connection: Connection) -> None:
    lists = Lists(connection)
    lists.come([1, 2, 3, 4])
    assert lists.come([0, 1, 3, 9, 4]) == ([0, 9], {2})
    assert lists.come([0, 1, 3, 9, 4]) == ([], set())
    assert lists.come([]) == ([], {1, 3, 4, 5, 6})


def test_what_does_not_count_is_read_again(connection: Connection) -> None:
    lists = Lists(connection)
    lists.come([1, 2, 3])
    assert lists.come([1, 2, 3], invalid=[2]) == ([2], {2})
    assert lists.come([1, 2, 3]) == ([], set())


def test_an_entry_without_bytes_of_its_own_is_read_each_time(connection: Connection) -> None:
    lists = Lists(connection)
    known = KnownEntries(iter(()), frozenset(), EntryOrder(connection, 1), lambda _count: None)
    known.has(b"one")
    known.forget()
    known.read(1)
    known.has(b"two")
    known.read(2)
    known.end()
    again = KnownEntries(
        EntryOrder(connection, 1).entries(),
        frozenset(),
        EntryOrder(connection, 2),
        lambda _count: None,
    )
    assert [again.has(entry) for entry in (b"one", b"two")] == [False, True]
    assert set(again.gone()) == {1}
    assert lists.observed == 0


@pytest.mark.parametrize(
    "second",
    [
        [*range(60_000, MANY)],  # what came first is gone, more than a window holds
        [*range(60_000), *range(100_000, MANY)],
        [*range(MANY, MANY + 60_000), *range(MANY)],  # as much is new, before all others
        [*range(10_000, MANY), *range(10_000)],  # something has moved to the end
    ],
)
def test_lists_may_differ_by_more_than_a_window(connection: Connection, second: list[int]) -> None:
    lists = Lists(connection)
    lists.come(range(MANY))
    read, gone = lists.come(second)
    # Whatever was not recognised was read, and its old position is gone.
    recognised = set(second) - set(read)
    assert gone == {number + 1 for number in range(MANY) if number not in recognised}
    assert recognised <= set(range(MANY))
    assert lists.come(second) == ([], set())


def test_it_costs_no_more_than_a_window_to_find_the_way_again(connection: Connection) -> None:
    lists = Lists(connection)
    lists.come(range(MANY))
    read, _ = lists.come(range(20_000, MANY))
    assert len(read) < 50


def test_nothing_is_known_before_it_is_confirmed(connection: Connection) -> None:
    class OtherError(Exception):
        pass

    def refuse() -> None:
        raise OtherError

    lists = Lists(connection)
    lists.come([1])
    before = EntryOrder(connection, 1).entries()
    order = EntryOrder(connection, 2)
    known = KnownEntries(before, frozenset(), order, lambda _count: None, refuse)
    assert not known.has(b"<url>5</url>")
    with pytest.raises(OtherError):
        known.has(b"<url>1</url>")


def test_many_that_do_not_count_in_a_row_hide_nothing_behind_them(connection: Connection) -> None:
    lists = Lists(connection)
    lists.come(range(20_000))
    first, later = list(range(1, 6_001)), list(range(8_001, 14_001))
    read, gone = lists.come(range(20_000), invalid=[*first, *later])
    assert read == [position - 1 for position in (*first, *later)]
    assert gone == {*first, *later}
