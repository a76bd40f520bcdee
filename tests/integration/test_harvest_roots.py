"""Harvests from a source that lists only what is asked for by roots, as openBIS 7 does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.entities import Entity
from shared.model.ids import Code, Identifier
from shared.model.kinds import Relation
from tests.support.instances.builders import (
    a_data_set,
    a_project,
    a_sample,
    a_space,
    an_experiment,
    some_master_data,
)
from tests.support.instances.full_instance import connected
from tests.support.instances.harvests import Harvest
from tests.support.openbis7.server import openbis7
from tests.support.servers.rooted_source import RootedSource, rooted_source

BETA, CELLAR, TRIAL = Code("BETA"), Code("CELLAR"), Identifier("/ALPHA/KITCHEN/TRIAL")
WINE = a_sample(21, code="WINE", space=BETA, project=CELLAR)
CAKE = a_sample(12, code="CAKE", project=Code("KITCHEN"), experiment=TRIAL)
DOUGH = a_sample(
    13,
    code="DOUGH",
    project=Code("KITCHEN"),
    experiment=TRIAL,
    connections=connected(Relation.CHILD, CAKE.perm_id, WINE.perm_id),
)
PICTURE = a_data_set(14, sample=Identifier("/ALPHA/KITCHEN/CAKE"))
KITCHEN = a_project(10, code="KITCHEN")
CELLAR_PROJECT = a_project(20, code=CELLAR, space=BETA)
IN_ALPHA = [a_space(), KITCHEN, an_experiment(11, code="TRIAL"), CAKE, DOUGH, PICTURE]
IN_BETA = [a_space("BETA"), CELLAR_PROJECT, WINE]
EVERYTHING = [*IN_ALPHA, *IN_BETA]
ALPHA_AND_BETA = "SPACE:ALPHA, SPACE:BETA"


@pytest.fixture
def openbis() -> Iterator[RootedSource]:
    with rooted_source(some_master_data(), EVERYTHING) as source:
        yield source


@pytest.fixture
def ready(harvest: Harvest) -> Harvest:
    harvest.init()
    return harvest


def configure(harvest: Harvest, openbis: RootedSource, roots: str = "", **keys: str) -> None:
    """A section of everything below the roots that fails at once if it fails."""
    given = {"exportable_perm_ids": roots, "with_levels_below": "true"} if roots else {}
    values = {"retry_pauses": "0 s", "deletion_allowed": "true", **given, **keys}
    harvest.section("DS1", openbis.url, **values)


def here(harvest: Harvest) -> list[Entity]:
    return list(harvest.instance.entities().values())


def names(entities: list[Entity]) -> set[str]:
    return {entity.identifier for entity in entities}


def runs(harvest: Harvest, *options: str) -> str:
    result = harvest.run(*options)
    assert result.code == 0, result.output + harvest.log()
    return harvest.log()


def fails(harvest: Harvest, code: int) -> str:
    """The log of a run that fails and changes nothing."""
    before = harvest.instance.content()
    result = harvest.run()
    assert result.code == code, result.output
    assert harvest.instance.content() == before
    return harvest.log()


def test_each_root_is_asked_for_by_itself_and_at_last_all_of_them(
    openbis: RootedSource, ready: Harvest
) -> None:
    configure(ready, openbis, ALPHA_AND_BETA)
    log = runs(ready)
    assert openbis.asked == [["SPACE:ALPHA"], ["SPACE:BETA"], ["SPACE:ALPHA", "SPACE:BETA"]]
    assert names(here(ready)) == names(EVERYTHING)
    assert "Roots at the data source: SPACE:ALPHA, SPACE:BETA" in log
    assert "The data source is an openBIS 7: it answers without a verb" in log
    ready.agrees()


def test_a_connection_between_two_roots_comes(openbis: RootedSource, ready: Harvest) -> None:
    configure(ready, openbis, ALPHA_AND_BETA)
    runs(ready)
    (dough,) = (one for one in here(ready) if one.code == "DOUGH")
    assert {edge.to for edge in dough.connections} == {CAKE.perm_id, WINE.perm_id}


def test_a_root_that_another_one_has_reached_brings_what_lies_in_it(
    openbis: RootedSource, ready: Harvest
) -> None:
    configure(ready, openbis, f"SAMPLE:{CAKE.perm_id}, SPACE:ALPHA")
    runs(ready)
    assert names(here(ready)) == names(IN_ALPHA)


def test_without_levels_below_a_root_comes_with_what_lies_above(
    openbis: RootedSource, ready: Harvest
) -> None:
    configure(ready, openbis, f"DATASET:{PICTURE.perm_id}", with_levels_below="false")
    runs(ready)
    assert names(here(ready)) == names([each for each in IN_ALPHA if each is not DOUGH])
    assert openbis.asked == [[f"DATASET:{PICTURE.perm_id}"]]


def test_a_long_request_is_posted(openbis: RootedSource, ready: Harvest) -> None:
    many = ", ".join(f"SAMPLE:20240110090000{number:03}-{number}" for number in range(100, 160))
    configure(ready, openbis, f"SPACE:ALPHA, {many}")
    ready.run()
    (together,) = (one for one in openbis.requests if b"resourcelist" in one.body)
    assert (together.method, together.query) == ("POST", "")
    assert "resourcelist.xml" in together.body.decode()
    assert len(openbis.asked[-1]) == 61
    assert names(here(ready)) == names(IN_ALPHA)


def test_what_a_missing_root_has_brought_stays_and_the_rest_is_harvested(
    openbis: RootedSource, ready: Harvest
) -> None:
    configure(ready, openbis, f"SPACE:ALPHA, SAMPLE:{WINE.perm_id}")
    runs(ready)
    bread = a_sample(15, code="BREAD", project=Code("KITCHEN"))
    openbis.entities = [*IN_ALPHA, bread, a_space("BETA"), CELLAR_PROJECT]
    result = ready.run()
    assert result.code == 8, result.output
    assert names(here(ready)) == names([*EVERYTHING, bread])
    text = f"exportable-perm-ids: SAMPLE:{WINE.perm_id} is not in its own list"
    assert text in ready.log()
    assert "if it is gone on purpose, remove it from exportable-perm-ids" in ready.log()


def test_a_root_that_is_removed_from_the_config_file_takes_along_what_only_it_has_brought(
    openbis: RootedSource, ready: Harvest
) -> None:
    configure(ready, openbis, f"SPACE:ALPHA, SAMPLE:{WINE.perm_id}")
    runs(ready)
    configure(ready, openbis, "SPACE:ALPHA")
    log = runs(ready, "--allow-deletions")
    assert names(here(ready)) == names(IN_ALPHA)
    assert (
        "The selection changed since the last run: exportable-perm-ids has no longer "
        f"SAMPLE:{WINE.perm_id}. What is no longer selected is deleted only if"
    ) in log
    assert "sample" in ready.command("trash", "list").output.lower()
    assert runs(ready).count("The selection changed") == 1


def test_nothing_is_deleted_of_a_selection_that_shrinks_unless_that_is_allowed(
    openbis: RootedSource, ready: Harvest
) -> None:
    configure(ready, openbis, ALPHA_AND_BETA)
    runs(ready)
    configure(ready, openbis, "SPACE:ALPHA", deletion_allowed="false")
    runs(ready)
    assert names(here(ready)) == names(EVERYTHING)

    configure(ready, openbis, "SPACE:ALPHA")
    assert ready.run().code == 8
    assert names(here(ready)) == names(EVERYTHING)
    assert "space-black-list or exportable-perm-ids leaves them out" in ready.log()


def test_a_root_that_makes_the_source_fail_is_named(openbis: RootedSource, ready: Harvest) -> None:
    configure(ready, openbis, ALPHA_AND_BETA)
    runs(ready)
    openbis.failing = {"SPACE:BETA": 500}
    openbis.entities = IN_BETA
    log = fails(ready, 3)
    assert "root SPACE:BETA: " in log
    assert "a shared sample, or a property with several values, in the selection makes" in log


def test_a_user_who_is_refused_at_one_root_fails_the_run(
    openbis: RootedSource, ready: Harvest
) -> None:
    configure(ready, openbis, ALPHA_AND_BETA)
    openbis.failing = {"": 403}
    assert "the list of all roots together: " in fails(ready, 4)


def test_an_empty_list_of_an_openbis_7_without_roots_is_recognised(
    openbis: RootedSource, ready: Harvest
) -> None:
    configure(ready, openbis, ALPHA_AND_BETA)
    runs(ready)
    configure(ready, openbis)
    log = fails(ready, 2)
    assert "[DS1] exportable-perm-ids is missing: the data source is an openBIS 7" in log
    assert names(here(ready)) == names(EVERYTHING)


@pytest.mark.parametrize(("version", "code"), [("20.10", 2), ("ours", 2)])
def test_roots_are_refused_at_a_source_that_does_not_select_by_them(
    openbis: RootedSource, ready: Harvest, version: str, code: int
) -> None:
    openbis.version = version
    configure(ready, openbis, "SPACE:ALPHA")
    log = fails(ready, code)
    assert "[DS1] exportable-perm-ids: the data source is a" in log
    assert openbis.asked == []


@pytest.mark.parametrize(("status", "code"), [(404, 3), (401, 4), (503, 3)])
def test_with_roots_it_must_be_known_what_the_source_is(
    openbis: RootedSource, ready: Harvest, status: int, code: int
) -> None:
    openbis.documents = status
    configure(ready, openbis, "SPACE:ALPHA")
    fails(ready, code)
    assert openbis.asked == []
    configure(ready, openbis, "SPACE:ALPHA", source_version="7")
    assert "The data source is an openBIS 7: source-version says so" in runs(ready)
    assert names(here(ready)) == names(IN_ALPHA)


@pytest.mark.parametrize("version", ["20.10", "ours"])
def test_a_section_without_roots_asks_for_its_list_and_nothing_else(
    openbis: RootedSource, ready: Harvest, version: str
) -> None:
    openbis.version = version
    configure(ready, openbis)
    runs(ready)
    assert [request.query for request in openbis.requests] == ["verb=resourcelist.xml"]


@pytest.mark.parametrize("status", [200, 404])
def test_an_empty_list_of_another_source_is_what_it_was(
    openbis: RootedSource, ready: Harvest, status: int
) -> None:
    openbis.version, openbis.documents = "ours", status
    openbis.entities = []
    openbis.master_data = replace(some_master_data(), property_types=(), entity_types=())
    configure(ready, openbis)
    runs(ready)
    assert len(openbis.asked) == 1


def test_spaces_of_an_openbis_7_are_looked_up(openbis: RootedSource, ready: Harvest) -> None:
    openbis.entities = [*EVERYTHING, *(a_space(f"S{number}") for number in range(7))]
    openbis.page = 2
    keys = {"space_white_list": "[AB].*, S[1-3]", "space_black_list": "BETA"}
    configure(ready, openbis, **keys, data_source_openbis_url=openbis.url)
    runs(ready)
    selected = [a_space(f"S{number}") for number in (1, 2, 3)]
    assert names(here(ready)) == names([*IN_ALPHA, *selected])
    assert openbis.asked[0] == []
    assert openbis.asked[-1] == ["SPACE:ALPHA", "SPACE:S1", "SPACE:S2", "SPACE:S3"]


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"space_white_list": "A.*"}, "data-source-openbis-url is missing: the data source is an"),
        ({"space_white_list": "GAMMA", "url": ""}, "select none of the spaces that user"),
        ({"space_black_list": "(?=A).*", "url": ""}, "space-black-list: '(?=A).*' cannot be used"),
    ],
)
def test_spaces_that_cannot_be_selected_are_a_fault(
    openbis: RootedSource, ready: Harvest, keys: dict[str, str], text: str
) -> None:
    if "url" in keys:
        keys = {**keys, "data_source_openbis_url": openbis.url}
        del keys["url"]
    configure(ready, openbis, **keys)
    assert text in fails(ready, 2)


def test_the_check_says_what_the_source_is_and_which_root_is_missing(
    openbis: RootedSource, ready: Harvest
) -> None:
    configure(ready, openbis, "SPACE:ALPHA, PROJECT:1-2")
    output = ready.command("check-config", "--online").output
    assert "is an openBIS 7: it answers without a verb" in output
    assert "exportable-perm-ids: PROJECT:1-2 is not in its own list" in output
    configure(ready, openbis)
    assert "exportable-perm-ids is missing" in ready.command("check-config", "--online").output
    openbis.version = "20.10"
    configure(ready, openbis, "SPACE:ALPHA")
    output = ready.command("check-config", "--online").output
    assert "the data source is an openBIS 20.10: without a verb it answers with" in output


def test_shared_samples_that_came_before_an_upgrade_to_7_are_not_taken_as_deleted(
    openbis: RootedSource, ready: Harvest
) -> None:
    shared = a_sample(30, code="SALT", space=None)
    dough = replace(DOUGH, connections=connected(Relation.CHILD, shared.perm_id))
    before = [*(one for one in IN_ALPHA if one is not DOUGH), dough]
    openbis.version, openbis.entities = "20.10", [*before, shared]
    configure(ready, openbis)
    runs(ready)
    later = replace(dough, description="dry", modified=dough.modified + timedelta(days=1))
    openbis.version = "7"
    openbis.entities = [*(one for one in before if one is not dough), later, shared]
    configure(ready, openbis, "SPACE:ALPHA")
    assert ready.run().code == 8
    assert "an openBIS 7 cannot list samples without a space, and 1 of them" in ready.log()
    found = {str(one.code): one for one in here(ready)}
    assert "SALT" in found
    assert [edge.to for edge in found["DOUGH"].connections] == [shared.perm_id]


def test_an_empty_list_is_recognised_as_openbis_7_writes_it(ready: Harvest) -> None:
    with openbis7() as source:
        ready.section("DS1", source.url, retry_pauses="0 s")
        assert "exportable-perm-ids is missing" in fails(ready, 2)
        keys = {"space_white_list": "B.*", "data_source_openbis_url": source.url}
        ready.section("DS1", source.url, retry_pauses="0 s", **keys)
        runs(ready)
        assert {one.code for one in here(ready)} == {"BETA", "CELLAR", "C"}


def test_lists_of_openbis_7_that_overlap_are_one_harvest_with_all_files(ready: Harvest) -> None:
    with openbis7() as source:
        sample = source.lab.the("A").perm_id
        keys = {
            "exportable_perm_ids": f"SAMPLE:{sample}, SPACE:ALPHA, SPACE:BETA",
            "with_levels_below": "true",
            "data_source_openbis_url": source.url,
            "retry_pauses": "0 s",
        }
        ready.section("DS1", source.url, **keys)
        runs(ready)
        assert [len(request.all("exportable_perm_id")) for request in source.lists] == [1, 1, 1, 3]
        ready.agrees()
        found = here(ready)
    assert {one.code for one in found} >= {"ALPHA", "BETA", "A", "B", "C", "TRIAL-1", sample}
    (in_afs,) = (one for one in found if one.is_afs and one.code == sample)
    assert "run 1/trace+1.csv" in {file.path for file in in_afs.files}
