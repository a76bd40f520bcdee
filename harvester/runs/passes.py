"""The two passes of a run, for every kind of section: what happens goes to the log and the
recorder."""

from __future__ import annotations

from collections.abc import Callable

from harvester.runs.job import Job
from harvester.runs.progress import Progress
from harvester.runs.report import Outcome
from harvester.settings.section import S
from shared.checkpoints import checkpoint


def begin_pass(job: Job[S], *, dry_run: bool) -> None:
    """Begin the dry-run pass, or the real one."""
    job.recorder.pass_begins(dry_run=dry_run)
    job.log.pass_begins(dry_run=dry_run)


def take_step(job: Job[S], title: str, step: Callable[[Progress], Outcome]) -> None:
    """Perform one step of the pass."""
    with job.log.step(title) as progress:
        checkpoint("a step begins", title)
        outcome = step(progress)
        job.recorder.step_ends(title, outcome)
        job.limits.progressed()
        checkpoint("a step ends", title)
    job.log.outcome(title, outcome)
