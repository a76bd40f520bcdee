"""What every step is given: the run of one section, in one of its two passes."""

from __future__ import annotations

from dataclasses import dataclass

from harvester.openbis.destination.port.rows import Stamps
from harvester.openbis.destination.port.whole import SectionDestination, Transaction
from harvester.openbis.inspecting import NO_DAMAGE, Damage
from harvester.openbis.section import SectionConfig
from harvester.openbis.transfers.transfers import Transfers
from harvester.runs.progress import SILENT, Progress
from harvester.runs.read_list import ReadList
from harvester.runs.report import Outcome
from harvester.runs.stopping import RunLimits
from shared.model.master_data import MasterData


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata(ReadList):
    """What step 1 found in the resource list, besides the rows of the incoming tables."""

    master_data: MasterData
    """In the names of the destination."""
    deletions_unsafe: str | None = None
    """Why nothing may be deleted after this list; None if it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
    """One pass over one section. A step cannot tell from it whether it is rehearsed."""

    config: SectionConfig
    destination: SectionDestination
    transaction: Transaction
    """Opens what a step may commit."""
    metadata: Metadata
    transfers: Transfers
    limits: RunLimits
    stamps: Stamps
    progress: Progress = SILENT
    """Of the step at hand."""
    run_id: int | None = None
    """In the destination's memory of runs."""
    black_list: frozenset[str] = frozenset()
    """Codes of data sets that the operator does not want."""
    paused: frozenset[tuple[str, str]] = frozenset()
    """Kinds and perm ids of what failed lately and is not tried again yet."""
    requested: frozenset[tuple[str, str]] = frozenset()
    """What the operator wants to be looked after although it may not have changed."""
    damage: Damage = NO_DAMAGE
    """What should be here already and is not as it came: to be brought again."""
    deletions_confirmed: bool = False
    """The operator has seen the deletions and lets them through, however many they are."""

    @property
    def source(self) -> str:
        """The mark of this section on the rows of the store."""
        return self.config.alias

    def outcome(self) -> Outcome:
        return Outcome(verbose=self.config.verbose)
