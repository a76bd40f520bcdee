"""A source that loses things, and a harvest that deletes them, for tests of guards and trash."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from shared.model.entities import Entity
from tests.support.instances.builders import a_sample, a_space, some_master_data
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest, Result
from tests.support.instances.instance import Instance


def many_samples(source: Instance, number: int = 30) -> list[Entity]:
    """In a space of their own."""
    samples = [a_sample(100 + n) for n in range(number)]
    source.load(some_master_data(), a_space(), *samples)
    source.add_user()
    return samples


def first_run(harvest: Harvest, url: str, **keys: str) -> None:
    harvest.section("DS1", url, deletion_allowed="true", **keys)
    harvest.init()
    assert harvest.run().code == 0


@contextmanager
def harvested_from(source: Instance, harvest: Harvest) -> Iterator[str]:
    """All that the source has is here; its URL."""
    with source.served() as url:
        first_run(harvest, url)
        yield url


def here(harvest: Harvest) -> set[str]:
    """Perm ids of all entities."""
    return {str(perm_id) for (perm_id,) in harvest.instance.rows("SELECT perm_id FROM entity")}


def held(result: Result) -> str:
    """Why deletions are held back, in a run that is otherwise all right."""
    assert result.code == 8, result.output
    (line,) = [one for one in result.output.splitlines() if "deletions are held back:" in one]
    return line


def delete_all(source: Instance, full_instance: FullInstance, harvest: Harvest) -> None:
    """Everything of the full instance is gone here, too."""
    source.delete(*full_instance.everything)
    assert harvest.run("--allow-deletions").code == 0
    assert harvest.instance.entities() == {}


def deletion_numbers(harvest: Harvest) -> list[int]:
    """Of what is in the trash, the latest first."""
    listed = harvest.command("trash", "list", "--json")
    assert listed.code == 0, listed.output
    return [one["number"] for one in json.loads(listed.output)]
