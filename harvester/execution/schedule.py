"""When the daemon harvests, by the scheduling keys of openBIS's maintenance tasks.

APScheduler computes the moments. The daemon itself waits for them, so that it notices when the
machine slept or its clock was set; a missed run is made up for once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from apscheduler.triggers.cron import CronTrigger

from harvester.settings.harvester import HarvesterSettings
from harvester.settings.run_schedule import WEEKDAYS, CalendarRule
from shared.environment import local_zone

_DAY = timedelta(days=1)
_ALL_HOURS = tuple(range(24))
_COUNTED = ("1st", "2nd", "3rd", "4th", "5th")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """``rules`` win over ``interval`` and ``start``, as in openBIS. They hold in ``zone``. A time
    that a change of the clock repeats counts once; one that it skips comes later. Moments are in
    UTC, since Python compares two moments of one zone by their wall clock times."""

    interval: timedelta
    start: time | None
    rules: tuple[CalendarRule, ...]
    zone: tzinfo

    def first(
        self, now: datetime, *, saved: datetime | None = None, last: datetime | None = None
    ) -> datetime:
        """When a daemon that starts now harvests first.

        ``saved`` is the next moment of the rules, as an earlier daemon saved it; ``last`` is when
        the last run began. What was due before is due now. Without rules and ``start``: now.
        """
        now = now.astimezone(UTC)
        if self.rules:
            return now if saved and saved <= now else self.after(now)
        if self.start is None:
            return now
        return max(now, self.after(last)) if last else self._next_start(now)

    def after(self, moment: datetime) -> datetime:
        """The next regular moment after one at which a run was due."""
        moment = moment.astimezone(UTC)
        if self.rules:
            return min(_next(rule, moment, self.zone) for rule in self.rules)
        # Only intervals of whole days, or that divide a day, come back to the same hours.
        if self.start is None or (self.interval % _DAY and _DAY % self.interval):
            return moment + self.interval
        return self._on_the_grid(moment, self.start)

    def _next_start(self, now: datetime) -> datetime:
        """The time ``start``, today if it is still to come, else tomorrow."""
        today = datetime.combine(now.astimezone(self.zone).date(), self.start or time())
        days = (_real(today + number * _DAY, self.zone) for number in range(3))
        return next(found for found in days if found >= now)

    def _on_the_grid(self, moment: datetime, start: time) -> datetime:
        """Count intervals from ``start`` by the wall clock, so that daily runs keep their hour."""
        wall = moment.astimezone(self.zone).replace(tzinfo=None)
        step = min(self.interval, _DAY)
        begin = datetime.combine(wall.date(), start) - _DAY
        wall = begin + ((wall - begin) // step) * step + self.interval
        # In a repeated hour, `_real` gives the first of two moments, which may be over.
        while (found := _real(wall, self.zone)) <= moment:
            wall += step
        return found


def schedule_of(settings: HarvesterSettings, zone: tzinfo | None = None) -> Schedule:
    """The schedule of the settings, in local time unless a zone is given."""
    return Schedule(
        interval=settings.interval,
        start=settings.start,
        rules=settings.run_schedule,
        zone=zone or local_zone(),
    )


def remarks(settings: HarvesterSettings) -> list[str]:
    """Warnings about keys without effect."""
    given = settings.model_fields_set
    ignored = [
        name.replace("_", "-")
        for name in ("interval", "start", "execute_only_once")
        if settings.run_schedule and name in given
    ]
    if not ignored:
        return []
    return [f"{', '.join(ignored)}: without effect, since there is a run-schedule"]


def runs_once(settings: HarvesterSettings) -> bool:
    """Whether the daemon ends after one execution; never with a run-schedule, as in openBIS."""
    return settings.execute_only_once and not settings.run_schedule


def _next(rule: CalendarRule, moment: datetime, zone: tzinfo) -> datetime:
    """The next moment of a rule. Only rules for all hours count a repeated hour twice."""
    if rule.hours == _ALL_HOURS:
        return _asked(_trigger(rule, zone), moment.astimezone(zone)).astimezone(UTC)
    # The trigger counts wall clock times as if they were UTC, where no hour is skipped or repeated;
    # `_real` then finds their moments.
    trigger = _trigger(rule, UTC)
    wall = moment.astimezone(zone).replace(tzinfo=UTC)
    while (found := _real((wall := _asked(trigger, wall)).replace(tzinfo=None), zone)) <= moment:
        pass
    return found


def _asked(trigger: CronTrigger, moment: datetime) -> datetime:
    """The next moment after this one."""
    # APScheduler would give `moment` itself. Sums in UTC are right when the clock changes, too.
    later = (moment.astimezone(UTC) + timedelta(microseconds=1)).astimezone(moment.tzinfo)
    found: datetime = trigger.get_next_fire_time(None, later)
    return found


def _trigger(rule: CalendarRule, zone: tzinfo) -> CronTrigger:
    days = _listed(rule.days)
    if rule.counter:
        days = f"{_COUNTED[rule.counter - 1]} {WEEKDAYS[rule.weekdays[0]]}"
    return CronTrigger(
        second=_listed(rule.seconds),
        minute=_listed(rule.minutes),
        hour=_listed(rule.hours),
        day=days,
        month=_listed(rule.months),
        day_of_week=_listed(rule.weekdays),
        timezone=zone,
    )


def _listed(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))


def _real(wall: datetime, zone: tzinfo) -> datetime:
    """When the wall clock first shows this time; or when it would have, if a change of the clock
    skips it."""
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
