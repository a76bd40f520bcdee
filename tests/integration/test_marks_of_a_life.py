"""Whatever writes into an instance: what it shows never changes under the same mark."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest

from shared.store.published import published_mark
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.worlds.changing_source import ChangingSource
from tests.support.worlds.losing_source import deletion_numbers

_WHO = "SELECT user_id, active, source FROM person"
_ROLES = "SELECT user_id, role, place FROM role_assignment"


@dataclass(slots=True)
class Watched:
    """An instance, and what it showed under each of its marks."""

    instance: Instance
    seen: dict[str, object] = field(default_factory=dict)

    def look(self, story: str) -> None:
        with self.instance.engine.connect() as connection:
            mark = published_mark(connection)
        assert mark is not None
        shown = (
            self.instance.entities(),
            self.instance.master_data(),
            sorted(map(repr, self.instance.rows(_WHO))),
            sorted(map(repr, self.instance.rows(_ROLES))),
        )
        assert self.seen.setdefault(mark, shown) == shown, story


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_shown_never_changes_under_the_same_mark(
    source: Instance, either: Harvest, seed: int
) -> None:
    world, random = ChangingSource(source, seed), Random(seed)  # noqa: S311 - to be repeated
    world.begin()
    here, there = Watched(source), Watched(either.instance)
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="true", master_data_update_allowed="true")
        either.init()
        for _ in range(6):
            either.run()
            there.look("harvest")
            marks = len(there.seen)
            either.run()
            there.look("harvest again")
            assert len(there.seen) == marks, "a harvest that brought nothing changed the mark"
            if numbers := deletion_numbers(either):
                either.command("trash", "restore", str(random.choice(numbers)))
                there.look("restored")
            world.live_a_day()
            here.look("\n".join(world.story))
    assert len(there.seen) > 1
    assert len(here.seen) > 1
