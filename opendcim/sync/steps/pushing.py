"""Step 3: submits templates that are marked as shared to the repository's queue.

The mark is cleared when the repository is seen to have the template.
"""

from __future__ import annotations

from collections.abc import Iterator

from harvester.http.retries import OutOfReachError
from harvester.runs.report import Outcome, Verb
from opendcim.records.texts import folded
from opendcim.sync.installation.database import SHARED
from opendcim.sync.installation.database import TEMPLATE as TABLE
from opendcim.sync.installation.installed import Installation, LocalTemplate, names
from opendcim.sync.one_pass import Outbox, Pass
from opendcim.sync.repository.lists import TEMPLATE
from opendcim.sync.repository.queue import KIND
from opendcim.sync.section import RepositorySection
from shared.errors import FormatError, ItemError, SourceError, SourceRefusedError


def push_templates(run: Pass) -> Outcome:
    outcome = run.outcome()
    with run.transaction():
        found = list(marked(run.installation, run.config))
    ready = [(one, number) for one, number in found if number > 0]
    _tell_unready(outcome, [one for one, number in found if number <= 0])
    if run.outbox is None:
        if ready:
            outcome.remark(
                f"{len(ready)} templates are marked as shared, but there is no api-key: nothing is "
                "submitted"
            )
        return outcome
    run.outbox.report_decisions(outcome)
    run.outbox.forget_unmarked(frozenset(one.template_id for one, _ in found))
    if ready:
        run.outbox.open()
    for one, number in ready:
        run.limits.check()
        submit_one(run, run.outbox, one, number, outcome)
        run.progress.advance(1)
    return outcome


def marked(
    installation: Installation, config: RepositorySection
) -> Iterator[tuple[LocalTemplate, int]]:
    """Marked templates, each with the repository's id of its manufacturer. They are read after step
    1, so that a manufacturer that was just linked counts."""
    makers = {one.manufacturer_id: one for one in installation.manufacturers()}
    listed = names(config.share)
    for one in installation.templates():
        maker = makers.get(one.manufacturer_id)
        pair = (folded(maker.name), folded(one.model)) if maker else None
        if maker and (one.shared or pair in listed):
            yield one, maker.global_id


def _tell_unready(outcome: Outcome, waiting: list[LocalTemplate]) -> None:
    if waiting:
        models = ", ".join(sorted(one.model for one in waiting))
        outcome.remark(
            f"marked as shared, but the repository does not know the manufacturer: {models}; ask "
            "its moderators to add it"
        )


def submit_one(
    run: Pass, outbox: Outbox, one: LocalTemplate, manufacturer: int, outcome: Outcome
) -> None:
    try:
        accepted = outbox.submit(one, manufacturer, outcome)
        if accepted and one.shared and run.database.has(TABLE, SHARED):
            with run.one(TEMPLATE, one.model):
                run.storing.clear_share_mark(one.template_id, one.model)
            run.report_plan(outcome, [f"{one.model}: ShareToRepo: 1 -> 0"])
            outcome.note(Verb.UPDATED, TEMPLATE, [one.model])
    # The next template would meet the same, so these end the step.
    except (OutOfReachError, SourceRefusedError):
        raise
    except ItemError as error:
        outcome.fail(error)
    except (SourceError, FormatError) as error:
        outcome.fail(ItemError(KIND, one.model, str(error)))
