"""An identifier that is given to another entity never joins the two, here nor further on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from shared.model.entities import Entity
from shared.model.ids import Identifier
from shared.model.kinds import DataSetKind, Kind
from tests.support.faults.faulty_source import edited
from tests.support.instances.builders import (
    a_data_set,
    a_project,
    a_sample,
    a_service_file,
    a_space,
    an_experiment,
    perm_id,
    some_master_data,
)
from tests.support.instances.harvests import Harvest, Result
from tests.support.instances.instance import Instance

TUBE = Identifier("/ALPHA/TUBE")


@dataclass(frozen=True, slots=True)
class Case:
    """What a source has at first, and what it has instead later, under the same identifiers."""

    before: tuple[Entity, ...]
    after: tuple[Entity, ...]
    # Of ``after``, with those of ``before`` that have their identifiers.
    taken: tuple[tuple[Entity, Entity], ...]


def in_project(first: int) -> tuple[Entity, ...]:
    return (
        a_project(first),
        an_experiment(first + 1, code="TRIAL"),
        a_data_set(first + 2, experiment="/ALPHA/KITCHEN/TRIAL"),
    )


CASES = {
    "sample": Case(
        (a_sample(10, code="TUBE"), a_data_set(11, sample=TUBE)),
        (a_sample(20, code="TUBE"), a_data_set(21, sample=TUBE)),
        ((a_sample(20, code="TUBE"), a_sample(10, code="TUBE")),),
    ),
    "project": Case(
        in_project(10),
        in_project(20),
        tuple(zip(in_project(20)[:2], in_project(10)[:2], strict=True)),
    ),
    "experiment": Case(
        (a_project(9), *in_project(10)[1:]),
        (a_project(9), *in_project(20)[1:]),
        ((in_project(20)[1], in_project(10)[1]),),
    ),
}
OTHERS = [a_space(), *(a_sample(900 + number) for number in range(20))]


@pytest.fixture
def last(tmp_path: Path) -> Iterator[Harvest]:
    """The harvester at the end of the chain."""
    harvest = Harvest(tmp_path / "last")
    yield harvest
    harvest.instance.engine.dispose()


def put(source: Instance, entities: tuple[Entity, ...]) -> None:
    """Each data set has a file."""
    for entity in entities:
        if entity.kind is Kind.DATA_SET:
            file = source.put_file(entity.code, "a.txt", entity.code.encode())
            source.load(replace(entity, files=(file,)))
        else:
            source.load(entity)


def exchanged(source: Instance, case: Case) -> None:
    """Another one has the identifiers."""
    source.delete(*(entity for entity in case.before if entity not in case.after))
    put(source, case.after)


def content(instance: Instance) -> dict[tuple[Kind, str], Entity]:
    """Without the others."""
    others = {(entity.kind, entity.perm_id) for entity in OTHERS}
    return {key: entity for key, entity in instance.entities().items() if key not in others}


def told(result: Result, case: Case) -> None:
    """Each new one by name, with who has its identifier; what hangs on it waits for it."""
    assert result.code in {7, 8}, result.output
    for new, old in case.taken:
        line = f"{new.kind} {new.perm_id}: {new.identifier} is {old.kind} {old.perm_id} here"
        assert line in result.output
    for data_set in case.after[-1:]:
        assert f"DATA_SET {data_set.code}: it waits for" in result.output


@pytest.mark.parametrize("what", CASES)
def test_the_old_one_keeps_what_is_its_own_until_it_goes(
    source: Instance, either: Harvest, last: Harvest, what: str
) -> None:
    case = CASES[what]
    source.load(some_master_data(), *OTHERS)
    source.add_user()
    put(source, case.before)
    before = content(source)
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        assert either.run().code == 0
        either.instance.add_user()
        with either.instance.served() as middle:
            last.section("DS2", middle, deletion_allowed="true")
            last.init()
            assert last.run().code == 0
            exchanged(source, case)
            # deletions are forbidden
            told(either.run(), case)
            assert content(either.instance) == before
            assert last.run().code == 0
            assert content(last.instance) == before
            # deletions are held back
            either.section("DS1", url, deletion_allowed="true", max_deletions="1")
            told(either.run(), case)
            assert content(either.instance) == before
            last.converges()
            assert content(last.instance) == before
            # the operator lets them through: the new ones come in the same run
            assert either.command("release", "3").code == 0
            either.converges()
            assert content(either.instance) == content(source)
            assert last.execute("DS2").exit_code == 0
            last.agrees()
            assert content(last.instance) == content(source)


def all_but_addresses(instance: Instance) -> dict[str, object]:
    """Every row and file; the source is served under another port each time."""
    return {name: held for name, held in instance.content().items() if name != "source"}


def test_what_a_list_has_twice_changes_nothing_and_is_named(
    source: Instance, either: Harvest
) -> None:
    mention = {"NOTES": 'see "openbis/file-service/a.txt"'}
    tube, picture = a_sample(10, code="TUBE", properties=mention), a_service_file("a.txt")
    source.load(some_master_data(), *OTHERS, tube, picture)
    source.load(a_data_set(11, sample=TUBE, data_set_kind=DataSetKind.CONTAINER))
    source.add_user()
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="true")
        either.init()
        assert either.run().code == 0
        before = all_but_addresses(either.instance)
    source.load(a_sample(20, code="JAR"), a_service_file("a.txt", b"other"))

    def spoil(body: bytes) -> bytes:
        """Another sample is called TUBE too, and the picture comes once more."""
        body = body.replace(b'code="JAR"', b'code="TUBE"')
        start = body.rindex(b"<url>", 0, body.index(b'kind="FILE"'))
        entry = body[start : body.index(b"</url>", start) + len(b"</url>")]
        return body.replace(b"</urlset>", entry + b"</urlset>")

    with source.served(edited(spoil)) as url:
        either.section("DS1", url, deletion_allowed="true")
        for _ in range(2):
            result = either.run()
            assert result.code == 7, result.output
            for number, other in ((10, 20), (20, 10)):
                assert (
                    f"SAMPLE {perm_id(number)}: the list has the identifier /ALPHA/TUBE also for "
                    f"SAMPLE {perm_id(other)}"
                ) in result.output
            assert f"DATA_SET {perm_id(11)}: it lies in SAMPLE /ALPHA/TUBE" in result.output
            assert "FILE a.txt: the list has this path 2 times" in result.output
            assert all_but_addresses(either.instance) == before
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="true")
        either.converges()
        assert either.instance.entities() == source.entities()
