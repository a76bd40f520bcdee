"""What the daemon does next, with a clock of the test's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harvester.daemon.agenda import Agenda
from harvester.settings.chosen import Chosen
from harvester.settings.harvester import HarvesterSettings

BEGIN = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NONE: frozenset[str] = frozenset()


class Clock:
    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now

    def passes(self, duration: timedelta) -> None:
        self.now += duration


def chosen(folder: Path, **keys: str) -> Chosen:
    given = {key.replace("_", "-"): value for key, value in keys.items()}
    settings = HarvesterSettings.model_validate(
        {"harvester-config-file": "h.txt", "base-dir": folder} | given
    )
    return Chosen(settings=settings, sections=(), faults_of={}, contacts={})


def test_a_run_that_takes_longer_than_the_interval_is_followed_by_one_at_once_and_only_one(
    tmp_path: Path,
) -> None:
    clock = Clock()
    agenda = Agenda(chosen(tmp_path, interval="1 h"), clock)
    first = agenda.next()
    assert first.due == BEGIN
    clock.passes(3.5 * HOUR)
    agenda.ended(first, BEGIN, NONE)
    second = agenda.next()
    assert second.due == clock.now
    clock.passes(HOUR / 2)
    agenda.ended(second, second.due, NONE)
    assert agenda.next().due == second.due + HOUR


def test_what_a_sleeping_machine_missed_is_made_up_for_once(tmp_path: Path) -> None:
    """It was due three days ago; when the machine wakes up the execution begins, and is all."""
    clock = Clock()
    agenda = Agenda(chosen(tmp_path, run_schedule="2:00"), clock)
    one = agenda.next()
    clock.now = one.due + timedelta(days=3, hours=4)
    began = clock.now
    clock.passes(HOUR)
    agenda.ended(one, began, NONE)
    assert clock.now < agenda.next().due <= clock.now + timedelta(days=1)


def test_the_pauses_of_retries_grow_and_end_with_a_success(tmp_path: Path) -> None:
    clock = Clock()
    keys = {"interval": "1 d", "retry_intervals_after_failure": "1 h, 10 m"}
    agenda = Agenda(chosen(tmp_path, **keys), clock)
    regular = agenda.next()
    agenda.ended(regular, clock.now, frozenset({"A", "B"}))
    first = agenda.next()
    assert (first.due - clock.now, first.sections) == (timedelta(minutes=10), frozenset({"A", "B"}))
    clock.now = first.due
    agenda.ended(first, clock.now, frozenset({"B"}))
    second = agenda.next()
    assert (second.due - clock.now, second.sections) == (HOUR, frozenset({"B"}))
    clock.now = second.due
    agenda.ended(second, clock.now, NONE)
    last = agenda.next()
    assert (last.due, last.sections, last.again) == (BEGIN + timedelta(days=1), NONE, 0)


@pytest.mark.parametrize("failed", [frozenset({"A"}), None])
def test_a_regular_execution_comes_before_a_later_retry_and_replaces_it(
    tmp_path: Path, failed: frozenset[str] | None
) -> None:
    clock = Clock()
    keys = {"interval": "30 min", "retry_intervals_after_failure": "1 h"}
    agenda = Agenda(chosen(tmp_path, **keys), clock)
    agenda.ended(agenda.next(), clock.now, failed)
    one = agenda.next()
    assert (one.due, one.again) == (BEGIN + HOUR / 2, 0)
    clock.now = one.due
    agenda.ended(one, clock.now, NONE)
    assert agenda.next().due == BEGIN + HOUR


def test_an_execution_that_could_not_begin_is_tried_again_as_a_whole(tmp_path: Path) -> None:
    clock = Clock()
    agenda = Agenda(chosen(tmp_path, retry_intervals_after_failure="10 m"), clock)
    agenda.ended(agenda.next(), clock.now, None)
    one = agenda.next()
    assert (one.due - clock.now, one.again, one.sections) == (timedelta(minutes=10), 1, NONE)


def test_a_next_date_that_cannot_be_written_hinders_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    keys = {"run_schedule": "2:00", "run_schedule_file": "file/next"}
    agenda = Agenda(chosen(tmp_path, **keys), Clock())
    assert agenda.next().due > BEGIN
    assert "file/next: cannot be" in caplog.text


def test_settings_that_were_read_anew_count_from_the_next_due_run_on(tmp_path: Path) -> None:
    clock = Clock()
    agenda = Agenda(chosen(tmp_path, interval="1 d"), clock)
    one = agenda.next()
    agenda.read(chosen(tmp_path, interval="1 h"))
    agenda.ended(one, clock.now, NONE)
    assert agenda.next().due == BEGIN + HOUR
