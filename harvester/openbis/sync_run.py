"""The argument of every step: the run of one section, in one of its two passes."""

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
from shared.model.ids import Code
from shared.model.master_data import MasterData


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata(ReadList):
    """What step 1 found in the resource list, besides the rows of the incoming tables."""

    # In the names of the destination.
    master_data: MasterData
    # Why nothing may be deleted after this list; None if it may.
    deletions_unsafe: str | None = None
    # Where openBIS 7's application file service is, if the list names one.
    afs_url: str | None = None
    # The source cannot list samples without a space.
    lacks_shared_samples: bool = False
    # Data set types that entities have and the list does not define.
    undefined_types: frozenset[Code] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
    """One pass over one section. A step cannot see whether it is the rehearsal."""

    config: SectionConfig
    destination: SectionDestination
    # Opens what a step may commit.
    transaction: Transaction
    metadata: Metadata
    transfers: Transfers
    limits: RunLimits
    stamps: Stamps
    # Of the step at hand.
    progress: Progress = SILENT
    # In the destination's memory of runs.
    run_id: int | None = None
    # Codes of data sets that the operator does not want.
    black_list: frozenset[str] = frozenset()
    # Kinds and perm ids of what failed lately and is not tried again yet.
    paused: frozenset[tuple[str, str]] = frozenset()
    # What the operator wants to be looked after although it may not have changed.
    requested: frozenset[tuple[str, str]] = frozenset()
    # What should be here already and is not as it came: to be brought again.
    damage: Damage = NO_DAMAGE
    # The operator has seen the deletions and lets them through, however many they are.
    deletions_confirmed: bool = False

    @property
    def source(self) -> str:
        """The name of this section on the rows of the store."""
        return self.config.alias

    def outcome(self) -> Outcome:
        return Outcome(verbose=self.config.verbose)
