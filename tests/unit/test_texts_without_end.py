"""Texts from outside that would keep a helper busy for long, or make it fail."""

from __future__ import annotations

import pytest

from shared.errors import FormatError
from shared.page_title import title_of
from shared.resourcesync import prolog
from shared.resourcesync.prolog import checked


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("<html><TITLE lang='en'>Not &amp;\n found</title>", "Not & found"),
        ("<title>one<title>two</title>", "one<title>two"),
        ("<title>" * 100_000, None),
        ("<title" * 100_000, None),
        ("<title>&#" + "9" * 10_000 + "</title>", "\ufffd"),
        ("\u0130<title>x</title>", "x"),
        ("nothing", None),
    ],
)
def test_the_title_of_a_page(page: str, title: str | None) -> None:
    assert title_of(page) == title


def test_a_page_is_read_up_to_a_limit() -> None:
    taken = 0

    def chunks() -> object:
        nonlocal taken
        while True:
            taken += 1
            yield b"<html>" + b"<title>" * 1_000

    with pytest.raises(FormatError, match="an HTML page without a title"):
        list(checked(chunks()))  # type: ignore[arg-type]
    assert taken * 7_006 < 2 * prolog._PAGE_LIMIT


def test_a_beginning_in_small_pieces_is_looked_at_a_few_times() -> None:
    beginning = b"<!--" + b"x" * 100_000
    looks = 0
    for looked in prolog._beginnings(iter([bytes([byte]) for byte in beginning] + [b"."])):
        looks += 1
        assert beginning.startswith(looked) or looked == beginning + b"."
        if len(looked) > len(beginning):
            break
    assert looks < 50
