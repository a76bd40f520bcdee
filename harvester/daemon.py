"""``harvester daemon``: an execution at every interval, until the process is told to stop.

APScheduler lives only here. A run that takes longer than the interval is not overlapped by the next
one, and what was missed while the machine slept is made up for once.
"""

from __future__ import annotations

import argparse
import logging
import signal
from datetime import datetime, timedelta
from types import FrameType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from harvester.commands.run import run
from harvester.properties import read_settings
from harvester.schedule import Schedule, schedule_of
from shared.errors import SyncError

_GRACE = timedelta(hours=6)
"""A run that is late by up to so much is made up for."""

log = logging.getLogger(__name__)


def daemon(options: argparse.Namespace) -> int:
    """Returns when SIGTERM or SIGINT came, after the run at hand has ended."""
    schedule = schedule_of(read_settings(options.config), datetime.now().astimezone())
    scheduler = BlockingScheduler(executors={"default": ThreadPoolExecutor(1)})
    scheduler.add_job(
        _execute,
        _trigger(schedule),
        args=(options,),
        max_instances=1,
        coalesce=True,
        misfire_grace_time=round(_GRACE.total_seconds()),
        next_run_time=schedule.first,
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        log.info("stopping after the run at hand")
        scheduler.shutdown(wait=False)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    log.info("harvesting every %s, first at %s", schedule.interval, schedule.first)
    scheduler.start()
    return 0


def _trigger(schedule: Schedule) -> DateTrigger | IntervalTrigger:
    if schedule.once:
        return DateTrigger(run_date=schedule.first)
    seconds = schedule.interval.total_seconds()
    return IntervalTrigger(seconds=seconds, start_date=schedule.first)


def _execute(options: argparse.Namespace) -> None:
    """One execution; settings are read anew, and a fault in them must not end the daemon."""
    try:
        code = run(options)
    except SyncError:
        log.exception("this execution could not begin; the next one tries again")
    else:
        log.info("execution ended with code %d", code)
