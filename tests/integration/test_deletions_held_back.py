"""Guards against losing data: what is held back, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.ids import Code
from shared.model.kinds import Kind
from tests.support.instances.builders import (
    a_sample,
    a_service_file,
    a_space,
)
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import USER, Instance
from tests.support.worlds.losing_source import first_run, held, here, many_samples

MENTION = {"NOTES": 'see "openbis/file-service/a.txt"'}


def test_more_than_max_deletions_are_held_back_while_all_else_goes_on(
    source: Instance, either: Harvest
) -> None:
    samples = many_samples(source)
    with source.served() as url:
        first_run(either, url, max_deletions="3, 10 %")
        source.delete(*samples[:4])
        source.load(a_sample(300), replace(samples[20], properties={"NOTES": "changed"}))
        why = held(either.run())
        assert "4 deletions are held back: 4 of the 31 items that this section brought here" in why
        assert "more than 3 and 10 % (max-deletions)" in why
        assert "half" not in why
        assert len(here(either)) == 32
        stored = either.instance.entities()
        assert stored[Kind.SAMPLE, samples[20].perm_id].properties == {"NOTES": "changed"}
        assert either.audit().code == 9  # they are differences


@pytest.mark.parametrize("limit", ["4, 10 %", "3, 50 %", "4", "13 %"])
def test_not_more_than_max_deletions_go_at_once(
    source: Instance, harvest: Harvest, limit: str
) -> None:
    samples = many_samples(source)
    with source.served() as url:
        first_run(harvest, url, max_deletions=limit)
        source.delete(*samples[:4])
        result = harvest.run()
        assert result.code == 0, result.output
        assert len(here(harvest)) == 27


def test_files_of_the_file_service_count_and_wait_with_the_rest(
    source: Instance, harvest: Harvest
) -> None:
    samples = many_samples(source, 3)
    source.load(replace(samples[0], properties=MENTION), a_service_file("a.txt"))
    with source.served() as url:
        first_run(harvest, url, max_deletions="1")
        source.delete(samples[0])
        result = harvest.run()
        assert "2 deletions are held back" in held(result)
        assert "1 FILE held back" in result.output
        assert "held back: FILE a.txt, SAMPLE /ALPHA/SAMPLE-100" in result.output
        assert (harvest.root / "file-service" / "a.txt").exists()
        assert harvest.command("release", "2").code == 0
        harvest.converges()
    assert not (harvest.root / "file-service" / "a.txt").exists()


def test_a_space_that_vanished_as_a_whole_is_held_back_by_name(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    with source.served() as url:
        first_run(either, url)
        before = here(either)
        either.section("DS1", url, deletion_allowed="true", space_black_list="BETA")
        why = held(either.run())
        assert "spaces vanished with all that was in them: BETA (1 items)" in why
        assert "space-black-list" in why
        assert here(either) == before
        either.section("DS1", url, deletion_allowed="true")
        either.converges()  # the operator has corrected the list
        assert either.command("release", "2").code == 2  # nothing waits any more
    assert full_instance.beta.perm_id in here(either)


def test_a_space_that_its_user_may_not_see_any_more_is_held_back(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with source.served() as url:
        first_run(harvest, url)
        before = here(harvest)
        source.execute(f"DELETE FROM role_assignment WHERE user_id = '{USER}'")  # noqa: S608
        source.add_user(place="/ALPHA")
        assert "BETA (1 items); deleted on the source, or its user may not see" in held(
            harvest.run()
        )
        assert here(harvest) == before
        assert full_instance.cellar.perm_id in before


def test_an_emptied_space_and_one_whose_content_moved_go_at_once(
    source: Instance, either: Harvest
) -> None:
    beta, moving = a_space("BETA"), a_sample(7, space="BETA")
    many_samples(source)
    source.load(beta, a_space("EMPTY"), moving)
    with source.served() as url:
        first_run(either, url)
        source.delete(beta, a_space("EMPTY"))
        source.load(replace(moving, space=Code("ALPHA")))
        either.converges()
    assert either.instance.codes(Kind.SPACE) == {"ALPHA"}


def test_all_reasons_are_told_and_the_report_names_no_more_than_twenty(
    source: Instance, harvest: Harvest
) -> None:
    samples = many_samples(source)
    with source.served() as url:
        first_run(harvest, url, max_deletions="5 %")
        source.delete(a_space(), *samples)
        result = harvest.run()
        why = held(result)
        for reason in ("list is empty", "smaller than half", "max-deletions", "ALPHA (30 items)"):
            assert reason in why
        (names,) = [line for line in result.output.splitlines() if "note: held back: " in line]
        assert names.count("SAMPLE /ALPHA/") == 20
        assert names.endswith("and 11 more")
        assert "held back: SAMPLE /ALPHA/SAMPLE-100," in harvest.log()


def test_a_verbose_section_names_everything_in_its_log(source: Instance, harvest: Harvest) -> None:
    samples = many_samples(source)
    with source.served() as url:
        first_run(harvest, url, verbose="true", max_deletions="5 %")
        source.delete(*samples[:25])
        result = harvest.run()
        assert held(result)
        assert "note: held back:" not in result.output
        log = harvest.log()
        assert all(sample.identifier in log.partition("REAL RUN")[2] for sample in samples[:25])


def test_a_rehearsal_foretells_what_is_held_back_and_leaves_no_trace(
    source: Instance, either: Harvest
) -> None:
    samples = many_samples(source)
    with source.served() as url:
        first_run(either, url, max_deletions="5 %")
        source.delete(*samples[:5])
        result = either.run("--dry-run")
        assert "5 deletions are held back" in held(result)
        assert either.instance.rows("SELECT * FROM held_deletion") == []
        released = either.command("release", "2")
        assert released.code == 2
        assert "was only a dry run" in released.output
        assert "5 deletions are held back" in held(either.run())
        assert len(either.instance.rows("SELECT * FROM held_deletion")) == 5
