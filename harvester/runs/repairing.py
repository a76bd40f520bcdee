"""How far a run looks after files that should be here already."""

from __future__ import annotations

from enum import StrEnum


class Repair(StrEnum):
    """What ``harvester repair`` asks for."""

    NOTHING = ""
    """A run looks after files only if it is a baseline (``full-sync``)."""
    FILES = "files"
    """Each must be there, with its length."""
    CONTENTS = "contents"
    """Each is read, and its checksum compared."""
