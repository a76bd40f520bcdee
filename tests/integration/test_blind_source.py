"""A source goes blind: for each way in which it can stop seeing a part, nothing is lost here.

With the marks that a source of ours sets, nothing at all is written. With a list as an original
writes it, what does not come any more stays: always where deletions are forbidden, and until the
operator lets it go where they are allowed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from harvester.memory.held import release
from harvester.runs.report import Verb
from shared.model.kinds import Kind
from shared.model.unknown import Part, Reason
from tests.support.faults.blind_source import (
    BlindHarvest,
    Way,
    archived_but_listed,
    as_container,
    digests,
    in_a_narrower_role,
    of_entities,
    touched,
    truncated,
    without_attachments,
    without_copies,
    without_file_service,
    without_files,
    without_marks,
)
from tests.support.instances.builders import perm_id
from tests.support.instances.full_instance import FullInstance, a_full_instance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.instances.intact import copied
from tests.support.servers.postgres import Postgres
from tests.support.worlds.passing_days import disorder

WAYS: dict[str, Way] = {
    "the mount point is empty": without_files(Reason.NOT_MOUNTED),
    "the folder of a data set is not there": without_files(Reason.NOT_MOUNTED, only=perm_id(50)),
    "archived": without_files(Reason.ARCHIVED),
    "archive pending": of_entities(archived_but_listed),
    "path info was emptied": without_files(Reason.NOT_FED),
    "path info knows a data set, but no file": without_files(Reason.NOT_FED, only=perm_id(51)),
    "some files are left out": without_files(Reason.BAD_NAME, shown=1),
    "attachments are lost": of_entities(without_attachments),
    "the file service's folder is missing": without_file_service,
    "content copies are hidden": of_entities(without_copies),
    "a sample is hidden, and a connection to it": in_a_narrower_role(perm_id(41)),
    "a data set is hidden, and a connection to it": in_a_narrower_role(perm_id(51)),
    "a sample is hidden, and values that name it": in_a_narrower_role(perm_id(45)),
}
# Of these a source cannot know.
UNSEEN: dict[str, Way] = {
    "truncated files": of_entities(truncated),
    "containers take the place of data sets": of_entities(as_container),
    "an empty folder of the file service": without_marks(without_file_service),
}
ALL = WAYS | UNSEEN
# What may well be deleted on a source, if it is not too much.
NOT_HELD = {
    "attachments are lost",
    "the file service's folder is missing",
    "an empty folder of the file service",
}
# Without marks the files of this one look as if they could be fetched.
UNMARKED = ALL.keys() - {"archive pending"}
HIDES = {name for name in WAYS if "is hidden" in name}


class Larder:
    """A source with the full instance in it, and harvesters that have harvested all of it, to copy
    from: one for each database and each ``deletion-allowed``."""

    def __init__(self, root: Path, url: str, postgres: Postgres) -> None:
        self._root, self._url, self._postgres = root, url, postgres
        self._full: dict[tuple[str, str], Harvest] = {}

    @contextmanager
    def copy(self, database: str, allowed: str, root: Path) -> Iterator[Harvest]:
        full = self._full.get((database, allowed)) or self._filled(database, allowed)
        with ExitStack() as stack:
            url = None
            if database == "postgresql":
                url = stack.enter_context(self._postgres.fresh(_name(allowed)))
            harvest = copied(full, root, url)
            stack.callback(harvest.instance.engine.dispose)
            yield harvest

    def _filled(self, database: str, allowed: str) -> Harvest:
        url = None
        if database == "postgresql":
            self._postgres.create(_name(allowed))
            url = self._postgres.url(_name(allowed))
        harvest = Harvest(self._root / f"{database}-{allowed}", database_url=url)
        harvest.section("DS1", self._url, deletion_allowed=allowed, trash_retention_days="30")
        harvest.init()
        assert harvest.run().code == 0
        harvest.instance.engine.dispose()
        self._full[database, allowed] = harvest
        return harvest

    def clear(self) -> None:
        for database, allowed in self._full:
            if database == "postgresql":
                self._postgres.drop(_name(allowed))


def _name(allowed: str) -> str:
    """The database of one worker to which none is ever connected while it is copied."""
    return f"larder_{allowed}_{os.getpid()}"


@pytest.fixture(scope="module")
def larder(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Larder]:
    root = tmp_path_factory.mktemp("larder")
    source = Instance.create(root / "source")
    assert a_full_instance(source).everything
    with source.served() as url:
        larder = Larder(root, url, postgres)
        yield larder
        larder.clear()
    source.engine.dispose()


@pytest.fixture(params=["true", "false"])
def allowed(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def blind(
    larder: Larder,
    database: str,
    allowed: str,
    tmp_path: Path,
    one_authority: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[BlindHarvest]:
    """All of the full instance is here."""
    monkeypatch.setenv("SSL_CERT_FILE", str(one_authority))
    with larder.copy(database, allowed, tmp_path / "destination") as harvest:
        yield BlindHarvest(harvest)


# Where deletions are forbidden, the statements are a part of those where they are allowed; that
# PostgreSQL too then keeps all, other tests here see in every way.
for_each_way_of_deleting = pytest.mark.parametrize(
    ("database", "allowed"),
    [("sqlite", "true"), ("sqlite", "false"), ("postgresql", "true")],
    indirect=True,
)


def test_with_marks_nothing_is_written_at_all(blind: BlindHarvest) -> None:
    before = blind.harvest.instance.content()
    for way in sorted(WAYS.keys() - HIDES):
        for _ in range(2):
            report = blind.run(WAYS[way])
            assert (report.changes, report.failed, report.held_back) == (0, [], 0), way
            assert report.unknown == {}, way
            assert any("cannot show now" in remark for remark in report.remarks), way
            assert blind.harvest.instance.content() == before, way
    blind.harvest.agrees()


@pytest.mark.parametrize("allowed", ["false"], indirect=True)
def test_where_deletions_are_forbidden_nothing_is_written_without_marks_either(
    blind: BlindHarvest,
) -> None:
    before = blind.harvest.instance.content()
    for way in sorted(UNMARKED):
        report = blind.run(without_marks(ALL[way]), confirmed=True)
        assert (report.changes, report.failed, report.held_back) == (0, [], 0), way
        assert report.number(Verb.SKIPPED) > 0, way
        assert any("because deletion-allowed is false" in r for r in report.remarks), way
        assert blind.harvest.instance.content() == before, way


@pytest.mark.parametrize("allowed", ["true"], indirect=True)
@pytest.mark.parametrize("way", sorted(UNMARKED - HIDES - NOT_HELD))
def test_where_deletions_are_allowed_data_sets_are_held_back_until_they_are_released(
    blind: BlindHarvest, way: str
) -> None:
    instance = blind.harvest.instance
    before, contents = instance.content(), digests(instance)
    for _ in range(2):
        report = blind.run(without_marks(ALL[way]))
        assert (report.changes, report.failed) == (0, [])
        assert report.held_back == report.counts["DATA_SET_CONTENT", "held back"] > 0
        assert any("which openBIS never does" in remark for remark in report.remarks) or (
            any("held back waits" in remark for remark in report.remarks)
        )
        assert instance.content() == before
    with instance.engine.begin() as connection:
        assert release(connection, "DS1", 1) == {"DATA_SET_CONTENT": report.held_back}
    report = blind.run(without_marks(ALL[way]))
    assert report.counts["DATA_SET_CONTENT", "deleted"] > 0
    assert report.held_back == 0
    assert set(contents.values()) <= set(digests(instance).values())
    assert list(disorder(instance)) == []
    assert instance.rows("SELECT * FROM held_deletion") == []


@pytest.mark.parametrize("allowed", ["true"], indirect=True)
@pytest.mark.parametrize("way", sorted(HIDES | NOT_HELD))
def test_what_may_be_deleted_goes_to_the_trash(blind: BlindHarvest, way: str) -> None:
    instance = blind.harvest.instance
    before, contents = instance.tables(), digests(instance)
    for confirmed in (False, True):
        report = blind.run(without_marks(ALL[way]), confirmed=confirmed)
        assert report.failed == []
        assert set(contents.values()) <= set(digests(instance).values())
        assert list(disorder(instance)) == []
    blind.run()
    assert instance.tables() == before


@for_each_way_of_deleting
@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("way", sorted(ALL.keys() - HIDES - NOT_HELD))
def test_metadata_go_on_while_the_files_stay(
    blind: BlindHarvest, way: str, *, marked: bool
) -> None:
    instance = blind.harvest.instance
    files = instance.rows("SELECT * FROM data_set_file ORDER BY 1, 2")
    contents = digests(instance)
    shown = touched(ALL[way] if marked else without_marks(ALL[way]))
    report = blind.run(shown)
    assert report.failed == []
    assert report.counts["DATA_SET", "updated"] == 4
    notes = {e.properties["NOTES"] for e in instance.entities().values() if e.kind is Kind.DATA_SET}
    assert notes == {"changed meanwhile"}
    assert instance.rows("SELECT * FROM data_set_file ORDER BY 1, 2") == files
    assert digests(instance) == contents
    again = blind.run(shown)
    assert (again.changes, again.failed) == (0, [])


@for_each_way_of_deleting
@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("way", sorted(ALL))
def test_what_is_seen_again_is_as_before(blind: BlindHarvest, way: str, *, marked: bool) -> None:
    instance = blind.harvest.instance
    before, contents = instance.tables(), digests(instance)
    blind.run(ALL[way] if marked else without_marks(ALL[way]))
    report = blind.run()
    assert (report.failed, report.held_back, report.unknown) == ([], 0, {})
    assert instance.tables() == before
    assert set(contents.values()) <= set(digests(instance).values())
    blind.harvest.converges()


@pytest.mark.parametrize("marked", [True, False])
def test_at_the_end_of_a_chain_nothing_is_lost_either(
    blind: BlindHarvest, tmp_path: Path, allowed: str, *, marked: bool
) -> None:
    """The source goes blind in one way after the other; who harvests its harvester loses nothing,
    and sees again what the source shows again."""
    middle, last = blind.harvest, Harvest(tmp_path / "last")
    middle.instance.add_user()
    with middle.instance.served() as url:
        last.section("DS2", url, deletion_allowed=allowed)
        last.init()
        assert last.run().code == 0
        before, contents = last.instance.tables(), digests(last.instance)
        for way in sorted(ALL if marked else UNMARKED):
            blind.run(ALL[way] if marked else without_marks(ALL[way]), confirmed=True)
            assert last.run("--allow-deletions").code == 0, way
            found = digests(last.instance)
            assert set(contents.values()) <= set(found.values()), way
            if allowed == "false" or (marked and way in WAYS.keys() - HIDES):
                assert contents.items() <= found.items(), way
            blind.run()
            if not marked or way in HIDES:
                assert last.run("--allow-deletions").code == 0, way
        assert last.run("--allow-deletions").code == 0
        assert last.instance.tables() == before
        last.agrees()
    last.instance.engine.dispose()


@pytest.mark.parametrize("allowed", ["true"], indirect=True)
def test_a_file_that_was_spoiled_in_a_chain_is_not_passed_on(
    blind: BlindHarvest, tmp_path: Path
) -> None:
    middle, last = blind.harvest, Harvest(tmp_path / "last")
    middle.instance.add_user()
    with middle.instance.served() as url:
        last.section("DS2", url, deletion_allowed="true")
        last.init()
        assert last.run().code == 0
        before = digests(last.instance)
        (spoiled,) = (middle.root / "file-service").rglob("a picture.png")
        content = spoiled.read_bytes()
        for wrong in (b"", b"other pi", content[:-1] + b"!"):
            spoiled.write_bytes(wrong)
            result = last.run()
            assert result.code == 0, result.output
            assert "the files of the file service (they cannot be read)" in result.output
            assert digests(last.instance) == before
        spoiled.write_bytes(content)
        last.converges()
        assert digests(last.instance) == before
    last.instance.engine.dispose()


@pytest.mark.parametrize(
    "reason", [r for r in Reason if r not in {Reason.OTHER, Reason.SEVERAL_VALUES}]
)
def test_new_data_sets_come_without_files_and_get_them_later(
    source: Instance, full_instance: FullInstance, either: Harvest, reason: Reason
) -> None:
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        blind = BlindHarvest(either)
        way = without_files(reason, shown=1)
        report = blind.run(way)
        fetched = {Reason.BAD_NAME, Reason.UNREADABLE, Reason.OUT_OF_SCOPE}
        assert report.failed == []
        assert report.unknown == {(Part.FILES, reason): 2}
        raw = either.instance.entities()[Kind.DATA_SET, full_instance.raw.perm_id]
        assert raw.properties == full_instance.raw.properties
        assert [mark.reason for mark in raw.unknown] == [reason]
        assert raw.files == (full_instance.raw.files[:1] if reason in fetched else ())
        held = either.instance.bytes_held()
        assert (f"{raw.code}/original/digits + 1%.txt" in held) == (reason in fetched)
        assert f"{raw.code}/original/run/hello.txt" not in held
        before = either.instance.content()
        again = blind.run(way)
        assert (again.changes, again.failed, again.unknown) == (0, [], report.unknown)
        assert either.instance.content() == before
        (status,) = json.loads(either.command("status", "--json").output)
        assert status["waiting_files"] == {reason.value: 2}
        result = either.run()
        assert result.code == 0, result.output
        assert either.instance.entities() == source.entities()
        either.agrees()


def test_an_archived_data_set_whose_files_are_listed_is_no_failure(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        blind = BlindHarvest(either)
        for _ in range(2):
            report = blind.run(of_entities(archived_but_listed))
            assert report.failed == []
            assert report.unknown == {(Part.FILES, Reason.ARCHIVED): 2}
            assert not [name for name in either.instance.bytes_held() if "original" in name]
        report = blind.run()
        assert report.counts["DATA_SET", "updated"] == 2
        assert full_instance.everything
        assert either.instance.entities() == source.entities()


def test_what_another_section_brought_is_no_difference_while_it_cannot_be_seen(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    assert full_instance.everything
    with source.served() as url:
        for name in ("DS1", "DS2"):
            harvest.section(name, url)
        harvest.init()
        assert harvest.run().code == 0
        (share,) = (source.root / "store" / "1").iterdir()
        away = share.rename(source.root / "away")
        audited = harvest.audit()
        assert (audited.code, audited.output.count("0 differences")) == (0, 2), audited.output
        away.rename(share)
        harvest.agrees()
