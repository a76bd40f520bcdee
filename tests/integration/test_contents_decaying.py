"""A source whose contents decay a part each day is stopped when half of a kind is gone, though each
day is harmless and nothing is missing from the list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from shared.model.entities import Entity
from tests.support.instances.builders import a_sample, a_service_file
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.worlds.losing_source import first_run, many_samples

NUMBER, A_DAY = 24, 4


@dataclass(frozen=True)
class Decaying:
    """Things of a source, and what takes the content of one of them."""

    spoil: Callable[[int, bytes], None]
    left: Callable[[Harvest], int]
    what: str


def a_holder(source: Instance, number: int, content: bytes) -> Entity:
    attachment = source.put_attachment("a.txt", content)
    return a_sample(500 + number, attachments=(attachment,))


def attachments(source: Instance) -> Decaying:
    def spoil(number: int, content: bytes) -> None:
        source.drop_attachments(a_holder(source, number, content))
        source.load(a_holder(source, number, content))

    def left(harvest: Harvest) -> int:
        return len(harvest.instance.rows("SELECT 1 FROM attachment WHERE length > 2"))

    return Decaying(spoil, left, "attachments")


def service_files(source: Instance) -> Decaying:
    notes = " ".join(f'"openbis/file-service/{n}.bin"' for n in range(NUMBER))
    source.load(a_sample(499, properties={"NOTES": notes}))

    def spoil(number: int, content: bytes) -> None:
        source.load(a_service_file(f"{number}.bin", content))

    def left(harvest: Harvest) -> int:
        return len(harvest.instance.rows("SELECT 1 FROM service_file WHERE length > 2"))

    return Decaying(spoil, left, "files of the file service")


@pytest.mark.parametrize("kind", [attachments, service_files])
def test_a_decay_is_stopped_when_half_is_gone(
    source: Instance, either: Harvest, kind: Callable[[Instance], Decaying]
) -> None:
    many_samples(source)
    decaying = kind(source)
    for number in range(NUMBER):
        decaying.spoil(number, b"content %d" % number)
    with source.served() as url:
        first_run(either, url)
        codes = []
        for day in range(6):
            for number in range(day * A_DAY, day * A_DAY + A_DAY):
                decaying.spoil(number, b"")
            result = either.run()
            codes.append(result.code)
        assert codes == [0, 0, 0, 8, 8, 8]
        assert decaying.left(either) == NUMBER // 2
        assert f"16 of the 24 {decaying.what} that this section once had here" in either.log()
        assert either.run("--allow-deletions").code == 0
        assert decaying.left(either) == 0


def test_one_content_that_changes_every_day_is_no_decay(source: Instance, harvest: Harvest) -> None:
    many_samples(source)
    decaying = attachments(source)
    for number in range(12):
        decaying.spoil(number, b"content %d" % number)
    with source.served() as url:
        first_run(harvest, url)
        for day in range(13):
            decaying.spoil(0, b"day %d" % day)
            assert harvest.run().code == 0
