"""Lists of names that may be long."""

from __future__ import annotations

import pytest

from harvester.runs.name_list import NameList


@pytest.mark.parametrize("number", [0, 1, 2_000, 2_001, 7_777])
def test_names_come_sorted_however_many_they_are(number: int) -> None:
    expected = [f"/ALPHA/Ä{n % 5}/SAMPLE-{n:05}" for n in range(number)]
    names = NameList()
    for name in (*expected[1::2], *reversed(expected[::2])):
        names.add(name)
    assert len(names) == number
    assert list(names) == sorted(expected)
    assert list(names) == sorted(expected)
    assert names.lost == 0


def test_a_long_list_gives_back_its_place_and_a_short_one_stays() -> None:
    short, long = NameList(), NameList()
    short.add("a")
    for number in range(5_000):
        long.add(str(number))
    short.forget()
    long.forget()
    assert list(short) == ["a"]
    assert list(long) == []


def test_names_for_which_the_disk_has_no_space_are_counted() -> None:
    names = NameList()
    for number in range(5_000):
        names.add(f"{number:04}")
    assert names._many
    # as when the disk is full: SQLite refuses to take more pages
    (pages,) = names._many.execute("PRAGMA page_count").fetchone()
    names._many.execute(f"PRAGMA max_page_count = {pages}")
    for number in range(5_000, 20_000):
        names.add(f"{number:04}")
    found = list(names)
    assert names.lost > 10_000
    assert len(found) + names.lost == len(names) == 20_000
    assert found == sorted(found)


def test_a_list_that_breaks_while_it_is_read_says_how_many_are_missing() -> None:
    names = NameList()
    for number in range(5_000):
        names.add(f"{number:04}")
    assert names._many
    reading = iter(names)
    assert next(reading) == "0000"
    names._many.interrupt()
    assert list(reading) == []
    assert names.lost == 4_999
    assert len(names) == 5_000
