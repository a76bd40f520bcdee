from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from harvester.execution.schedule import Schedule, remarks, runs_once, schedule_of
from harvester.settings.harvester import HarvesterSettings

ZONE = ZoneInfo("Europe/Zurich")
# A Wednesday.
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=ZONE)


def settings(**keys: str) -> HarvesterSettings:
    given = {key.replace("_", "-"): value for key, value in keys.items()}
    return HarvesterSettings.model_validate({"harvester-config-file": "h.txt"} | given)


def schedule(**keys: str) -> Schedule:
    return schedule_of(settings(**keys), ZONE)


def shown(moment: datetime) -> str:
    return f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M:%S%z}"


def moments(text: str, *, after: datetime = NOON, number: int = 3) -> list[str]:
    """The next ones of a run-schedule, as the clock on the wall shows them."""
    rule = schedule(run_schedule=text)
    found = [after]
    for _ in range(number):
        found.append(rule.after(found[-1]))
    assert all(one < other for one, other in pairwise(found[1:]))
    return [f"{one.astimezone(ZONE):%a %m-%d %H:%M:%S}" for one in found[1:]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cron: 0 0 * * * *", ["Wed 03-04 13:00:00", "Wed 03-04 14:00:00", "Wed 03-04 15:00:00"]),
        (
            "cron: */10 * * * * *",
            ["Wed 03-04 12:00:10", "Wed 03-04 12:00:20", "Wed 03-04 12:00:30"],
        ),
        (
            "cron: 0 0 8-10 * * *",
            ["Thu 03-05 08:00:00", "Thu 03-05 09:00:00", "Thu 03-05 10:00:00"],
        ),
        (
            "cron: 0 0 6,19 * * *",
            ["Wed 03-04 19:00:00", "Thu 03-05 06:00:00", "Thu 03-05 19:00:00"],
        ),
        (
            "cron: 0 0/30 8-10 * * *",
            ["Thu 03-05 08:00:00", "Thu 03-05 08:30:00", "Thu 03-05 09:00:00"],
        ),
        (
            "cron: 0 0 17 * * MON-FRI",
            ["Wed 03-04 17:00:00", "Thu 03-05 17:00:00", "Fri 03-06 17:00:00"],
        ),
        (
            "cron:0 0 0 25 12 ?",
            ["Fri 12-25 00:00:00", "Sat 12-25 00:00:00", "Mon 12-25 00:00:00"],
        ),
        ("cron: 30 2 * * 0", ["Sun 03-08 02:30:00", "Sun 03-15 02:30:00", "Sun 03-22 02:30:00"]),
        ("cron: 0 30 5 * * 7", ["Sun 03-08 05:30:00", "Sun 03-15 05:30:00", "Sun 03-22 05:30:00"]),
        (
            "CRON: 0 5 * jun-jul 1",
            ["Mon 06-01 05:00:00", "Mon 06-08 05:00:00", "Mon 06-15 05:00:00"],
        ),
        (
            "cron: 0 0 5 * * fri-sun",
            ["Fri 03-06 05:00:00", "Sat 03-07 05:00:00", "Sun 03-08 05:00:00"],
        ),
        ("6, 18", ["Wed 03-04 18:00:00", "Thu 03-05 06:00:00", "Thu 03-05 18:00:00"]),
        ("3.FR 22:15", ["Fri 03-20 22:15:00", "Fri 04-17 22:15:00", "Fri 05-15 22:15:00"]),
        ("1. 15:50", ["Wed 04-01 15:50:00", "Fri 05-01 15:50:00", "Mon 06-01 15:50:00"]),
        ("SAT 1:30", ["Sat 03-07 01:30:00", "Sat 03-14 01:30:00", "Sat 03-21 01:30:00"]),
        (
            "1.Jan 5:15, 1.4. 5:15, 1.7 5:15, 1. OCT 5:15",
            ["Wed 04-01 05:15:00", "Wed 07-01 05:15:00", "Thu 10-01 05:15:00"],
        ),
        ("fr 13. 5", ["Fri 03-13 05:00:00", "Fri 11-13 05:00:00", "Fri 08-13 05:00:00"]),
        ("5.TH 4:00", ["Thu 04-30 04:00:00", "Thu 07-30 04:00:00", "Thu 10-29 04:00:00"]),
    ],
)
def test_the_schedules_of_the_manual_are_understood(text: str, expected: list[str]) -> None:
    assert moments(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("cron: 0 0 2 * *  * 2026", "cron has five or six fields, not 7"),
        ("cron: 0 0 24 * * *", "'24' is no hour"),
        ("cron: 0 0 ? * * *", "no hour"),
        ("cron: 0 */0 2 * * *", "no minute"),
        ("cron: 0 0 5-2 * * *", "runs backwards"),
        ("cron: 0 0 5 L * *", "'L' is no day"),
        ("cron: 0 0 5 30 2 *", "never comes"),
        ("cron: 0 0 5 * * mo", "'mo' is no weekday"),
        ("31.FEB 5:00", "never comes"),
        ("6.FR 5:00", "counted from 1 to 5"),
        ("2.FR 13. 5:00", "without a day"),
        ("XX 5:00", "'XX 5:00' is no moment"),
        ("25:00", "'25' is no hour"),
        ("daily", "'daily' is no moment"),
        ("6,", "'' is no moment"),
        ("1.XYZ 5:00", "'XYZ' is no month"),
    ],
)
def test_a_wrong_schedule_is_refused_and_the_right_forms_are_told(text: str, reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        schedule(run_schedule=text)
    assert reason in str(caught.value)
    assert "cron: 0 30 2 * * *" in str(caught.value)


@pytest.mark.parametrize("text", ["cron: 0 30 2 * * *", "2:30"])
def test_a_run_in_the_hour_that_is_repeated_happens_once(text: str) -> None:
    before = datetime(2026, 10, 24, 12, 0, tzinfo=ZONE)
    first = schedule(run_schedule=text).after(before)
    assert shown(first) == "2026-10-25 02:30:00+0200"
    assert shown(schedule(run_schedule=text).after(first)) == "2026-10-26 02:30:00+0100"
    again = datetime(2026, 10, 25, 2, 10, tzinfo=ZONE, fold=1)
    assert shown(schedule(run_schedule=text).after(again)) == "2026-10-26 02:30:00+0100"


@pytest.mark.parametrize("text", ["cron: 0 30 2 * * *", "2:30"])
def test_a_run_in_the_hour_that_is_skipped_happens_once_and_later(text: str) -> None:
    before = datetime(2026, 3, 28, 12, 0, tzinfo=ZONE)
    first = schedule(run_schedule=text).after(before)
    assert shown(first) == "2026-03-29 03:30:00+0200"
    assert shown(schedule(run_schedule=text).after(first)) == "2026-03-30 02:30:00+0200"


def test_a_schedule_for_all_hours_goes_on_through_both_changes_of_the_clock() -> None:
    for before in (datetime(2026, 10, 25, 0, 45, tzinfo=UTC), datetime(2026, 3, 29, tzinfo=UTC)):
        rule, moment = schedule(run_schedule="cron: 0 */20 * * * *"), before
        for _ in range(12):
            following = rule.after(moment)
            assert following.astimezone(UTC) - moment <= timedelta(minutes=20)
            assert following.astimezone(ZONE).minute % 20 == 0
            moment = following.astimezone(UTC)


def test_without_a_start_the_daemon_harvests_at_once_and_then_at_every_interval() -> None:
    every = schedule(interval="90 min")
    assert every.first(NOON) == NOON
    assert every.after(NOON) == NOON + timedelta(minutes=90)


def test_the_first_run_waits_for_the_start() -> None:
    assert schedule(start="13:30").first(NOON) == NOON.replace(hour=13, minute=30)
    assert schedule(start="12:00").first(NOON) == NOON
    assert schedule(start="3:00").first(NOON) == NOON.replace(day=5, hour=3)


def test_a_run_that_was_missed_is_made_up_for_and_the_next_is_at_its_hour() -> None:
    daily = schedule(start="3:00")
    yesterday = NOON.replace(day=3, hour=3, second=7)
    assert daily.first(NOON, last=yesterday) == NOON
    assert daily.after(NOON) == NOON.replace(day=5, hour=3)


def test_a_daemon_that_starts_again_after_its_run_waits_for_the_next() -> None:
    this_morning = NOON.replace(hour=3, second=7)
    assert schedule(start="3:00").first(NOON, last=this_morning) == NOON.replace(day=5, hour=3)
    shifts = schedule(start="3:00", interval="6 h")
    assert shifts.first(NOON, last=NOON.replace(hour=9, second=7)) == NOON.replace(hour=15)


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("1 d", "2026-03-05 03:00:00+0100"),
        ("7 d", "2026-03-11 03:00:00+0100"),
        ("8 h", "2026-03-04 19:00:00+0100"),
        ("5 h", "2026-03-04 17:00:00+0100"),
    ],
)
def test_intervals_count_from_the_start(interval: str, expected: str) -> None:
    """Those that fit into a day; others from one run to the next."""
    assert shown(schedule(start="3:00", interval=interval).after(NOON)) == expected


