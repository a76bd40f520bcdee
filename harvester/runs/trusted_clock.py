"""Two clocks say what is old enough to be removed for good: this machine's, and the source's.

A clock that is set wrong, by hand or by a battery that is empty, would make everything old at once.
The time of a resource list is the source's; where both agree, time has really passed. So what is
done is dated by the later of the two, and what is old is old by both.
"""

from __future__ import annotations

from datetime import datetime, timedelta

_SLACK = timedelta(days=1)
"""A list may have been written a while before it was read."""


def trusted(now: datetime, at: datetime | None) -> datetime | None:
    """The later of our time and the source's, as far as they agree: never later than either, but
    for the slack. None if the source's is not known: then nothing is old."""
    return None if at is None else min(now, at + _SLACK)


def dated(now: datetime, at: datetime | None) -> datetime:
    """When something happens, for those who ask later how old it is. By a clock that is in the past
    it would be old as soon as that clock is put right."""
    return now if at is None else max(now, at)
