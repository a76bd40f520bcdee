"""Each checkpoint of the code has a name of its own, and a test that kills the program there."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

from tests.e2e import delicate
from tests.support.processes.moments import (
    FILE_EVENTS,
    PROJECT,
    STEP_BEGINS,
    STEP_ENDS,
    checkpoints,
)

KILLED_IN_EACH_STEP = {STEP_BEGINS, STEP_ENDS}


def test_each_name_stands_at_one_place() -> None:
    names = Counter(name for name, _ in checkpoints())
    assert len(names) > 30
    assert {name: number for name, number in names.items() if number > 1} == {}


def test_a_harvester_is_killed_at_each_checkpoint() -> None:
    moments = (
        *delicate.IN_A_HARVEST,
        delicate.COMMITTED,
        *delicate.PUTTING_BACK,
        *delicate.SETTING_ASIDE,
    )
    killed = {moment.name for moment in moments} - FILE_EVENTS | KILLED_IN_EACH_STEP
    found = dict(checkpoints())
    spared = {name: place for name, place in found.items() if name not in killed}
    assert spared == {}, "add them to tests/e2e/delicate.py, and a test that kills there"
    assert killed - found.keys() == set(), "the code has no such checkpoint any more"


def test_a_checkpoint_is_an_audit_event() -> None:
    """In a process of its own: an audit hook cannot be removed."""
    program = (
        "import sys\n"
        "from shared.checkpoints import EVENT, checkpoint\n"
        "checkpoint('before', 'any hook')\n"
        "sys.addaudithook(lambda event, about: event == EVENT and print(*about))\n"
        "checkpoint('a moment', 'of this test')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "a moment of this test\n"
