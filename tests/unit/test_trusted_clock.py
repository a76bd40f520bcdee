"""What is old is old by two clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from harvester.runs.trusted_clock import dated, trusted

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "agreed"),
    [
        (NOW, NOW),
        (NOW - timedelta(hours=23), NOW),
        (NOW + timedelta(days=400), NOW),
        (NOW - timedelta(days=400), NOW - timedelta(days=399)),
        (None, None),
    ],
)
def test_time_has_passed_as_far_as_both_clocks_say_so(
    at: datetime | None, agreed: datetime | None
) -> None:
    assert trusted(NOW, at) == agreed


@pytest.mark.parametrize(
    ("at", "date"),
    [
        (NOW - timedelta(days=400), NOW),
        (NOW + timedelta(days=400), NOW + timedelta(days=400)),
        (None, NOW),
    ],
)
def test_what_happens_now_is_dated_by_the_later_clock(at: datetime | None, date: datetime) -> None:
    assert dated(NOW, at) == date
