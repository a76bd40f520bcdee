"""A list that is read with what the last one said gives the same as one that is read in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from harvester.openbis.reading import read_metadata
from harvester.openbis.source.resource_list import ResourceList
from harvester.openbis.sync_run import Metadata
from shared.model.entities import Entity
from shared.model.kinds import Kind
from shared.model.master_data import MasterData
from shared.store import known_entries
from shared.store.incoming_tables import TEMPORARY
from shared.store.kept_list import kept_list
from tests.support.instances.builders import a_project, a_sample, a_space, some_master_data
from tests.support.instances.instance import Instance
from tests.support.instances.resource_lists import a_list

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEFINED = some_master_data()
PLACES = (a_space(), a_project(2))
SAMPLES = tuple(a_sample(number) for number in range(3, 8))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    instance = Instance.create(tmp_path)
    with instance.engine.connect() as connection:
        yield connection
    instance.engine.dispose()


class Whole:
    def __init__(self, document: bytes) -> None:
        self._document = document

    def blocks(self) -> Iterator[bytes]:
        yield self._document


def rows(connection: Connection) -> dict[str, list[str]]:
    """All incoming rows, but for their positions."""
    with connection.begin():
        return {
            table.name: sorted(
                repr({**row, "position": None})
                for row in connection.execute(text(f"SELECT * FROM {table.name}")).mappings()  # noqa: S608
            )
            for table in TEMPORARY.sorted_tables
        }


def shown(metadata: Metadata) -> str:
    return repr(replace(metadata, unchanged=0, faults=())) + repr(sorted(map(str, metadata.faults)))


Items = Sequence[MasterData | Entity]


def unchanged(connection: Connection, *items: MasterData | Entity) -> int:
    """Read this list both ways. Returns how many entries were not read."""
    source = ResourceList([Whole(a_list(items))])
    with kept_list(connection, "DS1", "context", NOW) as kept:
        skipping = read_metadata(source, connection, None, kept=kept)
        found = rows(connection)
    reading = read_metadata(source, connection, None)
    assert found == rows(connection)
    assert shown(skipping) == shown(reading)
    return skipping.unchanged


def through(connection: Connection, lists: Iterable[Items]) -> None:
    for items in lists:
        unchanged(connection, *items)


CALLED_ALIKE = (replace(SAMPLES[0], code=SAMPLES[1].code), SAMPLES[1])
DOUBLES = {
    "two are called alike": [*CALLED_ALIKE, SAMPLES[2]],
    "at the end": [SAMPLES[2], *CALLED_ALIKE],
    "one comes twice": [*SAMPLES, SAMPLES[0]],
}


@pytest.mark.parametrize("what", DOUBLES)
def test_what_is_there_twice(connection: Connection, what: str) -> None:
    double: Items = [DEFINED, *PLACES, *DOUBLES[what]]
    single: Items = [DEFINED, *PLACES, SAMPLES[0], SAMPLES[3], SAMPLES[4]]
    through(connection, [double, double, single, single, double])


def test_definitions_that_come_again_and_differ(connection: Connection) -> None:
    others = [one for one in DEFINED.entity_types if one.kind is not Kind.SAMPLE]
    other = replace(DEFINED, entity_types=tuple(others))
    one: Items = [DEFINED, *PLACES, *SAMPLES]
    both: Items = [DEFINED, *PLACES, other, *SAMPLES]
    through(connection, [one, both, both, [other, *PLACES, *SAMPLES], both, one])


def test_a_list_that_becomes_much_shorter(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_entries, "_CHUNK", 10)
    many = [a_sample(number) for number in range(10, 200)]
    assert unchanged(connection, DEFINED, *PLACES, *many) == 0
    assert unchanged(connection, DEFINED, *PLACES, *many[:3]) == 5
    assert unchanged(connection, DEFINED, *PLACES, *many) == 5
