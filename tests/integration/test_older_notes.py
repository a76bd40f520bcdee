"""The database has notes of what was on its way, and of that no rows: a run was killed, or a backup
was put back that was made while a run was at work. What such a note names may be all that is left:
if the source does not have it any more, it is set aside; if the source is only blind, it stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.model.unknown import Reason
from tests.support.faults.blind_source import (
    BlindHarvest,
    Way,
    as_container,
    digests,
    of_entities,
    without_attachments,
    without_file_service,
    without_files,
)
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.worlds.passing_days import disorder

FORGET = (
    "INSERT INTO arrival SELECT DISTINCT 'DS1', 'DATA_SET', code, '' FROM data_set_file",
    "INSERT INTO arrival SELECT DISTINCT 'DS1', 'ATTACHMENT', sha256, '' FROM attachment",
    "INSERT INTO arrival SELECT source, 'FILE', path, sha256 FROM service_file",
    "DELETE FROM data_set_file",
    "DELETE FROM link WHERE kind = 'DATA_SET'",
    "DELETE FROM content_copy",
    "DELETE FROM entity WHERE kind = 'DATA_SET'",
    "DELETE FROM attachment",
    "DELETE FROM service_file",
)
BLIND: dict[str, Way] = {
    "files": without_files(Reason.NOT_MOUNTED),
    "files of what looks like containers": lambda items: of_entities(as_container)(
        without_files(Reason.ARCHIVED)(items)
    ),
    "attachments": of_entities(without_attachments),
    "the file service": without_file_service,
}


@pytest.fixture
def put_back(source: Instance, full_instance: FullInstance, either: Harvest) -> Iterator[Harvest]:
    """All files are here; of those that came last the database has only notes."""
    assert full_instance.everything
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="false")
        either.init()
        assert either.run().code == 0
        for statement in FORGET:
            either.instance.execute(statement)
        yield either


def test_what_the_source_has_no_more_is_set_aside_and_told(
    source: Instance, full_instance: FullInstance, put_back: Harvest
) -> None:
    before = digests(put_back.instance)
    for holder in (full_instance.brew, full_instance.project, full_instance.trial):
        source.drop_attachments(holder)
    source.delete(full_instance.raw, full_instance.of_well)
    source.load(replace(full_instance.trial, properties={}))  # it mentions the file
    source.execute("DELETE FROM service_file")
    source.store.service_file("eln/a picture.png").unlink()
    result = put_back.run()
    assert result.code == 0, result.output
    assert "not deleted, but set aside" in result.output + put_back.log()
    assert set(before.values()) <= set(digests(put_back.instance).values())
    names = {path.name for path in (put_back.root / "store/set-aside").rglob("*")}
    assert {"DATA_SET", "ATTACHMENT", "FILE", "hello.txt", "a picture.png"} <= names
    assert list(disorder(put_back.instance)) == []
    assert put_back.instance.rows("SELECT * FROM arrival") == []


@pytest.mark.parametrize("way", sorted(BLIND))
def test_what_the_source_cannot_show_now_stays_in_its_place(put_back: Harvest, way: str) -> None:
    before = digests(put_back.instance)
    for _ in range(2):
        assert BlindHarvest(put_back).run(BLIND[way]).failed == []
        assert digests(put_back.instance).items() >= before.items()
    put_back.converges()
    assert digests(put_back.instance) == before
    assert not (put_back.root / "store/set-aside").exists()
