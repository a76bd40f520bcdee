"""How long deletions are held back, and how they are let through."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.kinds import DataSetKind
from tests.support.faults.blind_source import digests
from tests.support.faults.faulty_source import edited
from tests.support.instances.builders import (
    a_data_set,
    a_material,
    a_project,
    a_sample,
    a_space,
    an_experiment,
)
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.worlds.losing_source import first_run, held, here, many_samples

MENTION = {"NOTES": 'see "openbis/file-service/a.txt"'}


def test_what_was_held_back_waits_though_later_numbers_are_harmless(
    source: Instance, either: Harvest
) -> None:
    samples = many_samples(source)
    with source.served() as url:
        first_run(either, url, max_deletions="4, 10 %")
        source.delete(*samples[:5])
        assert held(either.run())
        source.load(*(a_sample(1000 + n) for n in range(100)))
        source.delete(samples[29])  # a harmless deletion goes on meanwhile
        why = held(either.run())
        assert "5 deletions are held back: what run 2 and later ones held back waits" in why
        assert len(here(either)) == 130
        assert samples[29].perm_id not in here(either)


def test_a_slow_bleeding_is_judged_day_by_day_and_what_waited_waits(
    source: Instance, either: Harvest
) -> None:
    """Each day half of what is left and a little more vanishes."""
    samples = many_samples(source, 31)
    with source.served() as url:
        first_run(either, url)
        for day, left in enumerate((14, 6, 2), start=2):
            source.delete(*samples[left:])
            assert held(either.run())
            assert len(here(either)) == 32
            rows = either.instance.rows("SELECT DISTINCT run FROM held_deletion ORDER BY 1")
            assert rows == [(run,) for run in range(2, day + 1)]
        assert either.command("release", "3").code == 0
        why = held(either.run())
        assert "4 deletions are held back" in why
        assert len(here(either)) == 3 + 4
        assert either.command("release", "5").code == 0
        either.converges()


def test_released_deletions_are_done_though_new_ones_are_held_back_in_the_same_run(
    source: Instance, either: Harvest
) -> None:
    samples = many_samples(source)
    with source.served() as url:
        first_run(either, url, max_deletions="10 %")
        source.delete(*samples[:5])
        assert held(either.run())
        released = either.command("release", "2")
        assert released.code == 0
        assert "5 SAMPLE released" in released.output
        assert "5 deletions are released; the next run does them" in released.output
        source.delete(*samples[5:9])
        result = either.run()
        assert "4 deletions are held back: 4 of the 26 items" in held(result)
        assert "5 SAMPLE deleted" in result.output
        assert here(either) == {"ALPHA", *(sample.perm_id for sample in samples[5:])}
        assert either.command("release", "3").code == 0
        either.converges()


def test_what_the_source_has_again_waits_no_longer(source: Instance, either: Harvest) -> None:
    samples = many_samples(source)
    with source.served() as url:
        first_run(either, url, max_deletions="4, 10 %")
        source.delete(*samples[:5])
        assert held(either.run())
        assert either.command("release", "2").code == 0
        source.load(*samples[:5])
        either.converges()
        assert either.instance.rows("SELECT * FROM held_deletion") == []
        source.delete(*samples[:6])  # that it was released once does not count any more
        assert "6 deletions are held back" in held(either.run())


def test_allow_deletions_lets_everything_through_at_once(source: Instance, either: Harvest) -> None:
    samples = many_samples(source)
    with source.served() as url:
        first_run(either, url, max_deletions="4, 10 %")
        source.delete(*samples[:5])
        assert held(either.run())
        source.delete(a_space(), *samples)
        assert either.run("--allow-deletions").code == 0
        assert here(either) == set()
        assert either.instance.rows("SELECT * FROM held_deletion") == []
        either.agrees()


def test_records_without_a_name_hold_back_only_what_was_not_released(
    source: Instance, harvest: Harvest
) -> None:
    samples = many_samples(source)
    with source.served() as url:
        first_run(harvest, url, max_deletions="4, 10 %", max_failed_records="50 %")
        source.delete(*samples[:5])
        assert held(harvest.run())
        assert harvest.command("release", "2").code == 0
        source.delete(samples[5])

    def nameless(body: bytes) -> bytes:
        loc = f"/SAMPLE/{samples[6].perm_id}/M"
        return body.replace(loc.encode(), b"/").replace(b' kind="SAMPLE"', b"", 1)

    with source.served(edited(nameless)) as url:
        harvest.section("DS1", url, deletion_allowed="true", max_failed_records="50 %")
        assert harvest.run().code == 7
    gone = {sample.perm_id for sample in samples[:5]}
    assert not gone & here(harvest)
    assert samples[5].perm_id in here(harvest)


def test_the_place_of_what_waits_stays_until_it_goes_too(source: Instance, either: Harvest) -> None:
    """First the data sets vanish, and wait; then the experiment, which alone would be harmless."""
    places = [a_space("BETA"), a_project(12, space="BETA")]
    trial = an_experiment(13, space="BETA")
    data_sets = [
        a_data_set(200 + n, experiment=trial.identifier, data_set_kind=DataSetKind.CONTAINER)
        for n in range(5)
    ]
    many_samples(source)
    source.load(*places, trial, *data_sets)
    with source.served() as url:
        first_run(either, url, max_deletions="4, 5 %")
        source.delete(*data_sets)
        assert "5 deletions are held back" in held(either.run())
        source.delete(trial)
        assert "6 deletions are held back" in held(either.run())
        assert trial.perm_id in here(either)
        assert either.command("release", "3").code == 0
        either.converges()
    assert not {trial.perm_id, *(d.perm_id for d in data_sets)} & here(either)


def test_release_says_why_there_is_nothing_to_release(source: Instance, harvest: Harvest) -> None:
    samples = many_samples(source)
    with source.served() as url:
        first_run(harvest, url, max_deletions="4, 10 %")
        source.delete(*samples[:5])
        assert held(harvest.run())
        unknown = harvest.command("release", "99")
        assert (unknown.code, "there is no run 99" in unknown.output) == (2, True)
        nothing = harvest.command("release", "1")
        assert (nothing.code, "run 1 of section [DS1] held back no" in nothing.output) == (2, True)
        assert harvest.command("release", "2").code == 0
        again = harvest.command("release", "2")
        assert (again.code, "is released already; the next run" in again.output) == (2, True)
        harvest.converges()
        done = harvest.command("release", "2")
        assert (done.code, "it is deleted by now, or the data source" in done.output) == (2, True)
        shown = harvest.command("show", "2")
        assert (shown.code, "5 " in shown.output) == (0, True)


def test_what_is_not_to_be_deleted_at_all_is_not_held_back(
    source: Instance, harvest: Harvest
) -> None:
    samples = many_samples(source)
    source.load(a_material())
    with source.served() as url:
        harvest.section("DS1", url, max_deletions="0")
        harvest.init()
        assert harvest.run().code == 0
        source.delete(a_space(), *samples)
        result = harvest.run()
        assert result.code == 0
        assert "31 items are no longer on the data source and stay here" in result.output
        assert harvest.instance.rows("SELECT * FROM held_deletion") == []
        harvest.section("DS1", url, deletion_allowed="true", max_deletions="0")
        assert "31 deletions are held back" in held(harvest.run())


@pytest.mark.parametrize("kind", ["files", "attachments"])
def test_a_release_lets_no_more_go_than_was_held_back(
    source: Instance, full_instance: FullInstance, either: Harvest, kind: str
) -> None:
    """One part was lost, and the loss was released; until the next run all others are lost."""
    brew, raw = full_instance.brew, full_instance.raw
    with source.served() as url:
        first_run(either, url, max_deletions="0")
        before, held_before = digests(either.instance), either.instance.bytes_held()

        def only(number: int) -> None:
            if kind == "files":
                source.load(replace(raw, files=raw.files[:number]))
            else:
                source.drop_attachments(brew)
                source.load(replace(brew, attachments=brew.attachments[:number]))

        only(1)
        assert either.run().code == 8
        assert either.command("release", "2").code == 0
        only(0)
        result = either.run()
        assert result.code == 8, result.output
        assert "1 losses of contents are larger now than when they were held back" in result.output
        assert digests(either.instance) == before
        nothing = either.command("release", "2")
        assert nothing.code == 2
        assert either.command("release", "3").code == 0
        either.converges()
        assert either.instance.bytes_held() != held_before
        assert set(digests(either.instance).values()) >= set(before.values())
        assert either.instance.rows("SELECT * FROM held_deletion") == []
        either.converges()
        assert either.instance.rows("SELECT * FROM held_part") == []
