"""Two clocks decide what is old enough to be removed for good: this machine's and the source's.

A clock that is set wrong, by hand or by an empty battery, would make everything old at once. The
time of a resource list is the source's; where both clocks agree, that time has really passed. So an
event is dated by the later of the two, and is old only if it is old by both.
"""

from __future__ import annotations

from datetime import datetime, timedelta

# A list may have been written a while before it was read.
_SLACK = timedelta(days=1)


def trusted(now: datetime, at: datetime | None) -> datetime | None:
    """The later of our time and the source's, as far as they agree: it is never later than either,
    but for a slack. None if the source's time is not known: then nothing is old."""
    return None if at is None else min(now, at + _SLACK)


def dated(now: datetime, at: datetime | None) -> datetime:
    """The time to note for an event whose age will matter. An event dated by a clock that is behind
    would be old as soon as that clock is put right."""
    return now if at is None else max(now, at)
