"""The times of events in the demo."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_FIRST = datetime(2026, 3, 1, 9, 30, 0, tzinfo=UTC)


def on_day(day: int) -> datetime:
    """A moment of the given day of the demo's story."""
    return _FIRST + timedelta(days=day - 1)
