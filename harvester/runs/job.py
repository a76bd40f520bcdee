"""What a run is asked to do, and the section to which it is done: handed down unchanged."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Generic

from sqlalchemy import Connection

from harvester.runs.destination import Destination
from harvester.runs.recorder import Recorder
from harvester.runs.repairing import Repair
from harvester.runs.run_log import RunLog
from harvester.runs.stopping import RunLimits, StopRequest
from harvester.settings.section import S


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How sections are to be harvested this time, besides their settings."""

    deletions_confirmed: bool = False
    """The operator lets all deletions of the run through, however many they are."""
    forced: bool = False
    """Even if a section is not due yet."""
    bundle: Path | None = None
    """Read from this file instead of from the source."""
    repair: Repair = Repair.NOTHING
    """Look after files that should be here already, and do not wait for pauses."""
    patience: timedelta = timedelta(0)
    """How long to wait for another process that works on the same section."""
    request: StopRequest = field(default_factory=StopRequest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Generic[S]):
    """One section to harvest."""

    config: S
    destination: Destination
    connection: Connection
    """Holds the section's lock; all work is done on it."""
    log: RunLog
    recorder: Recorder
    limits: RunLimits
    options: RunOptions
    started: datetime
    run: int
    """The number of the run in the destination's memory."""
