"""Daemons at work in tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.processes.programs import Program

NEXT = re.compile(r"next execution at (\S+ \S+) \(")


@contextmanager
def served(source: Instance, harvest: Harvest, *properties: str, **keys: str) -> Iterator[Harvest]:
    """A destination is there, and the section DS1 can be harvested."""
    harvest.init()
    harvest.add_properties(*properties)
    with source.served() as url:
        harvest.section("DS1", url, **keys)
        yield harvest


def next_execution(program: Program) -> datetime:
    line = program.says("next execution at")
    found = NEXT.search(line)
    assert found
    return datetime.fromisoformat(found[1])
