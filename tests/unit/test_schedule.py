from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from harvester.properties import HarvesterSettings
from harvester.schedule import schedule_of
from shared.errors import ConfigError

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def settings(**keys: str) -> HarvesterSettings:
    return HarvesterSettings.model_validate({"harvester-config-file": "h.txt"} | keys)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 d", timedelta(days=1)),
        ("12h", timedelta(hours=12)),
        ("30 min", timedelta(minutes=30)),
        ("5 m", timedelta(minutes=5)),
        ("90 sec", timedelta(seconds=90)),
        ("2000", timedelta(seconds=2)),
    ],
)
def test_durations_are_read_as_openbis_writes_them(text: str, expected: timedelta) -> None:
    assert schedule_of(settings(interval=text), NOON).interval == expected


def test_the_first_run_begins_at_once_or_at_the_next_time_of_the_day_that_start_names() -> None:
    assert schedule_of(settings(), NOON).first == NOON
    assert schedule_of(settings(start="13:30"), NOON).first == NOON.replace(hour=13, minute=30)
    tomorrow = NOON.replace(day=2, hour=3)
    assert schedule_of(settings(start="3:00"), NOON).first == tomorrow


def test_all_faults_of_the_schedule_are_told_at_once() -> None:
    wrong = settings(
        **{"interval": "soon", "start": "25:00", "execute-only-once": "yes", "run-schedule": "x"}
    )
    with pytest.raises(ConfigError) as caught:
        schedule_of(wrong, NOON)
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        *("run-schedule", "interval", "start", "execute-only-once")
    ]


def test_an_interval_below_a_second_is_a_fault() -> None:
    with pytest.raises(ConfigError, match="at least 1 s"):
        schedule_of(settings(interval="10 ms"), NOON)
