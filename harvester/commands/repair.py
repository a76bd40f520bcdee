"""``harvester repair``: a run that also brings again what was lost or spoiled here."""

from __future__ import annotations

import argparse

from harvester.commands.memory import add_section
from harvester.commands.run import add_wait, execute
from harvester.openbis.section import SectionConfig
from harvester.runs.repairing import Repair


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command line takes."""
    add_section(parser)
    parser.add_argument(
        "--contents", action="store_true", help="also read every file and verify its checksum"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be brought, changing nothing"
    )
    add_wait(parser)


def repair(options: argparse.Namespace) -> int:
    """Returns what `run` does. Sections of other kinds have no files that could be repaired."""
    depth = Repair.CONTENTS if options.contents else Repair.FILES
    return execute(options, lambda chosen: chosen.of_kind(SectionConfig), repair=depth)
