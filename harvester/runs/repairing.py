"""How thoroughly a run checks files that should be here already."""

from __future__ import annotations

from enum import StrEnum


class Repair(StrEnum):
    """The depth of ``harvester repair``."""

    # A run looks after files only if it is a baseline (``full-sync``).
    NOTHING = ""
    # Each must be there, with its length.
    FILES = "files"
    # Each is read, and its checksum compared.
    CONTENTS = "contents"
