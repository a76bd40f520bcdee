"""Deletions that are an accident although the list looks whole: cut lists, day after day, and
projects or kinds that are not shown any more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.entities import Entity
from shared.model.ids import Code
from shared.model.kinds import Kind
from tests.support.instances.builders import (
    a_material,
    a_project,
    a_sample,
    a_space,
    an_experiment,
    perm_id,
)
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.worlds.losing_source import first_run, held, here, many_samples


def in_project(project: Entity, number: int, **fields: str) -> Entity:
    return a_sample(number, project=project.code, code=f"IN-{number}", **fields)


@pytest.mark.parametrize(("all_of_them", "cut"), [(113, 34), (1999, 999)])
def test_a_list_that_is_cut_at_its_end_deletes_nothing_by_default(
    source: Instance, either: Harvest, all_of_them: int, cut: int
) -> None:
    samples = many_samples(source, all_of_them - 1)
    with source.served() as url:
        first_run(either, url)
        source.delete(*samples[-cut:])
        why = held(either.run())
    assert f"{cut} deletions are held back: {cut} of the {all_of_them:d} items" in why
    assert "more than 10 and 10 % (max-deletions)" in why
    assert len(here(either)) == all_of_them


def test_a_few_deletions_go_by_default(source: Instance, harvest: Harvest) -> None:
    samples = many_samples(source)
    with source.served() as url:
        first_run(harvest, url)
        source.delete(*samples[:10])
        result = harvest.run()
        assert result.code == 0, result.output
        assert result.output.splitlines()[-1].endswith("agree; 10 were deleted")
        rehearsed = harvest.run("--dry-run")
        assert "deleted" not in rehearsed.output.splitlines()[-1]
        source.delete(samples[10])
        rehearsed = harvest.run("--dry-run")
        assert rehearsed.output.splitlines()[-1].endswith("changed; 1 would be deleted")
    assert len(here(harvest)) == 21


def forty_percent_a_day(source: Instance, harvest: Harvest, **keys: str) -> list[tuple[int, int]]:
    """Six cuts; after each the exit code, and how many are left here."""
    samples = many_samples(source, 112)
    days = []
    with source.served() as url:
        first_run(harvest, url, **keys)
        for _ in range(6):
            cut = round(0.4 * (len(samples) + 1))
            source.delete(*samples[-cut:])
            del samples[-cut:]
            days.append((harvest.run().code, len(here(harvest))))
    return days


def test_six_cuts_of_forty_percent_a_day_delete_nothing_by_default(
    source: Instance, either: Harvest
) -> None:
    assert forty_percent_a_day(source, either) == [(8, 113)] * 6


def test_repeated_cuts_are_held_back_although_each_is_small_enough(
    source: Instance, either: Harvest
) -> None:
    days = forty_percent_a_day(source, either, max_deletions="50 %")
    assert days == [(0, 68), *[(8, 68)] * 5]
    shown = either.command("show", "3")
    assert (
        "72 of the 113 items that this section once had here were deleted within 30 days"
        in shown.output + either.log()
    )


def test_what_the_operator_confirmed_does_not_count_for_repeated_cuts(
    source: Instance, either: Harvest
) -> None:
    samples = many_samples(source, 112)
    with source.served() as url:
        first_run(either, url, max_deletions="50 %")
        source.delete(*samples[60:])
        assert either.run("--allow-deletions").code == 0
        source.delete(*samples[40:60])
        either.converges()
    assert len(here(either)) == 41


def test_a_source_that_changes_much_and_stays_as_large_is_no_accident(
    source: Instance, either: Harvest
) -> None:
    samples = many_samples(source, 40)
    with source.served() as url:
        first_run(either, url, max_deletions="50 %")
        for day in range(1, 6):
            source.delete(*samples[:15])
            fresh = [a_sample(1000 * day + number) for number in range(15)]
            source.load(*fresh)
            samples = [*samples[15:], *fresh]
            either.converges()
    assert len(here(either)) == 41


def test_a_project_that_vanished_with_all_in_it_is_held_back_by_name(
    source: Instance, either: Harvest
) -> None:
    many_samples(source, 100)
    project = a_project(20, code="LOST")
    inside = an_experiment(21, project=Code("LOST"), code="TRIAL"), in_project(project, 22)
    source.load(project, *inside)
    with source.served() as url:
        first_run(either, url)
        before = here(either)
        source.delete(project, *inside)
        why = held(either.run())
        assert "projects vanished with all that was in them: /ALPHA/LOST (2 items)" in why
        assert here(either) == before
        assert either.command("release", "2").code == 0
        either.converges()
    assert len(here(either)) == len(before) - 3


def test_an_emptied_project_and_one_whose_content_moved_go_at_once(
    source: Instance, either: Harvest
) -> None:
    many_samples(source, 100)
    empty, left = a_project(20, code="EMPTY"), a_project(23, code="LEFT")
    moving = in_project(left, 24)
    source.load(empty, left, moving)
    with source.served() as url:
        first_run(either, url)
        source.load(replace(moving, project=None))
        source.delete(empty, left)
        either.converges()
    assert either.instance.codes(Kind.PROJECT) == set()


def test_projects_of_a_space_that_vanished_are_told_with_it(
    source: Instance, harvest: Harvest
) -> None:
    many_samples(source, 100)
    beta = a_space("BETA")
    project = a_project(20, code="LOST", space=Code("BETA"))
    inside = in_project(project, 22, space="BETA")
    source.load(beta, project, inside)
    with source.served() as url:
        first_run(harvest, url)
        source.delete(beta, project, inside)
        why = held(harvest.run())
    assert "spaces vanished with all that was in them: BETA (2 items)" in why
    assert "projects vanished" not in why


def test_all_of_a_kind_that_vanished_is_held_back(source: Instance, either: Harvest) -> None:
    many_samples(source, 100)
    materials = a_material(30), a_material(31)
    source.load(*materials)
    with source.served() as url:
        first_run(either, url)
        before = here(either)
        source.delete(*materials)
        why = held(either.run())
        assert "all of a kind vanished: 2 MATERIAL; the source may not show this kind" in why
        assert here(either) == before
        assert "2 deletions wait" in either.run().output  # what waits is told each time


def test_the_last_one_of_a_kind_and_those_that_were_replaced_go_at_once(
    source: Instance, either: Harvest
) -> None:
    many_samples(source, 100)
    project, trials = a_project(), (an_experiment(40), an_experiment(41))
    source.load(a_material(30), project, *trials)
    with source.served() as url:
        first_run(either, url)
        source.delete(a_material(30), *trials)
        source.load(an_experiment(42))
        either.converges()
    assert either.instance.codes(Kind.MATERIAL) == set()
    assert either.instance.codes(Kind.EXPERIMENT) == {perm_id(42)}


def test_the_reason_ends_when_the_source_shows_the_kind_again(
    source: Instance, harvest: Harvest
) -> None:
    many_samples(source, 100)
    materials = a_material(30), a_material(31)
    source.load(*materials)
    with source.served() as url:
        first_run(harvest, url)
        source.delete(*materials)
        held(harvest.run())
        source.load(*materials)
        harvest.converges()
