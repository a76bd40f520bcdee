"""``harvester repair``: a run that also fetches again what was lost or damaged here."""

from __future__ import annotations

import argparse

from harvester.commands.run import execute
from harvester.openbis.section import SectionConfig
from harvester.runs.repairing import Repair


def repair(options: argparse.Namespace) -> int:
    """Returns the exit code of a run. Sections of other kinds have no files to repair."""
    depth = Repair.CONTENTS if options.contents else Repair.FILES
    return execute(options, lambda chosen: chosen.of_kind(SectionConfig), repair=depth)
