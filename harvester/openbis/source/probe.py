"""A small document of a data source, as it came, for checks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from harvester.http.bodies import beginning

# Bytes that are read of a body.
LARGEST = 1 << 16
_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One answer. ``skew`` is how far the source's clock is ahead of ours, to a second or two; None
    if the source sent no date."""

    status: int
    body: bytes
    skew: timedelta | None

    @property
    def text(self) -> str:
        """The beginning of the body, on one line."""
        return " ".join(self.body.decode(errors="replace").split())[:_SHOWN]


def probe_of(response: httpx.Response) -> Probe:
    """Read an answer whose body has not been read."""
    # The source dates its answer before the body, which may come slowly.
    arrived = datetime.now(UTC)
    return Probe(
        status=response.status_code,
        body=beginning(response, LARGEST),
        skew=_skew(response.headers.get("date", ""), arrived),
    )


def _skew(text: str, arrived: datetime) -> timedelta | None:
    try:
        date = parsedate_to_datetime(text)
        # `parsedate_to_datetime` gives no zone for ``-0000``, which means UTC.
        return (date if date.tzinfo else date.replace(tzinfo=UTC)) - arrived
    except (TypeError, ValueError, OverflowError):
        return None
