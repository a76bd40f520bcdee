"""Decides whether a repository may be asked yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from opendcim.sync.repository.memory import Memory, is_fresh
from opendcim.sync.section import RepositorySection


def not_due(config: RepositorySection) -> str | None:
    """Why the repository is not asked now; None if it is. A dry run is always allowed: it uses the
    answers of the last run if they are recent."""
    memory = Memory(config.opendcim_state_dir, config.repository_url)
    # This comes before the question of a dry run, which may ask the repository, too.
    if memory.left_alone and memory.left_alone[0] > datetime.now(UTC):
        until, reason = memory.left_alone
        return f"the repository is left alone until {local_text(until)}, as it wants: {reason}"
    last = memory.last_run
    if config.dry_run or last is None or not is_fresh(last, config.interval):
        return None
    return (
        f"not due: the repository was synchronized on {local_text(last)}, and interval is "
        f"{config.interval / timedelta(days=1):g} d; 'harvester run --force' does not wait"
    )


def local_text(moment: datetime) -> str:
    """The moment in local time, as in logs."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
