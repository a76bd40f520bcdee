"""The order for a run and the section it is for; both are handed down unchanged."""

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
    """What the operator asks for in this run, besides the settings."""

    # The operator lets all deletions of the run through, however many they are.
    deletions_confirmed: bool = False
    # Even if a section is not due yet.
    forced: bool = False
    # Read from this file instead of from the source.
    bundle: Path | None = None
    # Look after files that should be here already, and do not wait for pauses.
    repair: Repair = Repair.NOTHING
    # How long to wait for another process that works on the same section.
    patience: timedelta = timedelta(0)
    request: StopRequest = field(default_factory=StopRequest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Generic[S]):
    """One section to harvest."""

    config: S
    destination: Destination
    # Holds the section's lock; all work is done on it.
    connection: Connection
    log: RunLog
    recorder: Recorder
    limits: RunLimits
    options: RunOptions
    started: datetime
    # The number of the run in the destination's memory.
    run: int
