"""``harvester repair``: a run that also brings again what was lost or spoiled here."""

from __future__ import annotations

import argparse

from harvester.commands.run import execute
from harvester.openbis.section import SectionConfig
from harvester.runs.repairing import Repair


def repair(options: argparse.Namespace) -> int:
    """Returns what `run` does. Sections of other kinds have no files that could be repaired."""
    depth = Repair.CONTENTS if options.contents else Repair.FILES
    return execute(options, lambda chosen: chosen.of_kind(SectionConfig), repair=depth)
