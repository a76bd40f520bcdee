"""Named moments at which a crash must do no harm: tests kill or halt the program there.

A checkpoint does nothing by itself. It raises an audit event of Python (`sys.audit`), which costs
some tens of nanoseconds as long as no hook listens; only tests install one.
"""

from __future__ import annotations

import sys

# The audit event. Its arguments are the name of the moment, and what it is about.
EVENT = "openbis_sync.checkpoint"


def checkpoint(name: str, about: str = "") -> None:
    """Say that the program has come to this moment. ``name`` is a literal that stands at one place
    of the code only; ``about`` names the file or the item. A test kills the program at each name
    (tests/e2e/test_killed.py)."""
    sys.audit(EVENT, name, about)