def test_daily_runs_stay_at_their_hour_when_the_clock_changes() -> None:
    daily, moment, hours = schedule(start="2:30"), datetime(2026, 3, 27, 2, 30, tzinfo=ZONE), []
    for _ in range(4):
        moment = daily.after(moment)
        hours.append(f"{moment.astimezone(ZONE):%d %H:%M}")
    assert hours == ["28 02:30", "29 03:30", "30 02:30", "31 02:30"]


def test_a_remembered_moment_that_has_passed_is_due_now() -> None:
    nightly = schedule(run_schedule="2:00")
    tonight = NOON.replace(day=5, hour=2)
    assert nightly.first(NOON, saved=NOON.replace(hour=2)) == NOON
    assert nightly.first(NOON, saved=tonight) == tonight
    assert nightly.first(NOON) == tonight
    assert nightly.first(NOON, last=NOON.replace(month=1)) == tonight


def test_a_run_schedule_wins_over_the_other_keys() -> None:
    given = settings(run_schedule="6", interval="1 h", start="3:00", execute_only_once="true")
    assert schedule_of(given, ZONE).first(NOON) == NOON.replace(day=5, hour=6)
    assert not runs_once(given)
    assert remarks(given) == [
        "interval, start, execute-only-once: without effect, since there is a run-schedule"
    ]
    assert remarks(settings(interval="1 h", start="3:00")) == []
    assert runs_once(settings(execute_only_once="true"))


def test_all_faults_of_the_scheduling_keys_are_told_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        settings(
            interval="soon",
            start="25:00",
            execute_only_once="yes",
            run_schedule="x",
            retry_intervals_after_failure="10 m, later",
        )
    assert {error["loc"][0] for error in caught.value.errors()} == {
        *("interval", "start", "execute-only-once", "run-schedule"),
        "retry-intervals-after-failure",
    }


def test_an_interval_below_a_second_is_a_fault() -> None:
    with pytest.raises(ValidationError, match="at least 1 s"):
        settings(interval="10 ms")
